"""The work tree that the prompts lie in: what git ignores, what is dirty, and which commit last changed a file."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from promptdb.domain.views import Provenance
from promptdb.git.objects import entries_of_commit
from promptdb.git.provenance import Commit, last_commits, named_paths
from promptdb.git.repository import Repository, path_of, repository_root, text

SKIPPED = b"S"
"""How `git ls-files -t` marks a file that a sparse checkout leaves out."""


_FIELDS_BEFORE_PATH = {b"1": 7, b"u": 9, b"?": 0, b"!": 0}
"""By the kind of an entry of `git status`, which comes first: changed, with a conflict, untracked, ignored."""


def open_work_tree(root: Path) -> "WorkTreeState | None":
    """The state of the work tree around the prompts root; None outside of git.

    Raises:
        StorageError: there is a repository, but git cannot read it.
    """
    top = repository_root(root)
    if top is None:
        return None
    return WorkTreeState(Repository(top), root.resolve().relative_to(top).as_posix())


@dataclass(frozen=True)
class _Status:
    head: str | None
    branch: str | None
    dirty: frozenset[str]
    ignored: frozenset[str]


@dataclass
class WorkTreeState:
    """Read once, when first asked for. Paths are relative to the prompts root, unless they say otherwise.

    `prefix` is the prompts root relative to the top of the repository.
    """

    repository: Repository
    prefix: str

    @property
    def top(self) -> Path:
        return self.repository.top

    @property
    def commit_id(self) -> str | None:
        """HEAD, or None before the first commit."""
        return self._status.head

    @property
    def branch(self) -> str | None:
        """The branch that is checked out, or None with a detached HEAD."""
        return self._status.branch

    @property
    def is_dirty(self) -> bool:
        """Whether anything below the prompts root differs from HEAD."""
        return bool(self.dirty_paths)

    @property
    def dirty_paths(self) -> frozenset[str]:
        return self._status.dirty

    @cached_property
    def unmerged_paths(self) -> tuple[str, ...]:
        """Files with a conflict that is not resolved, whatever command left it."""
        output = self.repository.run("ls-files", "--unmerged", "--full-name", "-z", "--", self.prefix)
        names = (entry.partition(b"\t")[2] for entry in output.split(b"\0") if entry)
        return tuple(dict.fromkeys(self._below_root(path_of(name)) for name in names))

    def ignores(self, path: str) -> bool:
        """Whether git ignores a path; a folder's path ends with `/`."""
        ignored = self._status.ignored
        return path in ignored or "" in ignored

    def left_out(self) -> list[str]:
        """The files below the root that a sparse checkout does not have, though the commit does."""
        if not (self.repository.git_dir / "info" / "sparse-checkout").exists():
            return []
        is_sparse = self.repository.run("config", "--type=bool", "--get", "core.sparseCheckout", may_be_missing=True)
        if is_sparse.strip() != b"true":
            return []
        entries = self.repository.run("ls-files", "-t", "-z", "--", self.prefix).split(b"\0")
        return [self._below_root(path_of(entry[2:])) for entry in entries if entry[:1] == SKIPPED]

    def provenance(self, files: Mapping[str, Iterable[str]]) -> dict[str, Provenance]:
        """Where files come from: path -> provenance.

        Args:
            files: each path with the other files that its content depends on. It is dirty where one of them is, and was last
                changed where the last of them was.
        """
        whole = {path: (path, *parts) for path, parts in files.items()}
        dirty = {path for path, parts in whole.items() if any(map(self._is_dirty, parts))}
        clean = {path: parts for path, parts in whole.items() if path not in dirty}
        return {
            path: Provenance(self._from_top(path), self.commit_id, self.branch, is_dirty=True) for path in dirty
        } | (committed(self.repository, self.commit_id, self.branch, self.prefix, clean))

    def _is_dirty(self, path: str) -> bool:
        """Itself, or a submodule or another repository that it lies in; that of the latter ends with `/`."""
        folders = (path[: end + more] for end, character in enumerate(path) if character == "/" for more in (0, 1))
        return path in self.dirty_paths or any(folder in self.dirty_paths for folder in folders)

    @cached_property
    def _status(self) -> "_Status":
        """All of it from one process (git-status(1), "Porcelain Format Version 2")."""
        options = ("--porcelain=v2", "--branch", "--no-ahead-behind", "--no-renames", "-z")
        which = ("--untracked-files=all", "--ignored=matching", "--", self.prefix)
        head, branch, dirty, ignored = None, None, set[str](), set[str]()
        for entry in self.repository.run("status", *options, *which).split(b"\0"):
            kind, _, rest = entry.partition(b" ")
            if kind == b"#":
                name, _, value = rest.partition(b" ")
                if name == b"branch.oid" and value != b"(initial)":
                    head = value.decode()
                elif name == b"branch.head" and value != b"(detached)":
                    branch = text(value)
            elif kind:
                path = self._below_root(path_of(rest.split(b" ", _FIELDS_BEFORE_PATH[kind])[-1]))
                (ignored if kind == b"!" else dirty).add(path)
        return _Status(head, branch, frozenset(dirty), frozenset(ignored))

    def _from_top(self, path: str) -> str:
        return from_top(self.prefix, path)

    def _below_root(self, path: str) -> str:
        """A path from the top as one from the prompts root; empty for the root itself and the folders around it."""
        if self.prefix == ".":
            return path
        if path.startswith(self.prefix + "/"):
            return path[len(self.prefix) + 1 :]
        return "" if path.endswith("/") and (self.prefix + "/").startswith(path) else f"../{path}"


def committed(
    repository: Repository, tip: str | None, branch: str | None, prefix: str, files: Mapping[str, Collection[str]]
) -> dict[str, Provenance]:
    """Where files that are as a commit has them come from: path -> provenance.

    Args:
        repository: where to look.
        tip: the commit; None before the first one.
        branch: kept with each file.
        prefix: the prompts root, which all paths are relative to.
        files: each path with all files, itself among them, that its content depends on.
    """
    paths = {part: from_top(prefix, part) for parts in files.values() for part in parts}
    blobs: dict[str, str] = {}
    commits: dict[str, Commit] = {}
    if tip is not None and paths:
        there = entries_of_commit(repository, tip, *named_paths(paths.values(), prefix))
        blobs = {path: there[path].id for path in paths.values() if path in there}
        commits = last_commits(repository, tip, blobs, prefix)
    found = {}
    for path, parts in files.items():
        known = (commits[paths[part]] for part in parts if paths[part] in commits)
        newest = min(known, key=lambda commit: commit.age, default=None)
        where = paths[path]
        if newest is None:
            found[path] = Provenance(where, tip, branch)
        else:
            found[path] = Provenance(where, newest.id, branch, newest.author, newest.committed_at, blobs.get(where))
    return found


def from_top(prefix: str, path: str) -> str:
    """A path below the prompts root as one from the top of the repository."""
    return path if prefix == "." else f"{prefix}/{path}"
