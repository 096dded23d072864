"""Reads the data of foreign files, with the limits of prompt files."""

from contextlib import suppress
from typing import Any, NamedTuple

from promptdb.files.findings import Unreadable
from promptdb.files.reading.formats import decode, text_parts
from promptdb.files.reading.json import read_json
from promptdb.files.reading.yaml import compose, construct
from promptdb.neighbours.foreign import NotHeld


def text_in(data: bytes) -> str:
    """Decode a file. Raise NotHeld if it is not UTF-8."""
    try:
        return decode(data)
    except Unreadable as error:
        raise _not_held(error) from error


def json_in(data: bytes) -> Any:
    """Read JSON. Raise NotHeld if it cannot be read."""
    try:
        return read_json(decode(data))
    except Unreadable as error:
        raise _not_held(error) from error


def yaml_in(data: bytes) -> Any:
    """Read YAML, of which JSON is a part. Raise NotHeld if it cannot be read."""
    try:
        root = compose(decode(data))
        return construct(root) if root is not None else None
    except Unreadable as error:
        raise _not_held(error) from error


def data_in(data: bytes) -> Any:
    """Read JSON, or YAML, which is stricter about some characters. Raise NotHeld if it cannot be read."""
    if data.lstrip().startswith((b"{", b"[")):
        with suppress(NotHeld):
            return json_in(data)
    return yaml_in(data)


class Parts(NamedTuple):
    """The front matter of a text file, and its body."""

    fields: dict[str, Any]
    body: str


def front_matter_in(data: bytes) -> Parts:
    """Split a text file. Raise NotHeld if its front matter cannot be read."""
    try:
        found = text_parts(decode(data))
    except Unreadable as error:
        raise _not_held(error) from error
    return Parts(found.fields, found.body)


def _not_held(error: Unreadable) -> NotHeld:
    first = error.findings[0]
    return NotHeld(f"line {first.line}: {first.message}")
