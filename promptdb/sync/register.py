"""Content that comes from a caller or a single file, and not from the tree of prompts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from promptdb.domain.problems import Code, Problem
from promptdb.domain.spec import PromptSpec, TemplateFormat
from promptdb.errors import ConfigError, InvalidPrompts, StorageError
from promptdb.files.document import Document
from promptdb.files.parse import ParseResult, parse_document, parse_file
from promptdb.files.read import SUFFIXES, file_suffix
from promptdb.files.tree import MAX_TEXT_BYTES, FileTooLarge, WorkTree
from promptdb.render.validation import spec_findings
from promptdb.sync import content
from promptdb.sync.content import Content

_SPEC = "spec"
"""Stands for the path in problems of a spec that is in no file."""


class _NoFiles:
    """The tree of a spec that came without one."""

    def read(self, path: str, limit: int) -> bytes:  # noqa: ARG002
        raise FileNotFoundError(path)


def content_from_spec(spec: PromptSpec | Mapping[str, Any]) -> Content:
    """
    Raises:
        InvalidPrompts: the spec is not valid.
    """
    if isinstance(spec, PromptSpec):
        problems = [Problem(_SPEC, 1, 1, f.code, f.message, f.hint) for f in spec_findings(spec)]
        if spec.assets:
            message = "a spec with assets needs the files"
            problems.append(Problem(_SPEC, 1, 1, Code.FILE_MISSING, message, "register the prompt file"))
        if any(problem.is_error for problem in problems):
            raise InvalidPrompts(problems)
        return content.content_of_spec(spec)
    tree = _NoFiles()
    return _content(_SPEC, parse_document(Document(_SPEC, dict(spec)), tree), tree)


def content_from_file(file: Path, text_format: TemplateFormat) -> Content:
    """
    Raises:
        ConfigError: the suffix is not one of prompt files.
        StorageError: the file cannot be read.
        InvalidPrompts: it is not a valid prompt.
    """
    if file_suffix(file.name) not in SUFFIXES:
        raise ConfigError(f"{file.name} has no suffix of prompt files", f"use one of {', '.join(sorted(SUFFIXES))}")
    tree = WorkTree(file.parent)
    try:
        data = tree.read_scanned(file.name, MAX_TEXT_BYTES)
    except FileTooLarge as error:
        raise StorageError(f"{file} is larger than {MAX_TEXT_BYTES // 1024:,} KiB") from error
    except OSError as error:
        raise StorageError(f"cannot read {file}: {error.strerror}") from error
    return _content(file.name, parse_file(file.name, data, tree, text_format), tree)


def _content(path: str, result: ParseResult, tree: "WorkTree | _NoFiles") -> Content:
    if result.prompt is None:
        raise InvalidPrompts(result.problems)
    return content.content_of_file(path, result.prompt, tree)
