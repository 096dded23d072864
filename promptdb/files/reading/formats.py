"""Decodes prompt files and files of examples, each suffix in its own way."""

import codecs
import re
from typing import Any, NamedTuple

from promptdb.domain.field_path import FieldPath
from promptdb.domain.file_rules import TextDefaults
from promptdb.domain.spec import Role, TemplateFormat
from promptdb.domain.suffixes import STRUCTURED, TEXT_FORMATS
from promptdb.files.findings import FileProblem, Unreadable
from promptdb.files.reading.document import Body, Document
from promptdb.files.reading.json import read_json
from promptdb.files.reading.json_nodes import compose_json
from promptdb.files.reading.yaml import compose, construct
from promptdb.problems import Code, Problem
from promptdb.render.formats import line_and_column

_FENCE = re.compile(r"---[ \t]*(?:\n|\Z)")
_CLOSING_FENCE = re.compile(r"^---[ \t]*(?:\n|\Z)", re.MULTILINE)


def decode(data: bytes) -> str:
    """Decode UTF-8 without byte order mark and CRLF. Raise Unreadable for other bytes, and for U+0000."""
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        place = line_and_column(before, len(before))
        raise Unreadable(FileProblem(Code.NOT_UTF8, "not UTF-8", "save the file as UTF-8", *place)) from error
    if (nul := text.find("\0")) >= 0:
        place = line_and_column(text, nul)
        raise Unreadable(FileProblem(Code.BAD_CHARACTER, "the character U+0000 is not allowed", None, *place))
    return text.replace("\r\n", "\n")


def text_body(text: str) -> str:
    # Line breaks at both ends belong to the file, not to the prompt.
    return text.strip("\n")


def read_document(path: str, suffix: str, data: bytes, defaults: TextDefaults) -> Document:
    """Read one prompt file. Raise Unreadable if it does not hold fields."""
    text = decode(data)
    if suffix == ".json":
        return Document(path, _mapping(read_json(text)), text, is_json=True)
    if suffix in STRUCTURED:
        root = compose(text)
        return Document(path, _mapping(construct(root, has_aliases="*" in text) if root else None), text)
    return _read_text(path, text, TEXT_FORMATS[suffix] or defaults.template_format, defaults.role)


def fields_span(suffix: str, text: str) -> tuple[int, int]:
    """Find start and end of the YAML or JSON part of a decoded file. Raise Unreadable if front matter is not closed."""
    return (0, len(text)) if suffix in STRUCTURED else _front_matter(text)[0]


def read_examples(suffix: str, data: bytes) -> tuple[list[Any], list[int]]:
    """Read an `examples_file`. Return the examples, and the line of each. Raise Unreadable if it is not a list."""
    text = decode(data)
    if suffix == ".jsonl":
        numbered = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        return [_json_line(number, line) for number, line in numbered], [number for number, _ in numbered]
    if suffix == ".json":
        values, root = read_json(text), compose_json(text)
    else:
        root = compose(text)
        values = construct(root) if root is not None else None
    if not isinstance(values, list) or root is None:
        raise Unreadable(FileProblem(Code.WRONG_VALUE, "expected a list of examples"))
    return values, [node.start_mark.line + 1 for node in root.value]


def problems_of(path: str, error: Unreadable) -> list[Problem]:
    return [Problem(path, f.line, f.column, f.code, f.message, f.hint) for f in error.findings]


def _json_line(number: int, line: str) -> Any:
    try:
        return read_json(line)
    except Unreadable as error:
        raise error.below(number - 1) from error


class TextParts(NamedTuple):
    """A text file: the fields of its front matter, their text, the body, and the line at which the body starts."""

    fields: dict[str, Any]
    front: str
    body: str
    line: int

    def document(self, path: str) -> Document:
        return Document(path, self.fields, self.front, first_line=2 if self.front else 1)


def text_parts(text: str) -> TextParts:
    """Split a text file. Raise Unreadable if its front matter cannot be read."""
    (start, end), body_start = _front_matter(text)
    front = text[start:end]
    try:
        root = compose(front)
        fields = _mapping(construct(root)) if root else {}
    except Unreadable as error:
        raise error.below(1) from error
    # Empty lines before the body are not a part of it.
    body_start += len(text[body_start:]) - len(text[body_start:].lstrip("\n"))
    return TextParts(fields, front, text_body(text[body_start:]), text.count("\n", 0, body_start) + 1)


def has_front_matter(text: str) -> bool:
    return _FENCE.match(text) is not None


def _read_text(path: str, text: str, template_format: TemplateFormat, role: Role | None) -> Document:
    parts = text_parts(text)
    fields, body, document = parts.fields, parts.body, parts.document(path)
    fields.setdefault("template_format", template_format)
    others = [name for name in ("template", "messages", "template_file") if name in fields]
    if others and not body:
        return document
    target: FieldPath = ("template",)
    if "role" in fields and "messages" not in fields:
        names = [name for name in ("role", "role_name", "name") if name in fields]
        fields["messages"] = [{name: fields.pop(name) for name in names} | {"template": body}]
        document.moved = {("messages", 0, name): (name,) for name in names}
        target = ("messages", 0, "template")
    elif role is not None and not others and fields.get("kind") != "string":
        fields["messages"] = [{"role": role, "template": body}]
        target = ("messages", 0, "template")
    elif others:
        message = f"both '{others[0]}' and a text body"
        found = document.problem((others[0],), Code.CONFLICTING_FIELDS, message, "keep one of them", key=True)
        raise Unreadable(FileProblem(found.code, found.message, found.hint, found.line, found.column))
    else:
        fields["template"] = body
    document.bodies[target] = Body(path, parts.line)
    return document


def _front_matter(text: str) -> tuple[tuple[int, int], int]:
    """Find the start and the end of the front matter between its fences, and the start of the rest of the file."""
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
