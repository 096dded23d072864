"""How a text is written in YAML: plain, in quotes, or as a literal block."""

import re
from typing import Any

import yaml
from ruamel.yaml.scalarstring import (
    DoubleQuotedScalarString,
    LiteralScalarString,
    PlainScalarString,
    ScalarString,
    SingleQuotedScalarString,
)

from promptdb.files.reading.yaml import reads_as_text

_UNPRINTABLE = re.compile("[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""Must be escaped: what YAML does not allow as it is, and what YAML 1.1 took for a line break or a byte order mark."""

_YAML_1_1 = yaml.resolver.Resolver()


def scalar(text: str, like: Any = None, *, blocks: bool = True) -> ScalarString:
    """A text of several lines becomes a literal block; a short one keeps the style and the anchor of the text before it.

    Args:
        like: the node in whose place it stands, if there is one.
        blocks: False writes in double quotes what does not fit on a line as it is; they hold every text everywhere.
    """
    style = getattr(like, "style", '"' if like is None and "\n" in text else "")
    anchor = like.anchor.value if isinstance(like, ScalarString) else None
    written: ScalarString = _kind(text, style, blocks=blocks)(text, anchor=anchor)
    return written


def _kind(text: str, style: str, *, blocks: bool) -> type[ScalarString]:
    if _UNPRINTABLE.search(text) or not text.strip("\n"):
        return DoubleQuotedScalarString
    if blocks and ("\n" in text[:-1] or style in ("|", ">") or ("\n" in text and style != '"')):
        return LiteralScalarString
    if style == '"' or "\n" in text or "\t" in text:
        return DoubleQuotedScalarString
    if style == "'":
        return SingleQuotedScalarString
    return PlainScalarString if _is_plain(text) else DoubleQuotedScalarString


def _is_plain(text: str) -> bool:
    """Whether it is text without quotes too, in YAML 1.2 and for readers of YAML 1.1, where `no` is a boolean."""
    resolved: str = _YAML_1_1.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    is_bare = text == text.strip() and text[0] not in "?:-"  # which open a key, a value or an item inside of [] and {}
    return is_bare and reads_as_text(text) and resolved == "tag:yaml.org,2002:str"
