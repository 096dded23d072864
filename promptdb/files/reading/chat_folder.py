"""Reads the files of a chat folder as one document. The first of them may have front matter."""

from collections.abc import Iterator, Mapping
from typing import Any

from promptdb.domain.file_rules import TextDefaults
from promptdb.domain.suffixes import TEXT_FORMATS, file_suffix
from promptdb.files.findings import FileProblem, Unreadable
from promptdb.files.reading.document import Body, Document
from promptdb.files.reading.formats import TextParts, decode, has_front_matter, problems_of, text_parts
from promptdb.problems import Code, Problem


def read_chat(files: Mapping[str, bytes], defaults: TextDefaults) -> Document | list[Problem]:
    """Read files that have a text, by their paths and in the order of the messages. Return their problems if any."""
    parts: dict[str, TextParts] = {}
    problems: list[Problem] = []
    first = next(iter(files))
    for path, data in files.items():
        try:
            text = decode(data)
            if path != first and has_front_matter(text):
                hint = f"move the fields to {first}; put an empty line before a text that starts like this"
                raise Unreadable(FileProblem(Code.CONFLICTING_FIELDS, f"front matter belongs in {first}", hint))
            parts[path] = text_parts(text)
        except Unreadable as error:
            problems += problems_of(path, error)
    if problems:
        return problems
    document = parts[first].document(first)
    problems += _conflicts(document, parts, defaults)
    messages: list[dict[str, Any]] = []
    for path, part in parts.items():
        if part.body.strip():
            document.bodies["messages", len(messages), "template"] = Body(path, part.line)
            role = path.rpartition("/")[2].partition(".")[0].lower()
            messages.append({"role": role, "template": part.body})
    document.data.setdefault("template_format", _format_of(first, defaults))
    document.data["messages"] = messages
    return problems or document


def _conflicts(document: Document, parts: Mapping[str, TextParts], defaults: TextDefaults) -> Iterator[Problem]:
    for name in ("role", "role_name", "name", "template", "template_file", "messages"):
        if name in document.data:
            message = f"{name!r} in a chat folder, whose files are the messages"
            yield document.problem((name,), Code.CONFLICTING_FIELDS, message, "remove it", key=True)
    if "template_format" not in document.data:
        for path in parts:
            if (other := _format_of(path, defaults)) != (first := _format_of(document.path, defaults)):
                message = f"{path} is {other}, but {document.path} is {first}"
                hint = f"write template_format in the front matter of {document.path}, or use one suffix"
                yield Problem(path, 1, 1, Code.CONFLICTING_FIELDS, message, hint)


def _format_of(path: str, defaults: TextDefaults) -> str:
    return TEXT_FORMATS[file_suffix(path)] or defaults.template_format
