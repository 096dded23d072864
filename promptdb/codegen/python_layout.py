"""Lays out Python source as `ruff format` does with its default settings."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from promptdb.codegen.prose import wrapped

WIDTH = 88
INDENT = "    "


@dataclass(frozen=True, slots=True)
class Bracket:
    """`name[item, item]`."""

    name: str
    items: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Union:
    """`member | member`."""

    members: tuple["Expression", ...]


Expression = str | Bracket | Union


def text(expression: Expression) -> str:
    """Write an expression in one line."""
    match expression:
        case Bracket(name, items):
            return f"{name}[{', '.join(map(text, items))}]"
        case Union(members):
            return " | ".join(map(text, members))
        case _:
            return expression


def statement(head: str, expression: Expression, indent: str = "") -> list[str]:
    """Write `head expression`, for an assignment or an annotation."""
    # A name gets brackets only where it can stand alone, which is after an equals sign.
    can_stand = isinstance(expression, Union) or (isinstance(expression, str) and head.endswith("= "))
    if not can_stand or _fits(indent + head + text(expression)):
        return list(_lines(indent + head, expression, "", indent))
    return [f"{indent}{head}(", *_lines(indent + INDENT, expression, "", indent + INDENT), f"{indent})"]


def entry(key: str, expression: Expression, indent: str) -> list[str]:
    """Write an item of a dictionary."""
    return list(_lines(f"{indent}{key}: ", expression, ",", indent))


def function(head: str, parameters: Sequence[str], result: str, indent: str) -> list[str]:
    """Write a function without a body. `head` ends with its name."""
    tail = f") -> {result}: ..."
    short = f"{indent}{head}({', '.join(parameters)}{tail}"
    if _fits(short):
        return [short]
    inside = indent + INDENT + ", ".join(parameters)
    lines = [inside] if _fits(inside) else [f"{indent}{INDENT}{parameter}," for parameter in parameters]
    return [f"{indent}{head}(", *lines, indent + tail]


def block(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


def docstring(said: str, indent: str) -> Iterator[str]:
    """Write a text as a docstring, or nothing for a blank text."""
    lines = [_escaped(line) for line in wrapped(said, WIDTH - len(indent) - 6)]
    if len(lines) == 1:
        yield f'{indent}"""{lines[0]}"""'
    elif lines:
        yield f'{indent}"""{lines[0]}'
        yield from (f"{indent}{line}".rstrip() for line in lines[1:])
        yield f'{indent}"""'


def _escaped(line: str) -> str:
    escaped = line.replace("\\", "\\\\")
    # Quotes that could end the docstring.
    return escaped.replace('"', '\\"') if '"""' in line or line.endswith('"') else escaped


def quoted(value: str) -> str:
    """Write a text as a string in double quotes, or in single ones if that needs fewer escapes."""
    quote = "'" if value.count('"') > value.count("'") else '"'
    return quote + "".join("\\" + char if char in (quote, "\\") else shown(char) for char in value) + quote


def shown(char: str) -> str:
    """Escape a character that an editor would not show as it is."""
    return char if char.isprintable() else repr(char)[1:-1]


def _lines(start: str, expression: Expression, tail: str, indent: str) -> Iterator[str]:
    if _fits(start + text(expression) + tail) or isinstance(expression, str):
        yield start + text(expression) + tail
        return
    inner = indent + INDENT
    match expression:
        case Bracket(name, (item,)):
            yield f"{start}{name}["
            yield from _lines(inner, item, "", inner)
            yield f"{indent}]{tail}"
        case Bracket(name, items):
            yield f"{start}{name}["
            joined = inner + ", ".join(map(text, items))
            if _fits(joined):
                yield joined
            else:
                for item in items:
                    yield from _lines(inner, item, ",", inner)
            yield f"{indent}]{tail}"
        case Union(members):
            for at, member in enumerate(members):
                last = tail if at == len(members) - 1 else ""
                yield from _lines(start if at == 0 else f"{indent}| ", member, last, indent)


def _fits(line: str) -> bool:
    return sum(map(_columns, line)) <= WIDTH


def _columns(char: str) -> int:
    if char.isascii():
        return 1
    return 2 if unicodedata.east_asian_width(char) in "WF" else 0 if unicodedata.combining(char) else 1
