"""The ways to write a text in YAML: plain, in quotes, as a literal block. Whoever uses one reads it back to be sure."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from promptdb.files.yaml_reader import reads_as_text

_UNPRINTABLE = re.compile("[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""Must be escaped: what YAML does not allow as it is, and what YAML 1.1 took for a line break or a byte order mark."""

_NEEDS_INDICATOR = re.compile("\n*[ \t]")
_YAML_1_1 = yaml.resolver.Resolver()
BLOCKS = ("|", ">")
"""Styles of block scalars, literal and folded."""

_MAX_INDICATOR = 9


@dataclass(frozen=True)
class Margin:
    """Columns of a block: of the key or dash that it belongs to, and of its text."""

    parent: int
    text: int


def forms(text: str, style: str | None, margin: Margin | None) -> Iterator[str]:
    """Ways to write a text, the best first. Not all of them hold every text everywhere; the last one does.

    Args:
        style: in which it was written: None or empty for plain, `'`, `"`, `|` or `>`.
        margin: None inside `[]` and `{}`, where there are no blocks.
    """
    block = _block(text, margin) if margin is not None else None
    if block is not None and "\n" in text[:-1]:
        yield "|" + block
    if style in BLOCKS and block is not None:
        yield ("|" if "\n" in text[:-1] else style) + block
    elif not style and _is_plain(text):
        yield text
    elif style == "'" and _is_printable(text):
        yield "'" + text.replace("'", "''") + "'"
    elif style != '"' and block is not None and "\n" in text:
        yield "|" + block
    yield flow(text)


def flow(value: object) -> str:
    """Any JSON data on one line, as YAML and JSON both read it."""
    return _UNPRINTABLE.sub(_escape, json.dumps(value, ensure_ascii=False))


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _is_printable(text: str) -> bool:
    return not ("\t" in text or "\n" in text or _UNPRINTABLE.search(text))


def _is_plain(text: str) -> bool:
    """Whether it is text without quotes too, in YAML 1.2 and for readers of YAML 1.1, where `no` is a boolean."""
    resolved: str = _YAML_1_1.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return _is_printable(text) and text == text.strip() and reads_as_text(text) and resolved == "tag:yaml.org,2002:str"


def _block(text: str, margin: Margin) -> str | None:
    """A block scalar without its first character, up to the end of its last line; None where it cannot hold the text."""
    lines = text.split("\n")
    if not text.strip("\n") or _UNPRINTABLE.search(text):
        return None
    indicator = margin.text - margin.parent
    if not 0 < indicator <= _MAX_INDICATOR:
        return None
    header = str(indicator) if _NEEDS_INDICATOR.match(text) else ""
    if not text.endswith("\n"):
        header += "-"
    elif text.endswith("\n\n"):
        header += "+"
    if text.endswith("\n"):
        del lines[-1]
    return "\n".join([header, *(" " * margin.text + line if line else "" for line in lines)])
