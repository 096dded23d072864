"""Parses mustache (https://github.com/mustache/spec) without lambdas, dynamic names and inheritance.

The library chevron does not serve, for three reasons. Its tokenizer copies the rest of the text for every tag, which takes
quadratic time. It counts lines wrongly after standalone tags. It keeps its state in globals that threads share.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from promptdb.errors import IncludeError, TemplateError

MAX_NESTING = 100
"""Sections inside one another."""

_SIGILS = frozenset("#^/>&=!{")
_STANDALONE = frozenset("#^/>=!")
_INHERITANCE = frozenset("<$")
_CLOSED_BY = {"=": "=", "{": "}"}
_LINE_END = re.compile(r"[ \t]*(?:\r?\n|\Z)")
_BLOCKS_OF_HANDLEBARS = {"if": "#", "each": "#", "with": "#", "unless": "^"}


class TagPosition(NamedTuple):
    """The place where a tag starts, counted from 1. `fragment` is None for the template itself."""

    line: int
    column: int
    fragment: str | None = None

    def error(self, message: str, hint: str | None = None, kind: type[TemplateError] = TemplateError) -> TemplateError:
        if self.fragment is not None:
            return kind(f"{message}, in line {self.line} of the fragment {self.fragment}", hint)
        return kind(message, hint, line=self.line, column=self.column)


@dataclass(frozen=True, slots=True)
class VariableTag:
    """A tag that writes a value. `path` is the key split at its dots, or empty for the key `.`."""

    key: str
    path: tuple[str, ...]
    place: TagPosition


@dataclass(frozen=True, slots=True)
class Section:
    """A section with its body. `path` is like that of a variable."""

    key: str
    path: tuple[str, ...]
    place: TagPosition
    inverted: bool
    body: "tuple[Node, ...]" = ()


@dataclass(frozen=True, slots=True)
class Partial:
    """A fragment to put in. If the tag is alone on its line, `indentation` goes before each line of the fragment."""

    name: str
    place: TagPosition
    indentation: str


Node = str | VariableTag | Section | Partial


class Tag(NamedTuple):
    """A tag at `position`. `start` and `end` bound the text it replaces: the whole line, if the tag is alone there."""

    sigil: str
    key: str
    place: TagPosition
    position: int
    start: int
    end: int
    indentation: str


def parse(template: str, fragment: str | None = None) -> tuple[Node, ...]:
    """Parse a template or a fragment in linear time. `fragment` is its name for errors.

    Raises:
        TemplateError: the text is not valid mustache.
    """
    open_sections: list[tuple[Section, list[Node]]] = []
    nodes: list[Node] = []
    done = 0
    for tag in tags(template, fragment):
        if tag.start > done:
            nodes.append(template[done : tag.start])
        done = tag.end
        match tag.sigil:
            case "" | "&":
                nodes.append(VariableTag(tag.key, _path(tag), tag.place))
            case ">":
                nodes.append(Partial(_partial_name(tag), tag.place, tag.indentation))
            case "#" | "^":
                if len(open_sections) == MAX_NESTING:
                    raise nested_too_deeply(tag.place)
                open_sections.append((Section(tag.key, _path(tag), tag.place, tag.sigil == "^"), nodes))
                nodes = []
            case "/":
                opening, outer = _closed(tag, open_sections)
                outer.append(replace(opening, body=tuple(nodes)))
                nodes = outer
    if open_sections:
        opening = open_sections[-1][0]
        message = f"the section {shortened(opening.key)!r} is not closed"
        raise opening.place.error(message, f"end it with {{{{/{shortened(opening.key)}}}}}")
    return (*nodes, template[done:]) if done < len(template) else tuple(nodes)


def nested_too_deeply(place: TagPosition) -> TemplateError:
    return place.error(f"sections are nested deeper than {MAX_NESTING}", "flatten them")


def tags(template: str, fragment: str | None) -> Iterator[Tag]:
    """Yield the tags of a text in order, with the delimiters that hold at each place."""
    left, right = "{{", "}}"
    line, line_start, counted, done = 1, 0, 0, 0
    while (position := template.find(left, done)) >= 0:
        if breaks := template.count("\n", counted, position):
            line, line_start = line + breaks, template.rfind("\n", counted, position) + 1
        counted = position
        place = TagPosition(line, position - line_start + 1, fragment)
        sigil = template[position + len(left) : position + len(left) + 1]
        sigil = sigil if sigil in _SIGILS else ""
        inside = position + len(left) + len(sigil)
        closing = _CLOSED_BY.get(sigil, "") + right
        inside_end = template.find(closing, inside)
        if inside_end < 0:
            raise place.error("a tag is not closed", f"end it with {closing}")
        key = template[inside:inside_end].strip()
        start, end, indentation = position, inside_end + len(closing), ""
        # A tag alone on its line takes the line with it, unless another tag comes before it there.
        if sigil in _STANDALONE and done <= line_start:
            before, after = template[line_start:position], _LINE_END.match(template, end)
            if after is not None and not before.strip(" \t"):
                start, end, indentation = line_start, after.end(), before
        if sigil == "=":
            left, right = _delimiters(key, place)
        done = end
        yield Tag("&" if sigil == "{" else sigil, key, place, position, start, end, indentation)


def _delimiters(key: str, place: TagPosition) -> tuple[str, str]:
    parts = key.split()
    if len(parts) != 2 or any("=" in part for part in parts):
        raise place.error("delimiters come as two words without '='", "for example {{=<% %>=}}")
    return parts[0], parts[1]


def _closed(tag: Tag, open_sections: list[tuple[Section, list[Node]]]) -> tuple[Section, list[Node]]:
    key = shortened(tag.key)
    if not open_sections:
        raise tag.place.error(f"closes the section {key!r}, which is not open", "remove it, or open the section")
    opening, outer = open_sections.pop()
    if opening.key != tag.key:
        open_key = shortened(opening.key)
        raise tag.place.error(f"closes the section {key!r} while {open_key!r} is open", f"close {open_key!r} first")
    return opening, outer


def _path(tag: Tag) -> tuple[str, ...]:
    if tag.key == ".":
        return ()
    if tag.key[:1] in _INHERITANCE:
        message = f"'{{{{{shortened(tag.key)}}}}}' is inheritance, which is not supported"
        raise tag.place.error(message, "include a fragment: {{> _shared/tone.md}}")
    words, path = tag.key.split(), tuple(tag.key.split("."))
    if not words:
        raise tag.place.error("an empty tag", "put a name between {{ and }}")
    if len(words) > 1 or not all(path):
        hint = "put a name between {{ and }}"
        if sigil := _BLOCKS_OF_HANDLEBARS.get(words[0]):
            hint = f"mustache has no {words[0]!r}: write {{{{{sigil}{shortened(words[-1])}}}}}"
        raise tag.place.error(f"{shortened(tag.key)!r} is not a variable name", hint)
    return path


def _partial_name(tag: Tag) -> str:
    if not tag.key:
        raise tag.place.error("an empty tag", "put the name of a fragment after the >")
    if tag.key.startswith("*"):
        message = f"a partial whose name is computed: {shortened(tag.key)!r}"
        raise tag.place.error(message, "write the name out: {{> _shared/tone.md}}", IncludeError)
    return tag.key


def shortened(key: str) -> str:
    """Shorten a key for messages."""
    return key if len(key) <= 60 else f"{key[:57]}..."
