"""Prices of jinja2 filters and methods whose results can grow large through one argument."""

import re
from collections.abc import Callable, Iterable, Mapping
from string import Formatter
from typing import Any

from promptdb.errors import TemplateError
from promptdb.render.jinja.budget import ITEM, Budget

_CONVERSION = re.compile(r"%[^%a-zA-Z]*")
_DIGITS = re.compile(r"\d+")
_LONGEST_WIDTH = 18
"""Digits read of a width: a width with as many exceeds every budget."""

_MAX_DIGITS = 300
_COMPARED_PER_STEP = 8_192
_PIECE = 16
"""Characters that each piece of a split text counts as."""

Price = Callable[..., None]
"""Takes the budget, the value and the arguments of a call, and pays for the result before it is made."""


def _width(budget: Budget, value: Any, width: Any = 0, *_: Any, **__: Any) -> None:
    budget.need(value)
    budget.make(_whole(width))


def _replaced(budget: Budget, value: Any, old: Any = "", new: Any = "", *_: Any, **__: Any) -> None:
    budget.need(value)
    if isinstance(value, str | bytes) and isinstance(old, type(value)) and isinstance(new, type(value)):
        budget.make(value.count(old) * len(new))  # type: ignore[arg-type]


def _joined(budget: Budget, value: Any, separator: Any = "", *_: Any, **__: Any) -> None:
    between = len(separator) if isinstance(separator, str) else 0
    if not isinstance(value, list | tuple):
        budget.need(value)
        budget.make(between * len(value) if hasattr(value, "__len__") else 0)
        return
    budget.make(sum(len(item) for item in value if type(item) is str) + between * len(value))
    for item in value:
        if type(item) is not str:
            budget.need(item)


def _joined_by(budget: Budget, separator: Any, value: Any = (), *_: Any) -> None:
    _joined(budget, value, separator)


def _indented(budget: Budget, value: Any, width: Any = 4, *_: Any, **__: Any) -> None:
    if isinstance(value, list):  # jinja2 would append to the caller's list
        raise TemplateError("only text can be indented", "join the items first")
    text = budget.text(value)
    budget.make(len(text) + (text.count("\n") + 1) * (len(width) if isinstance(width, str) else _whole(width)))


def _expanded(budget: Budget, value: Any, size: Any = 8, *_: Any, **__: Any) -> None:
    budget.make(len(value) + value.count(b"\t" if isinstance(value, bytes) else "\t") * _whole(size))


def _translated(budget: Budget, value: Any, table: Any = (), *_: Any) -> None:
    longest = max((len(text) for text in table.values() if isinstance(text, str)), default=1) if table else 1
    budget.make(len(value) * longest)


def _split(budget: Budget, value: Any, separator: Any = None, *_: Any, **__: Any) -> None:
    pieces = value.count(separator) if separator and isinstance(separator, type(value)) else len(value)
    budget.make(_PIECE * pieces)


def _printed(budget: Budget, value: Any, *arguments: Any, **named: Any) -> None:
    """Pay for `%`: each conversion may write any of the arguments, at any width."""
    if isinstance(value, str):
        given = (*arguments, *named.values())
        for conversion in _CONVERSION.finditer(value):
            budget.need(*given)
            _widths(budget, conversion[0], given if "*" in conversion[0] else ())


def _formatted(budget: Budget, value: str, *arguments: Any, **named: Any) -> None:
    """Pay for `str.format`: each field may write any of the arguments, at any width."""
    given = (*arguments, *named.values())
    for _, name, spec, _ in Formatter().parse(value):
        if name is not None:
            budget.need(*given)
            _widths(budget, spec or "", given if "{" in (spec or "") else ())


def _widths(budget: Budget, spec: str, given: Iterable[Any]) -> None:
    """Pay for the widths in a format spec, and for those that it may take from the arguments."""
    for width in _DIGITS.findall(spec):
        budget.make(int(width[:_LONGEST_WIDTH]))
    for value in given:
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else (value,):
            budget.make(_whole(item))


def _json(budget: Budget, value: Any, indent: Any = 0, *_: Any, **__: Any) -> None:
    budget.need(value)
    items = len(value) if isinstance(value, list | tuple | dict) else 1
    budget.make(_whole(indent) * items)


