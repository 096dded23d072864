"""Content that comes from a caller or a single file, and not from the tree of prompts."""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from promptdb.domain.prompt_id import PromptId
from promptdb.domain.spec import PromptSpec
from promptdb.domain.suffixes import SUFFIXES, file_suffix
from promptdb.errors import ConfigError, InvalidPrompts, PromptNotFound, StorageError
from promptdb.files.findings import Unreadable
from promptdb.files.reading.document import Document
from promptdb.files.reading.json import read_json
from promptdb.files.reading.parse import ParsedPrompt, ParseResult, parse_document, parse_file
from promptdb.files.streams import Measured
from promptdb.files.tree import MAX_TEXT_BYTES, FileTooLarge, Tree, WorkTree, size_text
from promptdb.problems import Code, Problem
from promptdb.project.content import Content, content_of_file
from promptdb.project.load import load_prompt
from promptdb.project.view import View
from promptdb.render.renderable import RenderablePrompt
from promptdb.render.resolved import compiled
from promptdb.render.validation import validate_spec
from promptdb.settings import AppSettings

_SPEC = "spec"
"""Stands for the path in problems of a spec that is in no file."""


class _NoFiles:
    """The tree of a spec that came without one."""

    def read(self, path: str, limit: int) -> bytes:  # noqa: ARG002
        raise FileNotFoundError(path)

    def open(self, path: str, limit: int) -> BinaryIO:  # noqa: ARG002
        raise FileNotFoundError(path)

    def has_lf_in_git(self, path: str, found: Measured) -> bool:  # noqa: ARG002
        return False


def content_from_spec(spec: PromptSpec | Mapping[str, Any]) -> Content:
    """
    Raises:
        InvalidPrompts: the spec is not valid.
    """
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
    return _content(parse_document(Document(_SPEC, dict(spec)), _NoFiles()), _NoFiles())


def content_from_file(file: Path, settings: AppSettings) -> Content:
    """Of a prompt file anywhere. What it names is looked up under the prompts root if it lies there, else in its folder.

    Raises:
        ConfigError: the suffix is not one of prompt files.
        StorageError: the file cannot be read.
        InvalidPrompts: it is not a valid prompt.
    """
    if file_suffix(file.name) not in SUFFIXES:
        raise ConfigError(f"{file.name} has no suffix of prompt files", f"use one of {', '.join(sorted(SUFFIXES))}")
    root, path = _placed(file, settings.prompts_path)
    tree = WorkTree(root)
    try:
        data = tree.read_scanned(path, MAX_TEXT_BYTES)
    except FileTooLarge as error:
        raise StorageError(f"{file} is larger than {size_text(MAX_TEXT_BYTES)}") from error
    except OSError as error:
        raise StorageError(f"cannot read {file}: {error.strerror}") from error
    try:
        return _content(parse_file(path, data, tree, settings.text_format), tree)
    except InvalidPrompts as error:
        shown = os.path.relpath(root) if root == settings.prompts_path else str(root)
        raise InvalidPrompts([replace(p, path=str(Path(shown) / p.path)) for p in error.problems]) from error


def prompt_from_file(file: Path, settings: AppSettings) -> RenderablePrompt:
    """A prompt file ready to render, as it is now. Errors as in `content_from_file`.

    Raises:
        InvalidRef: its path is not one of a prompt.
    """
    content = content_from_file(file, settings)
    _, path = _placed(file, settings.prompts_path)
    return _renderable(_named(path), content)


def prompt_of_file(file: Path, settings: AppSettings) -> PromptId:
    """Whose file it is, or would be if it were there.

    Raises:
        ConfigError: it lies outside of the prompts root.
        InvalidRef: its path is not one of a prompt.
    """
    root, path = _placed(file, settings.prompts_path)
    if root != settings.prompts_path:
        raise ConfigError(
            f"{file} is not below {settings.prompts_path}", "git is asked for files of the prompts root only"
        )
    return _named(path)


def prompt_from_view(prompt: PromptId, settings: AppSettings, view: View) -> RenderablePrompt:
    """A prompt ready to render, as its file is in a view.

    Raises:
        PromptNotFound: the view has no file for it.
        InvalidPrompts: the file is not a valid prompt.
        ConfigError, StorageError: as in `open_view`.
    """
    found = load_prompt(settings, prompt, view)
    if found is None:
        raise PromptNotFound(
            f"{view} has no file for {prompt}", "'promptdb check' with the same option reads all there are"
        )
    file = found[1]
    if file.content is None:
        shown = os.path.relpath(settings.prompts_path)
        raise InvalidPrompts([replace(p, path=str(Path(shown) / p.path)) for p in file.problems])
    return _renderable(prompt, file.content)


def _renderable(prompt: PromptId, content: Content) -> RenderablePrompt:
    spec_json = content.canonical.decode()
    ready = compiled(spec_json).reading(content.open_blob)
    return RenderablePrompt(prompt=prompt, spec_json=spec_json, _compiled=ready)


def _named(path: str) -> PromptId:
    return PromptId.from_segments(path.removesuffix(Path(path).suffix).split("/"))


def _placed(file: Path, prompts_root: Path) -> tuple[Path, str]:
    """The folder that a file's own paths are relative to, and the path of the file in it."""
    whole = Path(os.path.abspath(file))  # noqa: PTH100  links are not followed, since a link inside is inside
    root = Path(os.path.abspath(prompts_root))  # noqa: PTH100
    if whole.is_relative_to(root):
        return prompts_root, whole.relative_to(root).as_posix()
    return file.parent, file.name


def _content(result: ParseResult, tree: Tree) -> Content:
    if result.prompt is None:
        raise InvalidPrompts(result.problems)
    return content_of_file(result.prompt, tree)


def _require_storable(fields: Mapping[str, Any]) -> None:
    """What no file could hold, code can give: NaN, half a character, a number of thousands of digits."""
    try:
        read_json(json.dumps(fields, default=str))
    except Unreadable as error:
        raise InvalidPrompts([Problem(_SPEC, 1, 1, f.code, f.message, f.hint) for f in error.findings]) from error
    except (ValueError, RecursionError) as error:
        raise InvalidPrompts([Problem(_SPEC, 1, 1, Code.WRONG_VALUE, f"it cannot be JSON: {error}")]) from error
    except TypeError:
        return  # keys that are no text: told by name when the fields are validated
