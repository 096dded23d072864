"""Format `f-string`: `{name}`, `{name!r}` and `{name:>10}`, the subset of `str.format` that cannot reach into a value.

Refuses access to attributes and items (`{user.password}`), nested specs and positional fields. Also refuses large widths: a
template of ten characters could fill the memory.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from promptdb.errors import TemplateError
from promptdb.render.formats import Includes, line_and_column
from promptdb.render.work import MAX_CHARACTERS, characters_left, require_work_left, spend

HAS_INCLUDES = False
_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NAME = re.compile(r"[^!:]*")
_FIELD = re.compile(r"(?P<name>[^!:]*)(?:!(?P<conversion>[^:]*))?(?::(?P<spec>.*))?", re.DOTALL)
_NUMBER_SPEC = re.compile(r"(?:.?[<>=^])?[-+ ]?z?#?0?\d{0,3}[,_]?(?:\.\d{1,3})?[a-zA-Z%]?", re.DOTALL)
_DATE_SPEC = re.compile(r"(?:%[a-zA-Z]|[-/:.,T ]){1,32}")
_LITERAL_BRACES = "write {{ and }} for literal braces, or set 'template_format: plain' if the text has no variables"
_MISFITS = (ValueError, TypeError, OverflowError, RecursionError)
_OTHER_LANGUAGE = "for jinja2 set 'template_format: jinja2', or give the file the suffix .jinja2"


class _Empty(str):
    """The value of an optional variable without one: empty under any format spec."""

    def __format__(self, spec: str) -> str:
        return ""

    def __repr__(self) -> str:
        return ""


class _Values(dict[str, Any]):
    def __missing__(self, name: str) -> _Empty:
        return _Empty()


@dataclass(frozen=True, slots=True)
class FStringTemplate:
    """A parsed template. `fields` are names by their index in `pieces`, or None if one has a conversion or a format spec."""

    text: str
    variables: tuple[str, ...]
    pieces: tuple[str, ...]
    fields: tuple[tuple[int, str], ...] | None
    mentions: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()

    def render(self, values: Mapping[str, Any]) -> str:
        is_limited = require_work_left()
        if is_limited:
            self._require_room(values)
        # str.format_map is safe here, since compile_template refuses everything but plain names.
        try:
            try:
                text = self._inserted(values)
            except KeyError:  # an optional variable has no value
                text = self.text.format_map(_Values(values))
        except _MISFITS as error:
            raise self._misfit(values) from error
        if is_limited:
            spend(0, len(text))
        return text

    def _require_room(self, values: Mapping[str, Any]) -> None:
        """Raise TemplateError if the text would have more characters than the context has left."""
        most = characters_left(MAX_CHARACTERS)
        sizes = {name: len(str(values[name])) for name in self.variables if name in values}
        room = len(self.text)
        for match in _PART.finditer(self.text):
            if match[1] is not None:
                name = _NAME.match(match[1])[0]  # type: ignore[index]  # it matches any text
                # A conversion writes one character as up to ten, and a spec pads to three digits.
                room += sizes.get(name, 0) if name == match[1] else 10 * sizes.get(name, 0) + 1000
        if room > most:
            raise TemplateError(
                f"the text would have more than {most:,} characters", "give shorter values, or fewer of them"
            )

    def _inserted(self, values: Mapping[str, Any]) -> str:
        if self.fields is None:
            return self.text.format_map(values)
        # In half the time of format_map, which parses the text at each call.
        pieces = [*self.pieces]
        for index, name in self.fields:
            pieces[index] = f"{values[name]}"
        return "".join(pieces)

    def _misfit(self, values: Mapping[str, Any]) -> TemplateError:
        # format_map does not report which variable failed: format each of them alone.
        for match in _PART.finditer(self.text):
            try:
                match[0].format_map(_Values(values)) if match[1] is not None else None
            except _MISFITS as error:
                line, column = line_and_column(self.text, match.start())
                return TemplateError(f"a value does not fit {_shorten(match[1])}: {error}", line=line, column=column)
        return TemplateError("a value does not fit its format")


def compile_template(template: str, includes: Includes) -> FStringTemplate:  # noqa: ARG001
    pieces: list[str] = []
    fields: list[tuple[int, str]] = []
    end, is_plain = 0, True
    for match in _PART.finditer(template):
        pieces.append(template[end : match.start()])
        end, field = match.end(), match[1]
        if field is not None:
            name = _field_name(template, match.start(), field)
            fields.append((len(pieces), name))
            is_plain = is_plain and name == field
        elif len(match[0]) == 1:
            hint = _OTHER_LANGUAGE if template.startswith("{%", match.start()) else _LITERAL_BRACES
            _fail(template, match.start(), f"a single '{match[0]}' that is not part of a variable", hint)
        pieces.append(match[0][0])
    names = dict.fromkeys(name for _, name in fields)
    return FStringTemplate(template, tuple(names), (*pieces, template[end:]), tuple(fields) if is_plain else None)


def cost(template: str) -> int:  # noqa: ARG001
    return 0


def include_names(template: str) -> tuple[str, ...]:  # noqa: ARG001
    return ()


def find_names(template: str, names: Collection[str]) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for match in _PART.finditer(template):
        if match[1] is not None:
            name = _NAME.match(match[1])[0]  # type: ignore[index]  # it matches any text
            if name in names and name not in found:
                found[name] = line_and_column(template, match.start(1))
    return found


def _field_name(template: str, position: int, field: str) -> str:
    if field.isidentifier():
        return field
    match = _FIELD.fullmatch(field)
    name, conversion, spec = match.group("name", "conversion", "spec") if match else (field, None, None)
    if not name.isidentifier():
        if re.fullmatch(r"\w+(?:[.\[].*)", name):
            _fail(template, position, f"'{{{field}}}' reaches into a value", "pass the inner value as its own variable")
        hint = _OTHER_LANGUAGE if field.startswith("%") else _LITERAL_BRACES
        _fail(template, position, f"{_shorten(field)} is not a variable name", hint)
    if conversion is not None and conversion not in ("r", "s", "a"):
        _fail(template, position, f"'!{conversion}' is not a conversion", "use !r, !s or !a")
    if spec and not (_NUMBER_SPEC.fullmatch(spec) or _DATE_SPEC.fullmatch(spec)):
        hint = "widths have up to 3 digits, as in {x:>20}"
        _fail(template, position, f"'{spec[:40]}' is not a short format spec", hint)
    return name


def _shorten(field: str) -> str:
    text = field.replace("\n", " ")
    return f"'{{{text[:40]}{'...' if len(text) > 40 else ''}}}'"


def _fail(template: str, position: int, message: str, hint: str) -> NoReturn:
    line, column = line_and_column(template, position)
    raise TemplateError(message, hint, line=line, column=column)
