"""Format `mustache`: chevron's tokens, walked by a renderer that treats values as data.

The renderer is ours because chevron's looks names up as attributes of Python objects, calls values, escapes HTML and reads
partials from disk. The language is that of https://mustache.github.io/mustache.5.html without lambdas and escaping.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chevron.tokenizer import ChevronError, tokenize

from promptdb.errors import IncludeError, TemplateError
from promptdb.render.engine import Includes

Token = tuple[str, str]
_MISSING = object()
_OPEN = r"\{\{\s*[#^]\s*%s\s*\}\}"


@dataclass(frozen=True, slots=True)
class _Variable:
    key: str


@dataclass(frozen=True, slots=True)
class _Section:
    key: str
    inverted: bool
    body: "tuple[_Node, ...]"


_Node = str | _Variable | _Section


@dataclass(frozen=True, slots=True)
class MustacheTemplate:
    body: tuple[_Node, ...]
    variables: tuple[str, ...]
    mentions: frozenset[str]

    def render(self, values: Mapping[str, Any]) -> str:
        output: list[str] = []
        _render(self.body, [values], output)
        return "".join(output)


def compile_template(template: str, includes: Includes) -> MustacheTemplate:
    try:
        body = tuple(_parse(_tokens(template), includes, None))
    except RecursionError as error:
        raise TemplateError("sections or partials are nested without end") from error
    top, inner = dict[str, None](), dict[str, None]()
    _collect(body, top, inner)
    return MustacheTemplate(body, tuple(top), frozenset(inner) - frozenset(top))


def include_names(template: str) -> tuple[str, ...]:
    names: dict[str, None] = {key: None for kind, key in _tokens(template) if kind == "partial"}
    return tuple(names)


def _tokens(template: str) -> Iterator[Token]:
    try:
        tokens = list(tokenize(template))
    except ChevronError as error:
        raise _syntax_error(template, str(error.msg)) from error
    except IndexError as error:
        line = _line_of(template, r"\{\{\s*\}\}")
        raise TemplateError("an empty tag", "put a name between {{ and }}", line=line) from error
    return iter(tokens)


def _syntax_error(template: str, text: str) -> TemplateError:
    """Chevron's error in one sentence, with a line of our own: its count goes wrong after tags on lines of their own."""
    names = [re.escape(name) for name in re.findall(r'"([^"]*)"', text)]
    if "was never closed" in text:
        return TemplateError(
            f"the section {names[0]!r} is not closed",
            f"end it with {{{{/{names[0]}}}}}",
            line=_line_of(template, _OPEN % names[0]),
        )
    if "Trying to close" in text:
        line = _line_of(template, r"\{\{\s*/\s*" + names[0] + r"\s*\}\}")
        if len(names) > 1:
            return TemplateError(
                f"closes {names[0]!r} while {names[1]!r} is open", "close the inner section first", line=line
            )
        return TemplateError(f"closes the section {names[0]!r}, which is not open", line=line)
    message = "a set-delimiter tag" if "set delimiter" in text else "a tag"
    return TemplateError(f"{message} is not closed", "end it with }}", line=_line_of(template, r"\{\{(?!.*\}\})"))


def _line_of(template: str, pattern: str) -> int | None:
    """The line of the last match, which is where an unfinished template went wrong."""
    matches = list(re.finditer(pattern, template))
    return template.count("\n", 0, matches[-1].start()) + 1 if matches else None


def _parse(tokens: Iterator[Token], includes: Includes, section: str | None) -> Iterator[_Node]:
    """The nodes up to the end of `section`. The tokenizer has matched the tags already."""
    literal = ""
    for kind, key in tokens:
        match kind:
            case "literal":
                literal = key
                yield key
            case "variable" | "no escape" | "no escape?":
                yield _Variable(_checked(key))
            case "section" | "inverted section":
                yield _Section(_checked(key), kind != "section", tuple(_parse(tokens, includes, key)))
            case "partial":
                indentation = literal.rpartition("\n")[2]
                yield from _partial(key, indentation if indentation.isspace() else "", includes)
            case "end" if key == section:
                return
        if kind != "literal":
            literal = ""


def _partial(name: str, indentation: str, includes: Includes) -> Iterator[_Node]:
    """A partial on a line of its own is indented like that line (mustache specification, partials)."""
    text = includes.get(name)
    if text is None:
        raise IncludeError(f"the partial {name!r} does not exist")
    if indentation:  # the first line has it already
        text = re.sub(r"\n(?=.)", "\n" + indentation, text)
    yield from _parse(_tokens(text), includes, None)


def _checked(key: str) -> str:
    if key != "." and not all(key.split(".")):
        raise TemplateError(f"{key!r} is not a variable name")
    return key


def _collect(body: Iterable[_Node], top: dict[str, None], inner: dict[str, None]) -> None:
    """Names at the top level must be given; inside a section they may belong to the items it walks over."""
    for node in body:
        if isinstance(node, str):
            continue
        if node.key != ".":
            top.setdefault(node.key.split(".")[0])
        if isinstance(node, _Section):
            _collect(node.body, top if node.inverted else inner, inner)


def _render(body: Iterable[_Node], scopes: list[Any], output: list[str]) -> None:
    for node in body:
        if isinstance(node, str):
            output.append(node)
        elif isinstance(node, _Variable):
            value = _look_up(node.key, scopes)
            if value is not _MISSING and value is not None:
                output.append(str(value))
        else:
            _render_section(node, scopes, output)


def _render_section(section: _Section, scopes: list[Any], output: list[str]) -> None:
    value = _look_up(section.key, scopes)
    truthy = value is not _MISSING and bool(value)
    if section.inverted:
        if not truthy:
            _render(section.body, scopes, output)
    elif truthy:
        for item in value if isinstance(value, list | tuple) else [value]:
            _render(section.body, [*scopes, item], output)


def _look_up(key: str, scopes: list[Any]) -> Any:
    """The first name decides the scope; the rest is looked up in it alone (dotted names, context precedence)."""
    if key == ".":
        return scopes[-1]
    first, *rest = key.split(".")
    value = next(
        (scope[first] for scope in reversed(scopes) if isinstance(scope, Mapping) and first in scope), _MISSING
    )
    for part in rest:
        value = _child(value, part)
    return value


def _child(value: Any, part: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(part, _MISSING)
    if isinstance(value, list | tuple) and part.isascii() and part.isdigit() and int(part) < len(value):
        return value[int(part)]
    return _MISSING
