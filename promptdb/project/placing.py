"""Finds the prompts of paths: where a file lies, its name there, and which prompts a caller wants by names and paths."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from promptdb.domain.file_rules import TextDefaults
from promptdb.domain.layout import PLAIN, Layout
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.suffixes import SUFFIXES, file_suffix
from promptdb.errors import ConfigError, InvalidPrompts
from promptdb.files.chat_folders import chat_folders
from promptdb.problems import Problem
from promptdb.settings import AppSettings


class Placed(NamedTuple):
    """The folder with all files that a prompt file may name, the path of the prompt file in it, and the layout there."""

    root: Path
    path: str
    layout: Layout


def placed(file: Path, settings: AppSettings) -> Placed:
    """Find the place of a prompt file, or of a folder, which does not have to exist."""
    # Links are not followed: a link below the root counts as a file there.
    whole = Path(os.path.abspath(file))  # noqa: PTH100
    root, layout = Path(os.path.abspath(settings.prompts_path)), settings.layout  # noqa: PTH100
    if whole.is_relative_to(root):
        path = whole.relative_to(root).as_posix()
        if layout.has(path) or layout.leads(path):
            return Placed(settings.prompts_path, path, layout)
    return Placed(file.parent, file.name, PLAIN)


def parts_of(file: Path, settings: AppSettings) -> tuple[str, ...]:
    """List the files that are one prompt with a file: itself, or those of its chat folder in the order of the messages.

    Raises:
        InvalidPrompts: two files of the folder are the same message.
        OSError: the folder cannot be read.
    """
    root, path, layout = placed(file, settings)
    if layout.chat_role(path) is None:
        return (path,)
    folder, problems = path.rpartition("/")[0], list[Problem]()
    paths = sorted(f"{folder}/{entry.name}" for entry in (root / folder).iterdir() if entry.is_file())
    found = chat_folders(paths, layout, problems).folders
    if problems:
        raise InvalidPrompts(problems)
    return next(iter(found.values()), (path,))


def is_prompt_file(text: str, settings: AppSettings) -> bool:
    """Report whether a text is the path of a prompt file, which may be gone if it was in the prompts root."""
    if file_suffix(text) not in SUFFIXES:
        return False
    return Path(text).is_file() or placed(Path(text), settings).root == settings.prompts_path


def text_defaults(file: Path, settings: AppSettings) -> TextDefaults:
    """Find the defaults that hold for a file, which does not have to exist."""
    return settings.file_rules.text_at(placed(file, settings).path)


def is_hidden(file: Path, settings: AppSettings) -> bool:
    """Report whether a part of the path begins with `.` or `_`, so that the file is not a prompt."""
    _, path, layout = placed(file, settings)
    return layout.hides(path)


def is_in_tree(file: Path, settings: AppSettings) -> bool:
    """Report whether a file lies in the prompts root."""
    return placed(file, settings).root == settings.prompts_path


def name_of_file(file: Path, settings: AppSettings) -> PromptId:
    """Name the prompt of a file: as in the prompts root if it lies there, otherwise by the file alone.

    Raises:
        InvalidRef: no prompt can have the name of the file.
    """
    _, path, layout = placed(file, settings)
    return layout.prompt(path if layout.chat_role(path) is None else f"{path.rpartition('/')[0]}/")


def prompt_of_file(file: Path, settings: AppSettings) -> PromptId:
    """Name the prompt of a file, which does not have to exist.

    Raises:
        ConfigError: the file is outside the prompts root.
        InvalidRef: no prompt can have the name of the file.
    """
    if placed(file, settings).root != settings.prompts_path:
        hint = "only files of the prompts root are prompts of the tree"
        raise ConfigError(f"{file} is not below {settings.prompts_path}", hint)
    if is_hidden(file, settings):
        hint = "'promptdb check' checks the prompts that use it"
        raise ConfigError(f"{file} is not a prompt: a part of its path begins with '.' or '_'", hint)
    return name_of_file(file, settings)


def chat_of_folder(folder: Path, settings: AppSettings) -> PromptId | None:
    """Name the chat of a folder, or return None if it is not a chat in the prompts root. Errors as in `name_of_file`."""
    if not settings.chat_folders or not folder.is_dir():
        return None
    root, path, layout = placed(folder, settings)
    if root != settings.prompts_path or not any(layout.chat_role(f"{path}/{file.name}") for file in folder.iterdir()):
        return None
    return layout.prompt(f"{path}/")


@dataclass(frozen=True)
class Wanted:
    """Prompts by their names and namespaces, and by paths from the prompts root. `text` is how the caller wrote one."""

    text: str
    name: str
    path: str | None = None
    is_folder: bool = False

    @classmethod
    def of(cls, text: str, settings: AppSettings) -> "Wanted":
        """Read a name, a namespace, or the path of a file or folder.

        Raises:
            ConfigError, InvalidRef: as in `prompt_of_file`.
        """
        if is_prompt_file(text, settings):
            return cls(text, str(prompt_of_file(Path(text), settings)), placed(Path(text), settings).path)
        root, path, _ = placed(Path(text), settings)
        if Path(text).is_dir() and root == settings.prompts_path:
            return cls(text, "" if path == "." else path, path, is_folder=True)
        return cls(text, str(PromptId.parse(text)) if "/" not in text else text)

    def has(self, prompt: PromptId, path: str | None = None) -> bool:
        """Test whether a prompt has the name, or is in the namespace. A name alone is also a namespace.

        `path` is that of its file, if there is one.
        """
        if self.is_folder and path is not None:
            return self.holds(path)
        name = str(prompt)
        namespace = self.name.removeprefix("default/") if self.path is None else self.name
        return name == self.name or not namespace or name.startswith(f"{namespace}/")

    def holds(self, path: str) -> bool:
        """Test whether the path of a problem is the wanted file, or below the wanted folder."""
        return self.path is not None and (path == self.path or self.path == "." or path.startswith(f"{self.path}/"))


def wanted(texts: Iterable[str], settings: AppSettings) -> tuple[Wanted, ...]:
    """Read what a caller wants; errors as in `Wanted.of`."""
    return tuple(Wanted.of(text, settings) for text in texts)
