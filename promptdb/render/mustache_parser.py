"""Mustache text -> nodes, by https://mustache.github.io/mustache.5.html without lambdas.

Ours, since chevron's tokenizer copies the rest of the text for every tag, counts lines wrongly after tags that stand alone, and
keeps its state in globals that threads share.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from promptdb.errors import TemplateError

MAX_NESTING = 100
"""Sections in one another."""

_SIGILS = "#^/>&=!"
_STANDALONE = "#^/>=!"
_LINE_END = re.compile(r"[ \t]*(?:\r?\n|\Z)")


@dataclass(frozen=True, slots=True)
class Variable:
    key: str


@dataclass(frozen=True, slots=True)
class Section:
    key: str
    inverted: bool
    body: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Partial:
    """`indentation` goes before each of its lines, where it stands on a line of its own."""

    name: str
    indentation: str


Node = str | Variable | Section | Partial


@dataclass(frozen=True, slots=True)
class _Tag:
    """`start` and `end` bound what it replaces: the whole line, where it stands alone."""

    sigil: str
    key: str
    position: int
    start: int
    end: int
    indentation: str


def parse(template: str) -> tuple[Node, ...]:
    """
    Raises:
        TemplateError: it is not mustache, with line and column.
    """
    open_sections: list[tuple[_Tag, list[Node]]] = []
    nodes: list[Node] = []
    done = 0
    for tag in _tags(template):
        if tag.start > done:
            nodes.append(template[done : tag.start])
        done = tag.end
        match tag.sigil:
            case "" | "&":
                nodes.append(Variable(_name(template, tag)))
            case ">":
                if not tag.key:
                    _fail(template, tag.position, "an empty tag", "put the name of a fragment behind the >")
                nodes.append(Partial(tag.key, tag.indentation))
            case "#" | "^":
                _name(template, tag)
                if len(open_sections) == MAX_NESTING:
                    _fail(template, tag.position, f"sections are nested deeper than {MAX_NESTING}", "flatten them")
                open_sections.append((tag, nodes))
                nodes = []
            case "/":
                opening, outer = _closed(template, tag, open_sections)
                outer.append(Section(opening.key, opening.sigil == "^", tuple(nodes)))
                nodes = outer
    if open_sections:
        tag = open_sections[-1][0]
        _fail(template, tag.position, f"the section {tag.key!r} is not closed", f"end it with {{{{/{tag.key}}}}}")
    return (*nodes, template[done:]) if done < len(template) else tuple(nodes)


def find_key(template: str, name: str) -> tuple[int, int] | None:
    """Line and column, counted from 1, of the first tag that looks up `name`, or something inside it."""
    for tag in _tags(template):
        if tag.sigil in ("", "&", "#", "^") and tag.key.split(".")[0] == name:
            position = template.index(tag.key, tag.position)
            return template.count("\n", 0, position) + 1, position - template.rfind("\n", 0, position)
    return None


def _tags(template: str) -> Iterator[_Tag]:
    left, right = "{{", "}}"
    position = template.find(left)
    while position >= 0:
        inside = position + len(left)
        sigil = template[inside : inside + 1]
        closing, sigil = ("}" + right, "&") if sigil == "{" and left == "{{" else (right, sigil)
        if sigil == "=":
            closing = "=" + right
        end = template.find(closing, inside + (1 if sigil in _SIGILS and sigil else 0))
        if end < 0:
            _fail(template, position, "a tag is not closed", f"end it with {closing}")
        is_triple = closing == "}" + right and left == "{{" and template[inside] == "{"
        sigil = sigil if sigil and sigil in _SIGILS else ""
        key = template[inside + (1 if sigil or is_triple else 0) : end].strip()
        tag = _placed(template, sigil, key, position, end + len(closing))
        if sigil == "=":
            left, right = _delimiters(template, tag)
        yield tag
        position = template.find(left, tag.end)


def _placed(template: str, sigil: str, key: str, start: int, end: int) -> _Tag:
    """A tag alone on its line, but for variables, takes the line with it."""
    if sigil and sigil in _STANDALONE:
        line_start = template.rfind("\n", 0, start) + 1
        before, after = template[line_start:start], _LINE_END.match(template, end)
        if after is not None and not before.strip(" \t"):
            return _Tag(sigil, key, start, line_start, after.end(), before)
    return _Tag(sigil, key, start, start, end, "")


def _delimiters(template: str, tag: _Tag) -> tuple[str, str]:
    parts = tag.key.split()
    if len(parts) != 2 or any("=" in part for part in parts):
        _fail(template, tag.position, "delimiters come as two words without '='", "for example {{=<% %>=}}")
    return parts[0], parts[1]


def _closed(template: str, tag: _Tag, open_sections: list[tuple[_Tag, list[Node]]]) -> tuple[_Tag, list[Node]]:
    if not open_sections:
        _fail(
            template,
            tag.position,
            f"closes the section {tag.key!r}, which is not open",
            "remove it, or open the section",
        )
    opening, outer = open_sections.pop()
    if opening.key != tag.key:
        message = f"closes the section {tag.key!r} while {opening.key!r} is open"
        _fail(template, tag.position, message, f"close {opening.key!r} first")
    return opening, outer


def _name(template: str, tag: _Tag) -> str:
    """`name`, `outer.inner` or `.`."""
    if tag.key != "." and (not all(tag.key.split(".")) or any(character.isspace() for character in tag.key)):
        what = f"{tag.key!r} is not a variable name" if tag.key else "an empty tag"
        _fail(template, tag.position, what, "put a name between {{ and }}")
    return tag.key


def _fail(template: str, position: int, message: str, hint: str) -> NoReturn:
    line = template.count("\n", 0, position) + 1
    raise TemplateError(message, hint, line=line, column=position - template.rfind("\n", 0, position))
