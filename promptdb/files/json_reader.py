"""JSON, strictly: no duplicate keys, no NaN, no lone surrogates."""

import json
import re
from typing import Any, NoReturn

from promptdb.domain.problems import Code
from promptdb.files.finding import Finding, Unreadable
from promptdb.files.yaml_reader import MAX_DEPTH, MAX_DIGITS, compose, construct

_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]|\\u0000")


def read_json(text: str) -> Any:
    """The data of a JSON text.

    Raises:
        Unreadable: not JSON, or JSON that two readers would understand differently.
    """
    duplicates: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(items)
        if len(result) < len(items):
            seen: set[str] = set()
            duplicates.extend(key for key, _ in items if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return result

    try:
        value = json.loads(
            text, object_pairs_hook=pairs, parse_constant=_constant, parse_int=_integer, parse_float=_float
        )
        _refuse_depth(value, 0)
    except json.JSONDecodeError as error:
        raise Unreadable(
            Finding(Code.SYNTAX, f"not valid JSON: {error.msg}", None, error.lineno, error.colno)
        ) from error
    except RecursionError as error:
        raise Unreadable(_too_deep()) from error
    if duplicates:
        raise Unreadable(*_duplicates(text, duplicates))
    if _ESCAPED_SURROGATE.search(text):
        _refuse_bad_text(text, value)
    return value


def _constant(name: str) -> NoReturn:
    raise Unreadable(Finding(Code.WRONG_VALUE, f"{name} is not a JSON number"))


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise Unreadable(Finding(Code.WRONG_VALUE, f"a number of more than {MAX_DIGITS} digits", "quote it"))
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if value - value != 0:
        raise Unreadable(Finding(Code.WRONG_VALUE, f"{text[:40]} is too large for a number", "quote it if it is text"))
    return value


def json_as_yaml(text: str) -> str:
    """The same JSON in the form that libyaml reads, each part in its line and column: no tabs, no halves of characters."""
    return _PAIR.sub(_whole_character, text.replace("\t", " "))


def _whole_character(pair: re.Match[str]) -> str:
    character = json.loads(f'"{pair[0]}"')
    return f"\\U{ord(character):08x}  " if len(character) == 1 else pair[0]


def _duplicates(text: str, keys: list[str]) -> list[Finding]:
    """Where the keys stand for the second time; libyaml's nodes know."""
    try:
        construct(compose(json_as_yaml(text)), has_aliases=False)  # type: ignore[arg-type]
    except Unreadable as error:
        return [finding for finding in error.findings if finding.code is Code.DUPLICATE_KEY]
    return [Finding(Code.DUPLICATE_KEY, f"the key {key!r} appears twice", "keep one of them") for key in keys]


def _refuse_depth(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Unreadable(_too_deep())
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            _refuse_depth(item, depth + 1)


def _too_deep() -> Finding:
    return Finding(Code.TOO_COMPLEX, f"nested deeper than {MAX_DEPTH} levels", "flatten it")


def _refuse_bad_text(text: str, value: Any) -> None:
    dumped = json.dumps(value, ensure_ascii=False)
    if "\\u0000" in dumped or any("\ud800" <= character <= "\udfff" for character in dumped):
        match = _ESCAPED_SURROGATE.search(text)
        place = _place(text, match.start() if match else 0)
        raise Unreadable(
            Finding(Code.BAD_CHARACTER, "an escape for U+0000 or half a character is not allowed", None, *place)
        )


def _place(text: str, position: int) -> tuple[int, int]:
    return text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)
