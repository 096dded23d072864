"""Text of others on its way to a terminal: it cannot control it, nor pass for output of ours."""


def one_line(text: str) -> str:
    """Text from files and databases cannot break lines or send control characters to a terminal."""
    return text if text.isprintable() else "".join(character if character.isprintable() else " " for character in text)


def escaped(text: str) -> str:
    """Text of several lines without the characters that would control a terminal or begin a line of their own."""
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)
