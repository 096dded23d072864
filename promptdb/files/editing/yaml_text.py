"""Forms of a text in YAML: a block that keeps its lines, or quotes where YAML must escape a character."""

import re

import yaml

UNPRINTABLE = re.compile("[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""Characters that must be escaped: YAML forbids them, or YAML 1.1 treats them as line breaks or a byte order mark."""

_NAMES = {7: "a", 8: "b", 9: "t", 11: "v", 12: "f", 13: "r", 27: "e", 0x85: "N", 0x2028: "L", 0x2029: "P"}
_SPECIAL = re.compile(rf'["\\\t]|{UNPRINTABLE.pattern}')
_SHOWN = 3
_LETTERS = frozenset("yYnN")
_YAML_1_1 = yaml.resolver.Resolver()


def fits_block(text: str) -> bool:
    """Check that a block can hold a text. Texts that cannot be seen, such as separators, read better in quotes."""
    return bool(text) and not text.isspace() and UNPRINTABLE.search(text) is None


def is_text_everywhere(text: str) -> bool:
    """Check that readers of YAML 1.1 read a text without quotes as text, too: there, `no` is a boolean.

    PyYAML reads `y` and `n` as text, and others do not.
    """
    resolved: str = _YAML_1_1.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return resolved == "tag:yaml.org,2002:str" and text not in _LETTERS


def block_hints(text: str, indent: int) -> str:
    """Return the indicators behind the `|` of a block whose lines have `indent` more spaces than their parent."""
    # Readers take the indentation from the first line, and refuse a tab there.
    indentation = str(indent) if text[0] in " \t\n" else ""
    chomping = "-" if text[-1] != "\n" else "+" if text[-2:] in ("\n", "\n\n") else ""
    return indentation + chomping


def quoted(text: str) -> str:
    """Write a text for double quotes, on one line."""
    return _SPECIAL.sub(_escape, text).replace("\n", "\\n")


def quoted_lines(text: str) -> list[str]:
    """Write a text for double quotes, one line of YAML for each line. Indentation before a line is not a part of it."""
    lines = [_SPECIAL.sub(_escape, line) for line in text.split("\n")]
    # Spaces would count as indentation.
    lines[1:] = [f"\\{line}" if line.startswith(" ") else line for line in lines[1:]]
    if len(lines) > 1 and not lines[-1]:
        lines[-2:] = [f"{lines[-2]}\\n"]
    return [*(f"{line}\\n\\" for line in lines[:-1]), lines[-1]]


def why_quoted(text: str) -> str:
    """Name the characters for which YAML has no other form than an escape."""
    found = list(dict.fromkeys(f"U+{ord(character):04X}" for character in UNPRINTABLE.findall(text)))
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"in quotes, because a block cannot hold {', '.join(found[:_SHOWN])}{more}"


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if character in '"\\':
        return f"\\{character}"
    if code in _NAMES:
        return f"\\{_NAMES[code]}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
