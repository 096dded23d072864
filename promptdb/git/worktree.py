"""The work tree that the prompts lie in: what git ignores, what is dirty, and which commit last changed a file."""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from promptdb.domain.views import Provenance
from promptdb.errors import StorageError

if TYPE_CHECKING:
    from git import Repo

_LOG_FORMAT = "%x01%H%x00%an <%ae>%x00%ct"
_MAX_AUTHOR = 255


@dataclass(frozen=True)
class Commit:
    id: str
    author: str
    committed_at: datetime


def repository_root(folder: Path) -> Path | None:
    """The top folder of the work tree around `folder`; None outside of git. Needs no git to be installed."""
    real = folder.resolve()
    return next((parent for parent in (real, *real.parents) if (parent / ".git").exists()), None)


def open_work_tree(root: Path) -> "WorkTreeState | None":
    """The state of the work tree around the prompts root; None outside of git.

    Raises:
        StorageError: there is a repository, but git cannot read it.
    """
    top = repository_root(root)
    if top is None:
        return None
    return WorkTreeState(top, root.resolve().relative_to(top).as_posix())


@dataclass
class WorkTreeState:
    """Read once, when first asked for. Paths are relative to the prompts root, unless they say otherwise.

    `prefix` is the prompts root relative to `top`.
    """

    top: Path
    prefix: str

    @cached_property
    def commit_id(self) -> str | None:
        """HEAD, or None before the first commit."""
        with suppress(StorageError):
            return self._git("rev-parse", "--verify", "--quiet", "HEAD").decode().strip() or None
        return None

    @cached_property
    def branch(self) -> str | None:
        """The branch that is checked out, or None with a detached HEAD."""
        with suppress(StorageError):
            return self._git("symbolic-ref", "--short", "--quiet", "HEAD").decode().strip() or None
        return None

    @property
    def is_dirty(self) -> bool:
        """Whether anything below the prompts root differs from HEAD."""
        return bool(self.dirty_paths)

    @property
    def dirty_paths(self) -> frozenset[str]:
        return self._status[0]

    def ignores(self, path: str) -> bool:
        """Whether git ignores a path; a folder's path ends with `/`."""
        ignored = self._status[1]
        return path in ignored or "" in ignored

    def provenance(self, files: Mapping[str, Iterable[str]]) -> dict[str, Provenance]:
        """Where files come from: path -> provenance.

        Args:
            files: each path with the other files that its content depends on; it is dirty where one of them is.
        """
        dirty = {path: any(part in self.dirty_paths for part in (path, *parts)) for path, parts in files.items()}
        commits = self._last_commits([path for path in files if not dirty[path]])
        blobs = self._blob_ids([path for path in files if not dirty[path]])
        return {path: self._provenance_of(path, dirty[path], commits.get(path), blobs.get(path)) for path in files}

    def _provenance_of(self, path: str, dirty: bool, commit: Commit | None, blob_id: str | None) -> Provenance:  # noqa: FBT001
        if dirty or commit is None:
            return Provenance(self._from_top(path), self.commit_id, self.branch, is_dirty=dirty)
        return Provenance(
            self._from_top(path), commit.id, self.branch, commit.author[:_MAX_AUTHOR], commit.committed_at, blob_id
        )

    @cached_property
    def _status(self) -> tuple[frozenset[str], frozenset[str]]:
        """Dirty and ignored paths. A rename comes as two entries, of which the second is the old path."""
        output = self._git(
            "status", "--porcelain=v1", "-z", "--untracked-files=all", "--ignored=matching", "--", self.prefix
        )
        dirty, ignored = set[str](), set[str]()
        entries = iter(_decode(output).split("\0"))
        for entry in entries:
            if not entry:
                continue
            state, path = entry[:2], entry[3:]
            if "R" in state or "C" in state:
                dirty.add(self._below_root(next(entries, "")))
            (ignored if state == "!!" else dirty).add(self._below_root(path))
        return frozenset(dirty), frozenset(ignored)

    def _last_commits(self, paths: list[str]) -> dict[str, Commit]:
        """The commit that last changed each path, from one walk through the history that ends when all are found.

        In a shallow clone the oldest commit stands for all before it: the content was in it too.
        """
        wanted = set(paths)
        if not wanted or self.commit_id is None:
            return {}
        where = [self._from_top(path) for path in paths] if len(paths) <= _NAMED_PATHS else [self.prefix]
        output = self._git(
            "log", "-z", "-m", "--first-parent", "--no-renames", "--name-only", f"--format={_LOG_FORMAT}", "--", *where
        )
        found: dict[str, Commit] = {}
        for record in _decode(output).split("\x01")[1:]:
            commit_id, author, rest = record.split("\0", 2)
            time, _, names = rest.partition("\0")
            commit = Commit(commit_id, author, datetime.fromtimestamp(int(time), UTC))
            for name in names.lstrip("\n").split("\0"):
                path = self._below_root(name.lstrip("\n"))
                if path in wanted:
                    wanted.discard(path)
                    found[path] = commit
            if not wanted:
                break
        return found

    def _blob_ids(self, paths: list[str]) -> dict[str, str]:
        if not paths or self.commit_id is None:
            return {}
        where = [self._from_top(path) for path in paths] if len(paths) <= _NAMED_PATHS else [self.prefix]
        found = {}
        for entry in _decode(self._git("ls-tree", "-r", "-z", "--full-tree", "HEAD", "--", *where)).split("\0"):
            if entry:
                description, _, name = entry.partition("\t")
                found[self._below_root(name)] = description.split()[2]
        return found

    def _from_top(self, path: str) -> str:
        return path if self.prefix == "." else f"{self.prefix}/{path}"

    def _below_root(self, path: str) -> str:
        """A path from the top as one from the prompts root; empty for the root itself and the folders around it."""
        if self.prefix == ".":
            return path
        if path.startswith(self.prefix + "/"):
            return path[len(self.prefix) + 1 :]
        return "" if path.endswith("/") and (self.prefix + "/").startswith(path) else f"../{path}"

    @cached_property
    def _repository(self) -> "Repo":
        os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # a missing git is told below, in our words
        import git

        try:
            repository = git.Repo(self.top)
        except git.exc.GitError as error:
            raise StorageError(f"git cannot read the repository {self.top}: {error}") from error
        # A hook's environment may point elsewhere.
        repository.git.update_environment(GIT_DIR=str(repository.git_dir), GIT_WORK_TREE=str(self.top))
        return repository

    def _git(self, *command: str) -> bytes:
        """The output of a git command in the top folder.

        Raises:
            StorageError: git failed, or is not installed.
        """
        repository = self._repository
        import git

        arguments = ["git", "--no-optional-locks", "--literal-pathspecs", *command]
        try:
            output: bytes = repository.git.execute(arguments, stdout_as_string=False, strip_newline_in_stdout=False)
        except git.exc.GitCommandNotFound as error:
            raise StorageError(
                "git is not installed, but the prompts lie in a git repository", "install git"
            ) from error
        except git.exc.GitCommandError as error:
            reason = " ".join(str(error.stderr).split()).removeprefix("stderr: ").strip("' ")
            raise StorageError(f"'git {command[0]}' failed: {reason}") from error
        return output


_NAMED_PATHS = 200
"""Up to so many paths are named on git's command line; for more, all of the tree is read."""


def _decode(output: bytes) -> str:
    return output.decode("utf-8", "surrogateescape")
