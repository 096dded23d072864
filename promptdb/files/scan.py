"""The walk over the tree that finds prompt files and their identities."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from promptdb.domain.layout import IGNORE_FILE, PLAIN, Layout, composed
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.suffixes import SUFFIXES, file_suffix
from promptdb.errors import ConfigError, InvalidRef, OutsideRoot
from promptdb.files.chat_folders import Chats, chat_folders
from promptdb.files.ignore import ignore_file, ignore_rule
from promptdb.problems import Code, Problem
from promptdb.safe_paths import contained


# A tuple, because a large tree makes ten thousand of these: a dataclass takes three times as long.
class Candidate(NamedTuple):
    """A prompt file: its path from the root, with `/`, and its identity. `target` is the path that a link leads to.

    `parts` are all files of a chat folder, of which `path` is the first. `links` are the links among the others, with their
    targets.
    """

    path: str
    prompt: PromptId
    target: str | None = None
    parts: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """A text that no other candidate has, even with other settings."""
        return "\n".join((*self.parts, "")) if self.parts else self.path

    @property
    def named_path(self) -> str:
        """The path that names the prompt: that of the file, or of the chat folder with `/` at the end."""
        return _named_path(self.path, self.parts)


# git removes the folder of the last file.
_ADVICE = (
    "run 'promptdb init', or set PROMPTDB_PROMPTS_ROOT; if its last prompt was deleted, create the empty folder, "
    "and 'promptdb sync --prune --max-prune 100' archives the prompts"
)
_ADVICE_FOR_ONE = (
    "remove it from prompts_root if its last prompt was deleted, since git removes empty folders; or correct it"
)


@dataclass(frozen=True)
class Scan:
    """Prompt files and problems. Two files claim each of the `clashing` prompts, and neither is a candidate."""

    candidates: tuple[Candidate, ...]
    problems: tuple[Problem, ...]
    clashing: frozenset[PromptId] = frozenset()


def scan(root: Path, layout: Layout = PLAIN, git_ignores: Callable[[str], bool] | None = None) -> Scan:
    """Walk the base of the prompts once. `git_ignores` tests a path from the base. Paths of folders end with `/`.

    Raises:
        ConfigError: a root is not a folder, or the ignore file cannot be used.
    """
    for folder in (root if layout.is_plain else root / str(each) for each in layout.roots if not each.is_pattern):
        if not folder.is_dir():
            raise ConfigError(f"there is no prompts folder {folder}", _ADVICE if layout.is_plain else _ADVICE_FOR_ONE)
    ignored = ignore_rule(ignore_file(root), str(root / IGNORE_FILE))
    walk = _Walk(root, layout, lambda path: ignored(path) or (git_ignores is not None and git_ignores(path)))
    walk.enter("")
    for pattern in (each for each in layout.roots if each.is_pattern):
        if not any(pattern.place(folder.split("/")) for folder in walk.folders if folder):
            raise ConfigError(f"no folder matches {root / str(pattern)}", _ADVICE_FOR_ONE)
    return identify(sorted([*walk.paths, *walk.links]), walk.problems, layout, walk.links)


def identify(
    paths: Sequence[str], problems: list[Problem], layout: Layout = PLAIN, links: Mapping[str, str] | None = None
) -> Scan:
    """Give each path its identity. Add problems for bad names, and for files that are the same prompt."""
    candidates: dict[str, Candidate] = {}
    found: list[Candidate] = []
    clashing: set[str] = set()
    chats = chat_folders(paths, layout, problems) if layout.chat_folders else Chats()
    for path in paths:
        if path in chats.parts:
            continue
        parts = chats.folders.get(path, ())
        try:
            prompt = layout.prompt(_named_path(path, parts))
        except InvalidRef as error:
            hint = (
                f"rename it, name it in the settings under [names], or start its name with '_'; in a name {error.hint}"
            )
            problems.append(Problem(path, 1, 1, Code.BAD_NAME, error.message, hint))
            continue
        candidate = Candidate(path, prompt, links.get(path) if links else None, parts)
        if parts and links:
            candidate = candidate._replace(links=tuple((part, links[part]) for part in parts[1:] if part in links))
        folded = candidate.prompt.folded
        other = candidates.setdefault(folded, candidate)
        if other is not candidate:
            clashing.add(folded)
            message = f"{other.path} and {path} are both the prompt {candidate.prompt}"
            hint = "rename one, or start its name with '_' if it is not a prompt"
            problems.append(Problem(path, 1, 1, Code.SAME_IDENTITY, message, hint))
        elif path in chats.unclear:
            clashing.add(folded)
        found.append(candidate)
    problems += _without_file(found, layout)
    if not clashing:
        return Scan(tuple(found), tuple(problems))
    claimed = frozenset(candidate.prompt for candidate in found if candidate.prompt.folded in clashing)
    return Scan(tuple(c for c in found if c.prompt not in claimed), tuple(problems), claimed)


def _without_file(found: Sequence[Candidate], layout: Layout) -> Iterator[Problem]:
    if not layout.names:
        return
    used = {composed(candidate.named_path.removesuffix("/")) for candidate in found}
    for path, prompt in layout.names.items():
        if path not in used:
            message = f"[names] in the settings names it {prompt}, but it is not a prompt file"
            yield Problem(path, 1, 1, Code.NAME_WITHOUT_FILE, message, "correct the path, or remove the line")


def _named_path(path: str, parts: tuple[str, ...]) -> str:
    return f"{path.rpartition('/')[0]}/" if parts else path


def is_prompt_name(name: str) -> bool:
    """Test the first character and the suffix of a file name, and whether it is a README."""
    return name[0] not in "._" and name[name.rfind(".") :].lower() in SUFFIXES and not _is_readme(name)


def _is_readme(name: str) -> bool:
    return name.startswith("README") or name.partition(".")[0].lower() == "readme"


def needed(root: Path, paths: Iterable[str]) -> list[str]:
    """Choose the paths without which other prompts would be found: prompts, their fragments, and the ignore file.

    Raises:
        ConfigError: the ignore file cannot be used.
    """
    ignored = ignore_rule(ignore_file(root), str(root / IGNORE_FILE))
    return [
        path
        for path in paths
        if path == IGNORE_FILE
        or (
            file_suffix(path) in SUFFIXES
            and not _is_readme(path[path.rfind("/") + 1 :])
            and not is_below(path, ignored)
        )
    ]


def is_below(path: str, ignored: Callable[[str], bool]) -> bool:
    """Test whether a path is ignored, or below an ignored folder."""
    ends = (end + 1 for end, character in enumerate(path) if character == "/")
    return any(ignored(path[:end]) for end in ends) or ignored(path)


@dataclass
class _Walk:
    root: Path
    layout: Layout
    ignored: Callable[[str], bool]
    paths: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def enter(self, folder: str) -> None:
        try:
            entries = list(os.scandir(self.root / folder))
        except OSError as error:
            message = f"the folder cannot be read: {error.strerror}"
            self._report(folder or ".", Code.UNREADABLE, message, "check its permissions")
            return
        self.folders.append(folder[:-1])
        is_plain = self.layout.is_plain
        is_in_root = is_plain or self.layout.place(folder[:-1]) is not None
        for entry in entries:
            path = f"{folder}{entry.name}"
            if entry.name[0] in "._" and (is_plain or self.layout.hides(f"{path}/x")):
                continue
            if not is_plain and not entry.is_file() and not self.layout.leads(path):
                continue
            if entry.is_dir(follow_symlinks=False):
                if not self.ignored(path + "/"):
                    self.enter(path + "/")
            elif is_in_root and is_prompt_name(entry.name):
                # Pipes and sockets are neither links nor files.
                if (entry.is_symlink() or entry.is_file()) and not self.ignored(path):
                    self._add(path, is_link=entry.is_symlink())
            elif entry.is_symlink() and entry.is_dir() and not self.ignored(path + "/"):
                # It may lead in circles.
                message = "a symbolic link to a folder is not followed"
                self._report(path + "/", Code.SYMLINK, message, "link single files")

    def _add(self, path: str, *, is_link: bool) -> None:
        if not is_link:
            self.paths.append(path)
            return
        try:
            target = contained(self.root, path)
        except OutsideRoot as error:
            self._report(path, Code.OUTSIDE_ROOT, error.message, error.hint)
            return
        below = target.relative_to(os.path.realpath(self.root)).as_posix()
        if not self.layout.has(below):
            message = f"{path!r} leads outside the prompts roots"
            self._report(path, Code.OUTSIDE_ROOT, message, "keep the file in one of them")
        elif target.is_file():
            self.links[path] = below
        else:
            self._report(path, Code.FILE_MISSING, "a symbolic link to nothing", "remove it or repair its target")

    def _report(self, path: str, code: Code, message: str, hint: str | None) -> None:
        self.problems.append(Problem(path, 1, 1, code, message, hint))
