"""Reads JSON from outside, and refuses what parsers may understand in different ways."""

import json
from typing import Any, NoReturn

AGAIN = "export it again with promptdb export, or fetch an intact copy of the file"
"""The remedy for a damaged file."""

VERIFY = "see: promptdb verify"
"""The remedy for a damaged registry."""


class Refused(Exception):
    """A defect in a part of a file. A caller that knows the place turns it into an `IntegrityFailure`.

    `hint` is a remedy other than the usual one.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def strict_json(data: bytes) -> Any:
    """Parse JSON.

    Raises:
        Refused: not UTF-8, not JSON, a key twice, NaN, or nested too deeply.
    """
    try:
        return json.loads(data.decode(), object_pairs_hook=_object, parse_constant=_no_constant)
    except (UnicodeDecodeError, ValueError) as error:
        raise Refused(f"not valid JSON: {error}") from error
    except RecursionError as error:
        raise Refused("JSON nested too deeply") from error


def _object(items: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(items)
    if len(found) < len(items):
        raise Refused("a key appears twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise Refused(f"{name} is not JSON")


def require_format(head: Any, name: str, version: int, fields: set[str]) -> None:
    """Check that a document has a format, in a version that this release knows, and has exactly these further fields.

    Raises:
        Refused: the document is different.
    """
    if not isinstance(head, dict) or head.get("format") != name:
        raise Refused(f"not of the format {name!r}")
    given = head.get("version")
    if type(given) is not int or given < 1:
        raise Refused("version is not the number of a version of the format")
    if given > version:
        message = f"version {given} of the format, of a newer promptdb; this one knows {version}"
        raise Refused(message, "upgrade promptdb")
    require_fields(head, fields | {"format", "version"})


def require_fields(value: Any, fields: set[str], place: str = "") -> None:
    """Check that a value is an object with exactly these fields. `place` is where in a document it is.

    Raises:
        Refused: the value is different.
    """
    before = f"{place}: " if place else ""
    if not isinstance(value, dict):
        raise Refused(f"{before}not a JSON object")
    for name in sorted(value.keys() ^ fields):
        raise Refused(f"{before}{'missing' if name in fields else 'unknown'} field {name!r}")
