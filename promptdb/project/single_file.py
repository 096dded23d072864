"""Content from a caller or a single file, without the tree of prompts."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from promptdb.domain.prompt_id import PromptId
from promptdb.domain.spec import PromptSpec
from promptdb.domain.suffixes import SUFFIXES, file_suffix
from promptdb.errors import ConfigError, InvalidPrompts, InvalidRef, PromptNotFound, StorageError
from promptdb.files.findings import Unreadable
from promptdb.files.reading.document import Document
from promptdb.files.reading.json import read_json
from promptdb.files.reading.parse import ParsedPrompt, ParseResult, parse_chat, parse_document, parse_file
from promptdb.files.streams import Measured
from promptdb.files.tree import MAX_TEXT_BYTES, FileTooLarge, Tree, WorkTree, size_text
from promptdb.problems import Code, Problem
from promptdb.project.content import Content, content_of_file
from promptdb.project.load import load_prompt
from promptdb.project.placing import name_of_file, parts_of, placed, prompt_of_file
from promptdb.project.view import View
from promptdb.render.renderable import RenderablePrompt
from promptdb.render.resolved import compiled
from promptdb.render.validation import validate_spec
from promptdb.settings import AppSettings, load_settings

_SPEC = ""
"""The path in problems of a spec that did not come from a file."""

_IN_FULL = (
    "a spec that did not come from a file cannot name other files: write the text itself, or register the prompt file"
)


class _NoFiles:
    """The empty tree of a spec that did not come from a file."""

    def read(self, path: str, limit: int) -> bytes:  # noqa: ARG002
        raise FileNotFoundError(path)

    def open(self, path: str, limit: int) -> BinaryIO:  # noqa: ARG002
        raise FileNotFoundError(path)

    def has_lf_in_git(self, path: str, found: Measured) -> bool:  # noqa: ARG002
        return False


def content_from_spec(spec: PromptSpec | Mapping[str, Any]) -> Content:
    """Validate a spec or the fields of one.

    Raises:
        InvalidPrompts: the spec is not valid.
    """
    if not isinstance(spec, PromptSpec | Mapping):
        raise TypeError(f"a prompt is a PromptSpec or the fields of a prompt file, not {spec!r}")
    _require_storable(spec.model_dump() if isinstance(spec, PromptSpec) else spec)
    if isinstance(spec, PromptSpec):
        findings, templates = validate_spec(spec)
        problems = [Problem(_SPEC, 1, 1, f.code, f.message, f.hint) for f in findings]
        if spec.assets:
            message = "a spec with assets needs the files"
            problems.append(Problem(_SPEC, 1, 1, Code.FILE_MISSING, message, "register the prompt file"))
        if any(problem.is_error for problem in problems):
            raise InvalidPrompts(problems)
        return content_of_file(ParsedPrompt(spec, Document(_SPEC, {}), templates), _NoFiles())
    parsed = parse_document(Document(_SPEC, dict(spec)), _NoFiles())
    if parsed.prompt is None:
        raise InvalidPrompts([_without_files(problem) for problem in parsed.problems])
    return _content(parsed, _NoFiles())


def _without_files(problem: Problem) -> Problem:
    if problem.code is not Code.FILE_MISSING:
        return problem
    return replace(problem, message=f"a spec cannot name files: {problem.message}", hint=_IN_FULL)


def content_from_file(file: Path, settings: AppSettings) -> Content:
    """Read a prompt file anywhere. Below the prompts root, it may name any file there; elsewhere, only files of its folder.

    Raises:
        ConfigError: prompt files do not have this suffix.
        StorageError: the file cannot be read.
        InvalidPrompts: the file is not a valid prompt.
    """
    if file_suffix(file.name) not in SUFFIXES:
        raise ConfigError(
            f"{file.name} does not have the suffix of a prompt file", f"use one of {', '.join(sorted(SUFFIXES))}"
        )
    root, path, layout = placed(file, settings)
    tree = WorkTree(root, layout=layout)
    try:
        files = {part: tree.read(part, MAX_TEXT_BYTES) for part in parts_of(file, settings)}
    except FileTooLarge as error:
        raise StorageError(f"{file} is larger than {size_text(MAX_TEXT_BYTES)}") from error
    except OSError as error:
        raise StorageError(f"cannot read {file}: {error.strerror}") from error
    prompt, defaults = None, settings.file_rules.text_at(path)
    with suppress(InvalidRef):
        prompt = name_of_file(file, settings)
    try:
        if layout.chat_role(path) is not None:
            return _content(parse_chat(files, tree, defaults, prompt), tree)
        return _content(parse_file(path, files[path], tree, defaults, prompt), tree)
    except InvalidPrompts as error:
        shown = Path(os.path.relpath(root)) if root == settings.prompts_path else root
        raise InvalidPrompts([replace(p, path=str(shown / p.path)) for p in error.problems]) from error


def read_prompt(source: PromptId | Path, settings: AppSettings, view: View) -> RenderablePrompt:
    """Read a prompt by its name or its file, ready to render. Errors as in the functions below.

    Args:
        source: a name, or a file: in the work tree it may lie anywhere.
        settings: name the prompts root.
        view: the state of the files to read.
    """
    if isinstance(source, PromptId):
        return prompt_from_view(source, settings, view)
    if view.is_work_tree:
        return prompt_from_file(source, settings)
    return prompt_from_view(prompt_of_file(source, settings), settings, view)


def prompt_from_spec(spec: PromptSpec | Mapping[str, Any], name: str = "prompt") -> RenderablePrompt:
    """Make a spec ready to render, without a registry.

    Args:
        spec: a spec, or the fields of a prompt file that does not refer to other files.
        name: `namespace/name`, for traces and LangChain.

    Raises:
        InvalidPrompts: the spec is not valid.
        InvalidRef: `name` is malformed.
    """
    return _renderable(PromptId.parse(name), content_from_spec(spec))


def prompt_from_file(file: Path | str, settings: AppSettings | None = None) -> RenderablePrompt:
    """Read a prompt file, ready to render, without a registry.

    Args:
        file: a prompt file anywhere. In the prompts root it has its own name there, otherwise that of the file.
        settings: name the prompts root; by default those of the current folder.

    Raises:
        ConfigError, StorageError, InvalidPrompts: as in `content_from_file`.
        InvalidRef: no prompt can have the name of the file.
    """
    file, settings = Path(file), settings or load_settings()
    content = content_from_file(file, settings)
    return _renderable(name_of_file(file, settings), content)


def prompt_from_view(prompt: PromptId, settings: AppSettings, view: View) -> RenderablePrompt:
    """Read a prompt from its file in a view, ready to render.

    Raises:
        PromptNotFound: the view has no file for the prompt.
        InvalidPrompts: the file is not a valid prompt.
        ConfigError, StorageError: as in `open_view`.
    """
    found = load_prompt(settings, prompt, view)
    if found is None:
        hint = "'promptdb check' with the same option lists the problems of all files"
        raise PromptNotFound(f"{view} has no file for {prompt}", hint)
    file = found[1]
    if file.content is None:
        shown = Path(os.path.relpath(settings.prompts_path))
        raise InvalidPrompts([replace(p, path=str(shown / p.path)) for p in file.problems])
    return _renderable(prompt, file.content)


def _renderable(prompt: PromptId, content: Content) -> RenderablePrompt:
    spec_json = content.canonical.decode()
    ready = compiled(spec_json).reading(content.open_blob)
    return RenderablePrompt(prompt=prompt, spec_json=spec_json, _compiled=ready)


def _content(result: ParseResult, tree: Tree) -> Content:
    if result.prompt is None:
        raise InvalidPrompts(result.problems)
    return content_of_file(result.prompt, tree)


def _require_storable(fields: Mapping[str, Any]) -> None:
    # Code can pass values that a file cannot hold: NaN, half a surrogate pair, a number of thousands of digits.
    try:
        read_json(json.dumps(fields, default=str))
    except Unreadable as error:
        raise InvalidPrompts([Problem(_SPEC, 1, 1, f.code, f.message, f.hint) for f in error.findings]) from error
    except (ValueError, RecursionError) as error:
        raise InvalidPrompts([Problem(_SPEC, 1, 1, Code.WRONG_VALUE, f"it cannot be JSON: {error}")]) from error
    except TypeError:
        # A key is not a string. The validation of fields reports it by name.
        return
