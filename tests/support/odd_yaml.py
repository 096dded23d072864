"""Prompt files in YAML as nobody writes them: each style of text, comments in odd places, every indentation."""

from collections.abc import Callable
from itertools import count
from random import Random

WORDS = (
    "word",
    "it's",
    '"so"',
    "a: b",
    "#no",
    "x #y",
    "---",
    "- item",
    "{name}",
    "naïve",
    "日本",
    "🎈",
    "é",
    "back\\slash",
    "tab\there",
    "no",
    "12",
    "~",
    "*star",
    "&and",
    "!bang",
    "%d",
    "@at",
    "[x]",
    "...",
    "http://x.y/z?a=b#c",
    "end:",
)
PLAIN = ("word", "it's", "a-b", "naïve", "日本", "http://x.y/z", "no", "2026-04-01", "a,b?")
NOT_TEXT = ("12", "1.50", "0x1F", "true", "~", "null", "")
FLOW = ("a", "'b c'", '"d"', "1.0", "[x, y]", "{k: v}", "{}", '"e\\nf"', "'it''s'")

Value = Callable[[int], list[str]]
"""Writes the lines of a value behind a key or a dash, which is at a column."""


class OddYaml:
    """Writes the lines of one file. `comments` are those it has written, each with a number of its own."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._numbers = count()
        self.comments: list[str] = []

    def prompt(self) -> str:
        """Write a YAML file, which is a valid prompt."""
        text = self._random.choice([("template", self._text), ("messages", self._messages)])
        return self.fields(text) + self._pick(("\n", "", "\n\n\n", "\n   \n"))

    def fields(self, *more: tuple[str, Value]) -> str:
        """Write the fields of a prompt but its text, without a line break at the end."""
        pairs: list[tuple[str, Value]] = [
            ("template_format", lambda _: [" plain"]),
            ("metadata", lambda column: self._mapping(column, {"title": self._text, "description": self._text})),
            ("model", lambda column: self._mapping(column, {"any": lambda c: self._value(c, 1)})),
            ("partial_variables", lambda column: self._mapping(column, {"a b": self._text, "end:": self._text})),
            ("response_schema", lambda column: self._mapping(column, {"enum": lambda c: self._list(c, 1)})),
            ("tests", self._tests),
            *more,
        ]
        self._random.shuffle(pairs)
        lines = [*self._comments(0), *self._block(0, pairs), *self._comments(self._random.choice((0, 1, 2, 4)))]
        return "\n".join(lines)

    def _tests(self, column: int) -> list[str]:
        item = {"name": lambda _: [" a"], "expect": lambda c: self._mapping(c, {"equals": self._text})}
        return self._items(column, [lambda c: self._mapping(c, item, behind_dash=True)])

    def _messages(self, column: int) -> list[str]:
        def message(c: int) -> list[str]:
            return self._mapping(c, {"template": self._text, "role": lambda _: [" human"]}, behind_dash=True)

        return self._items(column, [message] * self._random.randint(1, 3))

    def _value(self, column: int, depth: int) -> list[str]:
        kind = self._random.choice(("mapping", "list", "flow", "text", "text"))
        if depth > 2 or (kind == "text" and depth):
            is_text = self._random.random() < 0.7
            return self._text(column) if is_text else [f" {self._pick(NOT_TEXT)}{self._beside()}"]
        if kind == "list" and depth:
            return self._list(column, depth + 1)
        if kind == "flow":
            return self._flow(column)
        keys = self._random.sample(("b", "a", '"quoted key"', "'no'", "ключ", "k.1", "zz"), self._random.randint(1, 4))
        return self._mapping(column, dict.fromkeys(keys, lambda c: self._value(c, depth + 1)))

    def _list(self, column: int, depth: int) -> list[str]:
        return self._items(column, [lambda c: self._value(c, depth)] * self._random.randint(1, 3))

    def _mapping(self, column: int, fields: dict[str, Value], *, behind_dash: bool = False) -> list[str]:
        pairs = list(fields.items())
        self._random.shuffle(pairs)
        if behind_dash and self._random.random() < 0.7:
            step = self._random.randint(1, 4)
            first, *more = self._block(column + 1 + step, pairs, plain_start=True)
            return [" " * step + first.lstrip(), *more] if not first.lstrip().startswith("#") else ["", first, *more]
        inner = column + self._random.randint(1, 5)
        return [self._beside(), *self._comments(inner), *self._block(inner, pairs)]

    def _block(self, column: int, pairs: list[tuple[str, Value]], *, plain_start: bool = False) -> list[str]:
        lines = []
        for number, (key, value) in enumerate(pairs):
            lines += [] if plain_start and not number else self._comments(column)
            first, *more = value(column)
            lines += [f"{' ' * column}{_key(key)}:{first}", *more]
        return lines

    def _items(self, column: int, items: list[Value]) -> list[str]:
        inner = column + self._random.randint(1, 4)
        lines = [self._beside()]
        for item in items:
            first, *more = item(inner)
            lines += [*self._comments(inner), f"{' ' * inner}-{first}", *more]
        return lines

    def _text(self, column: int) -> list[str]:
        style = self._random.choice(["plain", "plain", "single", "double", "wrapped", "literal", "folded", "below"])
        if style == "plain":
            return [f" {self._pick(PLAIN)}{self._beside()}"]
        if style == "below":
            return ["", *self._comments(column + 1), f"{' ' * (column + 2)}{self._pick(PLAIN)}{self._beside()}"]
        words = [self._pick(WORDS) for _ in range(self._random.choice((0, 1, 3, 8, 40)))]
        if style == "single":
            text = " ".join(words).replace("'", "''")
            return [f" '{text}'{self._beside()}"]
        if style in ("double", "wrapped"):
            text = " ".join(words).replace("\\", "\\\\").replace('"', '\\"')
            between = "\\n" if style == "double" else f"\n{' ' * (column + 3)}"
            text = "".join(c if c != " " or self._random.random() < 0.7 else between for c in text)
            return f' "{text}"{self._beside()}'.split("\n")
        return self._block_text(column, "|" if style == "literal" else ">", words)

    def _block_text(self, column: int, indicator: str, words: list[str]) -> list[str]:
        step = self._random.randint(1, 4)
        margin = " " * (column + step)
        lines = [f"{margin}{word}{self._pick(('', '', ' ', ' more', '  # not a comment'))}" for word in words or ["x"]]
        for number in range(len(lines) - 1, 0, -1):
            if self._random.random() < 0.3:
                lines.insert(number, self._pick(("", margin, margin + "  ", f"{margin}# text", f"{margin}   deeper")))
        lines += [""] * self._random.choice((0, 0, 1, 2))
        return [f" {indicator}{self._pick(('', '-', '+', f'{step}', f'-{step}', f'+{step}'))}{self._beside()}", *lines]

    def _flow(self, column: int) -> list[str]:
        items = [self._pick(FLOW) for _ in range(4)]
        start, end = self._pick(("[]", "{}"))
        if start == "{":
            items = [f"k{number}: {item}" for number, item in enumerate(items)]
        if self._random.random() < 0.6:
            return [f" {start} {' ,'.join(items)} {end}{self._beside()}"]
        margin = " " * (column + 1)
        inner = [f"{margin}{item},{self._beside()}" for item in items]
        return [f" {start}{self._beside()}", *inner, *self._comments(column + 1), f"{margin}{end}{self._beside()}"]

    def _comments(self, column: int) -> list[str]:
        lines = []
        for _ in range(self._random.choice((0, 0, 0, 1, 2))):
            is_blank = self._random.random() < 0.4
            margin = " " * max(0, column + self._random.choice((0, 0, 0, -1, 2)))
            lines.append("" if is_blank else margin + self._comment(self._pick(("# ", "#", "## ", "# key: "))))
        return lines

    def _comment(self, start: str) -> str:
        self.comments.append(f"{start}c{next(self._numbers)}.")
        return self.comments[-1]

    def _beside(self) -> str:
        if self._random.random() < 0.8:
            return ""
        return f"  {self._comment('# ')}"

    def _pick(self, among: tuple[str, ...]) -> str:
        return self._random.choice(among)


def _key(key: str) -> str:
    is_written = key[0] in "\"'" or key.replace("_", "").replace(".", "").isalnum()
    return key if is_written else "'" + key.replace("'", "''") + "'"
