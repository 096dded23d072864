"""Bytes of a prompt file -> `Document`, by suffix."""

import codecs
import re
from typing import Any

from promptdb.domain.spec import TemplateFormat
from promptdb.domain.suffixes import STRUCTURED, TEXT_FORMATS
from promptdb.files.findings import FileProblem, Unreadable
from promptdb.files.reading.document import Body, Document
from promptdb.files.reading.json import read_json
from promptdb.files.reading.json_nodes import compose_json
from promptdb.files.reading.yaml import compose, construct
from promptdb.problems import Code, Problem

_FENCE = re.compile(r"---[ \t]*(?:\n|\Z)")
_CLOSING_FENCE = re.compile(r"^---[ \t]*(?:\n|\Z)", re.MULTILINE)


def decode(data: bytes) -> str:
    """UTF-8 without its byte order mark, with LF line ends.

    Raises:
        Unreadable: not UTF-8, or it holds U+0000.
    """
    try:
        data = data.removeprefix(codecs.BOM_UTF8)
        text = data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        finding = FileProblem(Code.NOT_UTF8, "not UTF-8", "save the file in the encoding UTF-8", line, column)
        raise Unreadable(finding) from error
    if "\0" in text:
        before_nul = text[: text.index("\0")]
        place = before_nul.count("\n") + 1, len(before_nul) - before_nul.rfind("\n")
        raise Unreadable(FileProblem(Code.BAD_CHARACTER, "the character U+0000 is not allowed", None, *place))
    return text.replace("\r\n", "\n")


def text_body(text: str) -> str:
    """A text file as a template: line breaks at both ends belong to the file, not to the prompt."""
    return text.strip("\n")


def read_document(path: str, suffix: str, data: bytes, text_format: TemplateFormat) -> Document:
    """Read one prompt file.

    Args:
        path: for messages and positions.
        suffix: with its dot, in lower case, one of `SUFFIXES`.
        text_format: of text prompts whose suffix does not tell.

    Raises:
        Unreadable: it holds no mapping that could be a prompt.
    """
    text = decode(data)
    if suffix == ".json":
        return Document(path, _mapping(read_json(text)), text, is_json=True)
    if suffix in STRUCTURED:
        root = compose(text)
        return Document(path, _mapping(construct(root, has_aliases="*" in text) if root else None), text)
    return _read_text(path, text, TEXT_FORMATS[suffix] or text_format)


def fields_span(suffix: str, text: str) -> tuple[int, int]:
    """From where to where the YAML or JSON part of a decoded file reaches.

    Raises:
        Unreadable: front matter that is not closed.
    """
    return (0, len(text)) if suffix in STRUCTURED else _front_matter(text)[0]


def read_examples(suffix: str, data: bytes) -> tuple[list[Any], list[int]]:
    """The content of an `examples_file`, YAML, JSON or JSON Lines, with the line of each example.

    Raises:
        Unreadable: it cannot be read, or holds no list.
    """
    text = decode(data)
    if suffix == ".jsonl":
        numbered = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        return [_json_line(number, line) for number, line in numbered], [number for number, _ in numbered]
    values: Any = read_json(text) if suffix == ".json" else None
    root = compose_json(text) if suffix == ".json" else compose(text)
    if suffix != ".json" and root is not None:
        values = construct(root)
    if not isinstance(values, list) or root is None:
        raise Unreadable(FileProblem(Code.WRONG_VALUE, "expected a list of examples"))
    return values, [node.start_mark.line + 1 for node in root.value]


def problems_of(path: str, error: Unreadable) -> list[Problem]:
    return [Problem(path, f.line, f.column, f.code, f.message, f.hint) for f in error.findings]


def _json_line(number: int, line: str) -> Any:
    try:
        return read_json(line)
    except Unreadable as error:
        raise Unreadable(*(FileProblem(f.code, f.message, f.hint, number, f.column) for f in error.findings)) from error


def _read_text(path: str, text: str, template_format: TemplateFormat) -> Document:
    front, body, body_line = _split_front_matter(text)
    try:
        root = compose(front)
        fields = _mapping(construct(root)) if root else {}
    except Unreadable as error:
        raise Unreadable(
            *(FileProblem(f.code, f.message, f.hint, f.line + 1, f.column) for f in error.findings)
        ) from error
    document = Document(path, fields, front, first_line=2 if front else 1)
    fields.setdefault("template_format", template_format)
    if not body and ("messages" in fields or "template" in fields or "template_file" in fields):
        return document
    target: tuple[str | int, ...] = ("template",)
    if "role" in fields and "messages" not in fields:
        names = [name for name in ("role", "role_name", "name") if name in fields]
        fields["messages"] = [{name: fields.pop(name) for name in names} | {"template": body}]
        document.moved = {("messages", 0, name): (name,) for name in names}
        target = ("messages", 0, "template")
    elif "template" in fields or "messages" in fields or "template_file" in fields:
        other = next(name for name in ("template", "messages", "template_file") if name in fields)
        found = document.problem(
            (other,), Code.CONFLICTING_FIELDS, f"both '{other}' and a text body", "keep one of them", key=True
        )
        raise Unreadable(FileProblem(found.code, found.message, found.hint, found.line, found.column))
    else:
        fields["template"] = body
    document.bodies[target] = Body(path, body_line)
    return document


def _split_front_matter(text: str) -> tuple[str, str, int]:
    """Front matter, body, and the line of the file on which the body starts."""
    (start, end), body_start = _front_matter(text)
    rest = text[body_start:]
    leading = len(rest) - len(rest.lstrip("\n"))
    return text[start:end], text_body(rest), text.count("\n", 0, body_start) + leading + 1


def _front_matter(text: str) -> tuple[tuple[int, int], int]:
    """From where to where the front matter reaches between its fences, and where the rest of the file starts."""
    opening = _FENCE.match(text)
    if opening is None:
        return (0, 0), 0
    closing = _CLOSING_FENCE.search(text, opening.end())
    if closing is None:
        finding = FileProblem(Code.SYNTAX, "the front matter is not closed", "end it with a line of three dashes: ---")
        raise Unreadable(finding)
    return (opening.end(), closing.start()), closing.end()


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        found = "nothing" if value is None else type(value).__name__.replace("str", "text")
        hint = "write fields such as 'template: ...'; for a prompt that is only text use the suffix .txt or .md"
        raise Unreadable(FileProblem(Code.NOT_A_MAPPING, f"expected fields, found {found}", hint))
    return value