def _groups(budget: Budget, value: Any, count: Any = 0, *_: Any, **__: Any) -> None:  # noqa: ARG001
    budget.step(_whole(count))


def _whole_number(budget: Budget, value: Any, default: Any = 0, base: Any = 10, *_: Any, **__: Any) -> None:  # noqa: ARG001
    if isinstance(value, str | bytes) and len(value) > _MAX_DIGITS:
        raise TemplateError(f"a number of more than {_MAX_DIGITS} digits", "compute it in the application")


def _rounded(budget: Budget, value: Any, precision: Any = 0, *_: Any, **__: Any) -> None:  # noqa: ARG001
    if isinstance(value, str | bytes | list | tuple):
        raise TemplateError("only a number can be rounded", "convert it with the filter int or float")
    if _whole(precision) > _MAX_DIGITS:
        raise TemplateError(f"cannot round to more than {_MAX_DIGITS} digits", "round to fewer")


def _written(budget: Budget, value: Any, *more: Any, **named: Any) -> None:
    if type(value) is str:
        budget.make(len(value))
    else:
        budget.need(value)
    if more or named:
        budget.need(*more, *named.values())


def _stripped(budget: Budget, value: Any, characters: Any = "", *_: Any) -> None:
    if isinstance(characters, str | bytes):
        budget.step(len(value) * len(characters) // _COMPARED_PER_STEP)


def _wrapped(budget: Budget, value: Any, width: Any = 79, *arguments: Any, **named: Any) -> None:
    if not isinstance(named.get("width", width), int):
        raise TemplateError("the width of wordwrap must be a whole number")
    text = budget.text(value)
    budget.step(4 * len(text))
    budget.make(len(text) * (1 + sum(len(item) for item in (*arguments, *named.values()) if isinstance(item, str))))


def _linked(budget: Budget, value: Any, *arguments: Any, **named: Any) -> None:
    # jinja2's search for links can take time that grows with the square of the text.
    text = budget.text(value)
    budget.step(16 * len(text))
    budget.make(len(text) * (8 + sum(len(item) for item in (*arguments, *named.values()) if isinstance(item, str))))


def _bytes(budget: Budget, value: Any, *arguments: Any, **named: Any) -> None:  # noqa: ARG001
    budget.make(_whole(arguments[0] if arguments else named.get("length", 1)))


def _encoded(budget: Budget, value: Any, encoding: Any = "utf-8", errors: Any = "strict") -> None:
    if encoding != "utf-8" or errors not in ("strict", "ignore", "replace"):
        raise TemplateError("only the encoding utf-8 is supported", "encode in the application")
    budget.make(4 * len(value))


def _whole(value: Any) -> int:
    return abs(value) if isinstance(value, int) else ITEM


_TEXT_FILTERS = (
    *("capitalize", "e", "escape", "forceescape", "lower", "pprint", "safe", "string", "striptags", "title", "trim"),
    *("upper", "urlencode", "wordcount", "xmlattr"),
)
FILTERS: Mapping[str, Price] = {
    **dict.fromkeys(_TEXT_FILTERS, _written),
    "batch": _groups,
    "center": _width,
    "format": _printed,
    "indent": _indented,
    "int": _whole_number,
    "join": _joined,
    "replace": _replaced,
    "round": _rounded,
    "slice": _groups,
    "tojson": _json,
    "urlize": _linked,
    "wordwrap": _wrapped,
}
FREE = frozenset({"abs", "attr", "count", "d", "default", "first", "float", "last", "length", "max", "min", "truncate"})
"""Filters whose result is not larger than their values."""

METHODS: Mapping[str, Price] = {
    **dict.fromkeys(("center", "ljust", "rjust", "zfill"), _width),
    **dict.fromkeys(("format", "format_map"), _formatted),
    **dict.fromkeys(("rsplit", "split", "splitlines"), _split),
    **dict.fromkeys(("lstrip", "rstrip", "strip"), _stripped),
    "encode": _encoded,
    "expandtabs": _expanded,
    "join": _joined_by,
    "replace": _replaced,
    "to_bytes": _bytes,
    "translate": _translated,
}
"""Methods of text, bytes and numbers."""
