"""Which files of the tree are prompts, and who each one is."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from promptdb.domain.prompt_id import PromptId
from promptdb.domain.suffixes import SUFFIXES
from promptdb.errors import ConfigError, InvalidRef, OutsideRoot
from promptdb.files.ignore import IGNORE_FILE, ignore_file, ignore_rule
from promptdb.problems import Code, Problem
from promptdb.safe_paths import contained


class Candidate(NamedTuple):
    """A prompt file: its path relative to the root, with `/`, and its identity. `target` is the path that a link leads to.

    A tuple, as all values here of which a large tree makes ten thousand: it takes a third of the time.
    """

    path: str
    prompt: PromptId
    target: str | None = None


@dataclass(frozen=True)
class Scan:
    """`clashing` are prompts that two files claim: none of them is a candidate."""

    candidates: tuple[Candidate, ...]
    problems: tuple[Problem, ...]
    clashing: frozenset[PromptId] = frozenset()


def scan(root: Path, git_ignores: Callable[[str], bool] | None = None) -> Scan:
    """Walk the tree once.

    Args:
        root: the prompts root.
        git_ignores: tells what git ignores, by a path relative to the root; a folder's path ends with `/`.

    Raises:
        ConfigError: the root is not a folder.
    """
    if not root.is_dir():
        raise ConfigError(f"there is no prompts folder {root}", "run 'promptdb init', or set PROMPTDB_PROMPTS_ROOT")
    ignored = ignore_rule(ignore_file(root), str(root / IGNORE_FILE))
    paths: list[str] = []
    links: dict[str, str] = {}
    problems: list[Problem] = []
    for found in _walk(root, "", lambda name: ignored(name) or (git_ignores is not None and git_ignores(name))):
        if found.error is not None:
            message = f"the folder cannot be read: {found.error.strerror}"
            problems.append(Problem(found.path, 1, 1, Code.UNREADABLE, message, "look at its permissions"))
        elif found.is_link:
            target = _target(root, found.path)
            if isinstance(target, Problem):
                problems.append(target)
            else:
                links[found.path] = target
        else:
            paths.append(found.path)
    return identify(sorted([*paths, *links]), problems, links)


def identify(paths: list[str], problems: list[Problem], links: Mapping[str, str] | None = None) -> Scan:
    """Give each path its identity; refuse bad names, and both of two files for one prompt."""
    candidates: dict[str, Candidate] = {}
    found: list[Candidate] = []
    clashing: set[str] = set()
    for path in paths:
        stem = path[: path.rindex(".")]
        try:
            candidate = Candidate(path, PromptId.from_path(stem), links.get(path) if links else None)
        except InvalidRef as error:
            hint = f"rename the file, or start its name with '_' if it is no prompt; in a name {error.hint}"
            problems.append(Problem(path, 1, 1, Code.BAD_NAME, error.message, hint))
            continue
        folded = candidate.prompt.folded
        other = candidates.setdefault(folded, candidate)
        if other is not candidate:
            clashing.add(folded)
            message = f"{other.path} and {path} are both the prompt {candidate.prompt}"
            hint = "rename one, or start its name with '_' if it is no prompt"
            problems.append(Problem(path, 1, 1, Code.SAME_IDENTITY, message, hint))
        found.append(candidate)
    if not clashing:
        return Scan(tuple(found), tuple(problems))
    claimed = frozenset(candidate.prompt for candidate in found if candidate.prompt.folded in clashing)
    return Scan(tuple(c for c in found if c.prompt not in claimed), tuple(problems), claimed)


def is_prompt_name(name: str) -> bool:
    """Whether a file of this name may be a prompt, by its first character and suffix."""
    return name[0] not in "._" and name[name.rfind(".") :].lower() in SUFFIXES and not name.startswith("README")


@dataclass(frozen=True, slots=True)
class _Found:
    path: str
    is_link: bool = False
    error: OSError | None = None


def _walk(root: Path, folder: str, ignored: Callable[[str], bool]) -> Iterator[_Found]:
    try:
        entries = list(os.scandir(root / folder))
    except OSError as error:
        yield _Found(folder or ".", error=error)
        return
    for entry in entries:
        name = entry.name
        if name[0] in "._":
            continue
        path = f"{folder}{name}"
        if entry.is_dir(follow_symlinks=False):
            if not ignored(path + "/"):
                yield from _walk(root, path + "/", ignored)
        elif is_prompt_name(name):
            is_link = entry.is_symlink()
            if (is_link or entry.is_file()) and not ignored(path):  # no pipes and sockets
                yield _Found(path, is_link)
        elif entry.is_symlink() and entry.is_dir() and not ignored(path + "/"):
            yield _Found(path + "/", is_link=True)


def _target(root: Path, path: str) -> str | Problem:
    """Where a link leads. One to a folder is not walked, since it can lead in circles; one to a file must stay inside."""
    if path.endswith("/"):
        return Problem(path, 1, 1, Code.SYMLINK, "a symbolic link to a folder is not followed", "link single files")
    try:
        target = contained(root, path)
        if target.is_file():
            return target.relative_to(os.path.realpath(root)).as_posix()
        message = "a symbolic link to nothing"
    except OutsideRoot as error:
        return Problem(path, 1, 1, Code.OUTSIDE_ROOT, error.message, error.hint)
    return Problem(path, 1, 1, Code.FILE_MISSING, message, "remove it or mend its target")
