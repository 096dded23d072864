"""Finds the prompts of paths: where a file lies, its name there, and which prompts a caller wants by names and paths."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from promptdb.domain.file_rules import TextDefaults
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.suffixes import SUFFIXES, file_suffix
from promptdb.errors import ConfigError
from promptdb.settings import AppSettings


def placed(file: Path, settings: AppSettings) -> tuple[Path, str]:
    """Find the folder that contains all files that a prompt file may name, and the path of the prompt file in it."""
    # Links are not followed: a link below the root counts as a file there.
    whole = Path(os.path.abspath(file))  # noqa: PTH100
    root = Path(os.path.abspath(settings.prompts_path))  # noqa: PTH100
    if whole.is_relative_to(root):
        return settings.prompts_path, whole.relative_to(root).as_posix()
    return file.parent, file.name


def is_prompt_file(text: str, settings: AppSettings) -> bool:
    """Report whether a text is the path of a prompt file, which may be gone if it was in the prompts root."""
    if file_suffix(text) not in SUFFIXES:
        return False
    return Path(text).is_file() or placed(Path(text), settings)[0] == settings.prompts_path


def text_defaults(file: Path, settings: AppSettings) -> TextDefaults:
    """Find the defaults that hold for a file, which does not have to exist."""
    return settings.file_rules.text_at(placed(file, settings)[1])


def is_hidden(file: Path, settings: AppSettings) -> bool:
    """Report whether a part of the path begins with `.` or `_`, so that the file is not a prompt."""
    return any(part[0] in "._" for part in placed(file, settings)[1].split("/"))


def name_of_file(file: Path, settings: AppSettings) -> PromptId:
    """Name the prompt of a file: as in the prompts root if it lies there, otherwise by the file alone.

    Raises:
        InvalidRef: no prompt can have the name of the file.
    """
    path = placed(file, settings)[1]
    return PromptId.from_segments(path.removesuffix(Path(path).suffix).split("/"))


def prompt_of_file(file: Path, settings: AppSettings) -> PromptId:
    """Name the prompt of a file, which does not have to exist.

    Raises:
        ConfigError: the file is outside the prompts root.
        InvalidRef: no prompt can have the name of the file.
    """
    if placed(file, settings)[0] != settings.prompts_path:
        hint = "only files of the prompts root are prompts of the tree"
        raise ConfigError(f"{file} is not below {settings.prompts_path}", hint)
    if is_hidden(file, settings):
        hint = "'promptdb check' checks the prompts that use it"
        raise ConfigError(f"{file} is not a prompt: a part of its path begins with '.' or '_'", hint)
    return name_of_file(file, settings)


@dataclass(frozen=True)
class Wanted:
    """Prompts by their names and namespaces, and by paths from the prompts root. `text` is how the caller wrote one."""

    text: str
    name: str
    path: str | None = None

    @classmethod
    def of(cls, text: str, settings: AppSettings) -> "Wanted":
        """Read a name, a namespace, or the path of a file or folder.

        Raises:
            ConfigError, InvalidRef: as in `prompt_of_file`.
        """
        if is_prompt_file(text, settings):
            return cls(text, str(prompt_of_file(Path(text), settings)), placed(Path(text), settings)[1])
        root, path = placed(Path(text), settings)
        if Path(text).is_dir() and root == settings.prompts_path:
            return cls(text, "" if path == "." else path, path)
        return cls(text, str(PromptId.parse(text)) if "/" not in text else text)

    def has(self, prompt: PromptId) -> bool:
        """Test whether a prompt has the name, or is in the namespace. A name alone is also a namespace."""
        name = str(prompt)
        namespace = self.name.removeprefix("default/") if self.path is None else self.name
        return name == self.name or not namespace or name.startswith(f"{namespace}/")

    def holds(self, path: str) -> bool:
        """Test whether the path of a problem is the wanted file, or below the wanted folder."""
        return self.path is not None and (path == self.path or self.path == "." or path.startswith(f"{self.path}/"))


def wanted(texts: Iterable[str], settings: AppSettings) -> tuple[Wanted, ...]:
    """Read what a caller wants; errors as in `Wanted.of`."""
    return tuple(Wanted.of(text, settings) for text in texts)
