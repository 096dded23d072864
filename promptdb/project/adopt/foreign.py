"""Formats of other programs for prompts: how to recognize each, and the command that imports it."""

import csv
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from promptdb.domain.suffixes import STRUCTURED, TEXT_FORMATS, file_suffix
from promptdb.neighbours.incoming.github_models import SUFFIXES as GITHUB_SUFFIXES

LANGCHAIN_FIELDS = ("_type", "output_parser", "validate_template", "input_types")
"""Fields of LangChain's prompt files that say nothing to promptdb."""

OTHER_SUFFIXES = frozenset({".prompty", ".csv"})

_LARGEST = 1024 * 1024
_LANGCHAIN = re.compile(rb"""^[ {,]*["']?_type["']?\s*:|^\s*\{\s*"lc"\s*:\s*1\b""", re.MULTILINE)
_LANGSMITH = re.compile(rb"""\A\s*\{(?=[^{}]*"commit_hash"\s*:)(?=[^{}]*"(?:manifest|repo)"\s*:)""")
_MLFLOW = re.compile(rb"""\A\s*\[?\s*\{(?=[^{}\[]*"name"\s*:)(?=[^{}\[]*"version"\s*:)(?=[^{}\[]*"template"\s*:)""")
_LANGFUSE = re.compile(rb"""\A\s*\[\s*\{(?=[^{}\[]*"name"\s*:)(?=[^{}\[]*"prompt"\s*:)""")
_WORDS = {"LangSmith": _LANGSMITH, "LangChain": _LANGCHAIN, "MLflow": _MLFLOW, "Langfuse": _LANGFUSE}
"""Words of structured files. A manifest of LangSmith is one of LangChain inside."""
_HEADING = re.compile(rb"^#{0,3}[ \t]*\[?(system|user|assistant|human)\]?[ \t]*:[ \t]*$", re.MULTILINE | re.IGNORECASE)
_DOTPROMPT = re.compile(rb"\A---\n(?=(?:.*\n)*?(?:input|output|config):)(?:.*\n)*?---", re.MULTILINE)
_COLUMNS = frozenset({"prompt", "prompts", "template", "system_prompt"})

_ADVICE = {
    "Prompty": "promptdb import --from prompty PATH",
    "GitHub Models": "promptdb import --from github-models PATH",
    "Langfuse": "promptdb import --from langfuse FILE",
    "LangSmith": "promptdb import --from langsmith FILE",
    "MLflow": "promptdb import --from mlflow FILE",
    "promptfoo": "promptdb import --from promptfoo FILE",
    "CSV with a column of prompts": "promptdb import --from csv FILE",
    "LangChain": "promptdb import --from langchain FILE",
    "Headings for roles": "promptdb import --from jinja2 FILE makes messages of them",
    "Dotprompt": "promptdb import --from dotprompt PATH",
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
    if file.name.lower().endswith(GITHUB_SUFFIXES):
        return "GitHub Models"
    if file.name.lower().startswith("promptfooconfig."):
        return "promptfoo"
    if suffix in STRUCTURED:
        return next((name for name, words in _WORDS.items() if words.search(data)), None)
    if suffix == ".prompt" and _DOTPROMPT.match(data):
        return "Dotprompt"
    if suffix in TEXT_FORMATS and len({match.lower() for match in _HEADING.findall(data)}) > 1:
        return "Headings for roles"
    return None


def _has_prompts(data: bytes) -> bool:
    first = data.decode(errors="replace").split("\n", 1)[0]
    columns = next(csv.reader([first]), [])
    return not _COLUMNS.isdisjoint(column.strip().lower() for column in columns)
