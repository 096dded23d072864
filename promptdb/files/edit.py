"""Put a value into a prompt file and leave every other byte of it as it is.

Only the span of the value is replaced. Writing the file anew, even by a round trip that keeps comments, would indent lists,
end lines and place the comments of other values in its own way.
"""

import codecs
import re
from typing import Any

import yaml

from promptdb.files.document import Path
from promptdb.files.edit_steps import Step, applied, steps
from promptdb.files.finding import Unreadable
from promptdb.files.json_nodes import compose_json
from promptdb.files.json_reader import read_json
from promptdb.files.layout import Layout, NoPlace
from promptdb.files.read import decode, fields_span
from promptdb.files.splices import Splice, splices
from promptdb.files.yaml_reader import compose, construct


def with_value(suffix: str, data: bytes, path: Path, value: Any) -> bytes:
    """The bytes of a prompt file in which the value at `path` is another one.

    Comments, quotes, order, indentation, line ends and a byte order mark stay. A text of several lines becomes a literal
    block where one can stand and hold it; a short one keeps its style, unless that would not read back as the same text.

    Args:
        suffix: with its dot, in lower case, one of `SUFFIXES`.
        data: of a file that can be read.
        path: to a value that is there, as the author wrote the fields.
        value: JSON data.

    Raises:
        NoPlace: an alias shares the text with another place, or no way to write it reads back as the same.
    """
    bom = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    text = data.removeprefix(bom).decode()
    is_json = suffix == ".json"
    start, end = fields_span(suffix, decode(data))
    fields = _read(_fields(text, start, end), is_json=is_json)
    current = fields
    for part in path:
        current = current[part]
    for step in steps(path, current, value):
        fields = applied(fields, step)
        part_text = _fields(text, start, end)
        splice = _splice(part_text, step, fields, is_json=is_json)
        text = _spliced(text, Splice(start + splice.start, start + splice.end, splice.text))
        end += len(splice.text) - (splice.end - splice.start)
    try:
        return bom + text.encode()
    except UnicodeEncodeError as error:
        raise NoPlace(_UNWRITABLE) from error


_UNWRITABLE = "no prompt file can hold this text"
_CRLF = re.compile("\r\n")


def _fields(text: str, start: int, end: int) -> str:
    return text.replace("\r\n", "\n")[start:end]


def _splice(text: str, step: Step, wanted: Any, *, is_json: bool) -> Splice:
    """The first that reads as it should, in this place and everywhere else."""
    root = _compose(text, is_json=is_json)
    assert root is not None  # noqa: S101  it was read
    for splice in splices(Layout(text, root), step, is_json=is_json):
        try:
            if _read(splice.apply(text), is_json=is_json) == wanted:
                return splice
        except Unreadable:
            continue
    raise NoPlace(_UNWRITABLE)


def _spliced(text: str, splice: Splice) -> str:
    """A splice whose places are counted with LF line ends, put into a text that may have others."""
    breaks = [match.start() - number for number, match in enumerate(_CRLF.finditer(text))]
    start, end = (place + sum(found < place for found in breaks) for place in (splice.start, splice.end))
    crlf = len(breaks) * 2 > text.count("\n")
    return Splice(start, end, splice.text.replace("\n", "\r\n") if crlf else splice.text).apply(text)


def _compose(text: str, *, is_json: bool) -> yaml.Node | None:
    return compose_json(text) if is_json else compose(text)


def _read(text: str, *, is_json: bool) -> Any:
    if is_json:
        return read_json(text)
    root = compose(text)
    return construct(root) if root is not None else None
