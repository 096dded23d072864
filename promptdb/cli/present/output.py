"""Prints results: the library's values as JSON, and tables for people."""

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from shutil import get_terminal_size
from typing import Any
from uuid import UUID

import click
from pydantic import BaseModel

from promptdb.cli.present.table import lay_out
from promptdb.cli.present.text import escaped, one_line
from promptdb.domain.aliases import AliasMove
from promptdb.domain.digest import SHORT_DIGEST
from promptdb.domain.prompt_id import PromptId

_ACTIVE = re.compile(r"[\x7f-\x9f]|##\[")
"""Text that JSON need not escape: control characters, which terminals obey, and `##[`, which GitHub's log obeys."""


def plain(value: Any) -> Any:
    """Convert a value to JSON data: fields by name, times in ISO 8601, names and ids as text."""
    if isinstance(value, PromptId | UUID | Path):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if is_dataclass(value):
        names = value.json_fields if isinstance(value, AliasMove) else [field.name for field in fields(value)]
        return {name: plain(getattr(value, name)) for name in names if name[0] != "_"}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value


def print_json(value: Any, indent: int | None = 2) -> None:
    """Print a value as JSON; with `indent` None on one line."""
    text = json.dumps(plain(value), ensure_ascii=False, indent=indent)
    click.echo(_ACTIVE.sub(lambda match: f"\\u{ord(match[0][0]):04x}{match[0][1:]}", text))


def printable(text: str) -> str:
    """Escape control characters if standard output is a terminal."""
    return escaped(text) if sys.stdout.isatty() else text


def print_text(text: str, *, nl: bool = True) -> None:
    click.echo(printable(text), nl=nl, color=True)  # otherwise click strips escape sequences of the prompt


def print_table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print columns: in the width of a terminal, or as wide as they are in a pipe."""
    width = get_terminal_size().columns if sys.stdout.isatty() else None
    lines = lay_out(headers, [[one_line(cell) for cell in row] for row in rows], width)
    for number, line in enumerate(lines):
        # On a narrow terminal, the first line is not the one of the headers.
        click.secho(line, bold=True if number == 0 and line.split() == [*headers] else None)


def short_digest(digest: str) -> str:
    return digest[:SHORT_DIGEST]


def short_commit(commit: str) -> str:
    """Shorten a commit as far as digests are."""
    return commit[: SHORT_DIGEST - len("sha256:")]


def short_time(time: datetime) -> str:
    return time.astimezone().strftime("%Y-%m-%d %H:%M")
