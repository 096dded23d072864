"""The canonical form of a prompt file: other bytes that mean the same, with every comment."""

import codecs
import re
from collections import Counter

import yaml

from promptdb.domain.suffixes import TEXT_FORMATS
from promptdb.files.editing.commented_yaml import comments_in, read_entries
from promptdb.files.editing.json_edit import as_json
from promptdb.files.editing.json_layout import json_laid_out
from promptdb.files.editing.yaml_layout import laid_out
from promptdb.files.findings import NoPlace
from promptdb.files.reading.formats import decode, fields_span, text_body
from promptdb.files.reading.json import read_json
from promptdb.files.reading.yaml import compose, construct

_START = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*---[ \t]*(?:#[^\n]*)?\n")
"""The mark at the start of a YAML document, with the comments above it."""

_END = re.compile(r"^\.\.\.\s*\Z", re.MULTILINE)
"""The mark at the end of a YAML document, which some writers add behind a block."""


def formatted(suffix: str, data: bytes) -> bytes:
    """Return the canonical form of a prompt file, which is the file itself if it has that form.

    The form of the form is the same. Line ends and a byte order mark stay, and so does the template of a text prompt, but
    for the line breaks at the end of the file.

    Args:
        suffix: in lower case.

    Raises:
        Unreadable: the file cannot be read.
        NoPlace: the form would change the meaning or lose a comment. The message is the reason.
    """
    new = _laid_out(suffix, data)
    if new != data:
        if _meaning(suffix, new) != _meaning(suffix, data):
            raise NoPlace("it would not read back as the same")
        if _laid_out(suffix, new) != new:
            raise NoPlace("it is laid out in an unusual way")
    return new


def canonical_text(suffix: str, text: str) -> str:
    """Return the canonical form of a text that promptdb has written, which is the text itself if it has none."""
    try:
        return formatted(suffix, text.encode()).decode()
    except NoPlace:
        return text


def _laid_out(suffix: str, data: bytes) -> bytes:
    text = decode(data)
    bom = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    whole = data.removeprefix(bom).decode()
    newline = "\r\n" if whole.count("\r\n") * 2 > whole.count("\n") else "\n"
    if suffix in TEXT_FORMATS:
        return bom + _text(suffix, whole, newline).encode()
    return bom + (json_laid_out(text) if suffix == ".json" else _yaml(text)).replace("\n", newline).encode()


def _text(suffix: str, whole: str, newline: str) -> str:
    """Lay out the front matter of a text prompt. The bytes of its body stay."""
    text = decode(whole.encode())
    start, end = fields_span(suffix, text)
    fields = text[start:end]
    # Counted in lines, since the file may have CRLF.
    lines = whole.split("\n")
    rest = "\n".join(lines[text.count("\n", 0, end) :])
    head = ""
    if start:
        head, rest = f"---\n{_yaml(fields)}---\n".replace("\n", newline), rest.partition("\n")[2]
    body = rest.rstrip("\r\n")
    if "\r" in rest[len(body) :].replace("\r\n", ""):
        # A carriage return alone is not a line break.
        return head + rest
    return f"{head}{body}{newline}" if body else head or whole


def _yaml(text: str) -> str:
    root = compose(text)
    # Nothing, or a file of comments.
    if root is None:
        return text
    start = _START.match(text)
    head = start[0] if start is not None else ""
    fields = _END.sub("", text[len(head) :])
    if fields != text:
        root = compose(fields)
    if not isinstance(root, yaml.CollectionNode) or not root.value:
        raise NoPlace("it is laid out in an unusual way")
    return head + laid_out(read_entries(fields, root))


def _meaning(suffix: str, data: bytes) -> tuple[str, Counter[str], str]:
    """Return the fields with their types, the comments, and the body."""
    text = decode(data)
    if suffix == ".json":
        return as_json(read_json(text)), Counter(), ""
    start, end = fields_span(suffix, text)
    fields = text[start:end]
    root = compose(fields)
    comments = Counter(comment.text for comment in comments_in(fields, root))
    body = text_body(text[end:].partition("\n")[2] if start else text) if suffix in TEXT_FORMATS else ""
    return as_json(construct(root) if root is not None else None), comments, body
