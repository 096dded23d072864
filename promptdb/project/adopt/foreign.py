"""Formats of other programs for prompts: how to recognize each, and what to do with it."""

import csv
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from promptdb.domain.suffixes import STRUCTURED, TEXT_FORMATS, file_suffix

LANGCHAIN_FIELDS = ("_type", "output_parser", "validate_template", "input_types")
"""Fields of LangChain's prompt files that say nothing to promptdb."""

OTHER_SUFFIXES = frozenset({".prompty", ".csv"})

_LARGEST = 1024 * 1024
_LANGCHAIN = re.compile(rb"""^[ {,]*["']?_type["']?\s*:""", re.MULTILINE)
_HEADING = re.compile(rb"^#{0,3}[ \t]*\[?(system|user|assistant|human)\]?[ \t]*:[ \t]*$", re.MULTILINE | re.IGNORECASE)
_DOTPROMPT = re.compile(rb"\A---\n(?=(?:.*\n)*?(?:input|output|config):)(?:.*\n)*?---", re.MULTILINE)
_COLUMNS = frozenset({"prompt", "prompts", "template", "system_prompt"})

_ADVICE = {
    "Prompty": "promptdb does not read .prompty: copy the text of each into a .j2 file, and its settings into front matter",
    "CSV with a column of prompts": "promptdb does not read .csv: write the text of each row into a file of its own",
    "LangChain": "promptdb reads files of _type prompt without example_prompt and template_path; write the others as"
    " messages or few_shot",
    "Headings for roles": "each is one text, with its headings: to make messages of it, put the parts into system.md and"
    " user.md of one folder, or into template_file of messages",
    "Dotprompt": "move model and config below 'model', and input.schema into 'variables'",
}


def described(base: Path, paths: Iterable[str]) -> list[str]:
    """Describe the files in formats of others among these, a line for each format."""
    found: dict[str, list[str]] = {}
    for path in paths:
        if (name := _format(base / path)) is not None:
            found.setdefault(name, []).append(path)
    return [f"{name}, {_shown(files)}: {_ADVICE[name]}" for name, files in found.items()]


def _shown(files: list[str]) -> str:
    count = f"{len(files)} {'file' if len(files) == 1 else 'files'}"
    return f"{count} ({', '.join(files[:3])}{', ...' if len(files) > 3 else ''})"


def _format(file: Path) -> str | None:
    # A link may lead out of the repository, and a pipe would keep its reader waiting.
    if file.is_symlink() or not file.is_file():
        return None
    suffix = file_suffix(file.name)
    data = b""
    with suppress(OSError), file.open("rb") as stream:
        data = stream.read(_LARGEST)
    if suffix == ".prompty":
        return "Prompty"
    if suffix == ".csv":
        return "CSV with a column of prompts" if _has_prompts(data) else None
    if suffix in STRUCTURED:
        return "LangChain" if _LANGCHAIN.search(data) else None
    if suffix == ".prompt" and _DOTPROMPT.match(data):
        return "Dotprompt"
    if suffix in TEXT_FORMATS and len({match.lower() for match in _HEADING.findall(data)}) > 1:
        return "Headings for roles"
    return None


def _has_prompts(data: bytes) -> bool:
    first = data.decode(errors="replace").split("\n", 1)[0]
    columns = next(csv.reader([first]), [])
    return not _COLUMNS.isdisjoint(column.strip().lower() for column in columns)
