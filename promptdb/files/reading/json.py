"""A strict reader of JSON, without duplicate keys, NaN or lone surrogates."""

import json
import re
from typing import Any, NoReturn

import yaml

from promptdb.files.findings import FileProblem, Unreadable
from promptdb.files.reading.json_nodes import compose_json, json_tokens, mark_at
from promptdb.files.reading.yaml import MAX_DEPTH, MAX_DIGITS, problem_at, walk
from promptdb.problems import Code

_ESCAPE = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u[dD][89a-fA-F]..|\\u0000|\\.", re.DOTALL)
_SUSPICIOUS = re.compile(r"\\u[dD][89a-fA-F]|\\u0000")


class _BadNumber(Exception):
    """A number that JSON or a database cannot hold: as written, the message, and the hint."""


def read_json(text: str) -> Any:
    """Parse a JSON text. Raise Unreadable if it is not JSON, or if two readers would understand it differently."""
    has_duplicates = False

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal has_duplicates
        result = dict(items)
        has_duplicates = has_duplicates or len(result) < len(items)
        return result

    try:
        value = json.loads(
            text, object_pairs_hook=pairs, parse_constant=_constant, parse_int=_integer, parse_float=_float
        )
        _refuse_depth(value, 0)
    except json.JSONDecodeError as error:
        message = f"not valid JSON: {error.msg}"
        raise Unreadable(FileProblem(Code.SYNTAX, message, None, error.lineno, error.colno)) from error
    except RecursionError as error:
        raise _too_deep() from error
    except _BadNumber as error:
        number, message, hint = error.args
        mark = next((token.mark for token in json_tokens(text) if token.text == number), mark_at(0, 0))
        raise Unreadable(problem_at(mark, Code.WRONG_VALUE, message, hint)) from error
    if has_duplicates:
        raise Unreadable(*_duplicates(text))
    if _SUSPICIOUS.search(text):
        _refuse_bad_text(text)
    return value


def _constant(name: str) -> NoReturn:
    raise _BadNumber(name, f"{name} is not a JSON number", None)


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise _BadNumber(text, f"a number of more than {MAX_DIGITS} digits", "quote it")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if value - value != 0:
        raise _BadNumber(text, f"{text[:40]} is too large for a number", "quote it if it is text")
    return value


def _duplicates(text: str) -> list[FileProblem]:
    found = []
    for node in walk(compose_json(text)):
        seen: set[str] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if key.value in seen:
                message = f"the key {key.value!r} appears twice"
                found.append(problem_at(key.start_mark, Code.DUPLICATE_KEY, message, "keep one of them"))
            seen.add(key.value)
    return sorted(found, key=lambda problem: (problem.line, problem.column))


def _refuse_depth(value: Any, depth: int) -> None:
    if isinstance(value, dict | list):
        if depth >= MAX_DEPTH:
            raise _too_deep()
        for item in value.values() if isinstance(value, dict) else value:
            _refuse_depth(item, depth + 1)


def _too_deep() -> Unreadable:
    return Unreadable(FileProblem(Code.TOO_COMPLEX, f"nested deeper than {MAX_DEPTH} levels", "flatten it"))


def _refuse_bad_text(text: str) -> None:
    for token in json_tokens(text):
        for escape in _ESCAPE.finditer(token.text) if token.text[0] == '"' else ():
            # A pair of surrogates is longer, and other escapes are shorter.
            if len(escape[0]) == len("\\u0000"):
                message = "an escape for U+0000 or half a character is not allowed"
                mark = mark_at(token.mark.line, token.mark.column + escape.start())
                raise Unreadable(problem_at(mark, Code.BAD_CHARACTER, message))
