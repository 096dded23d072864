"""The state of the work tree around the prompts: ignored files, dirty files, and the last commit of each file."""

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from promptdb.domain.layout import PLAIN, Layout
from promptdb.domain.views import Provenance
from promptdb.git.objects import entries_of_commit
from promptdb.git.provenance import Commit, last_commits, named_paths
from promptdb.git.repository import Repository, repository_root, text
from promptdb.git.tree_place import PlacedEntries, TreePlace

SKIPPED = b"S"
"""The mark of `git ls-files -t` for a file that a sparse checkout omits."""

_FIELDS_BEFORE_PATH = {b"1": 7, b"u": 9, b"?": 0, b"!": 0}
"""The number of fields by the kind of an entry of `git status`: changed, in conflict, untracked, ignored."""


def open_work_tree(root: Path, layout: Layout = PLAIN) -> "WorkTreeState | None":
    """Open the work tree around the base of a tree of prompts. Return None outside of git."""
    top = repository_root(root)
    if top is None:
        return None
    return WorkTreeState(Repository(top), TreePlace(root.resolve().relative_to(top).as_posix(), layout))


@dataclass(frozen=True)
class _Status:
    head: str | None
    branch: str | None
    dirty: frozenset[str]
    ignored: frozenset[str]


@dataclass
class WorkTreeState:
    """The state of the files of one tree in a work tree, read once on first use. Paths start at the base of the tree."""

    repository: Repository
    place: TreePlace

    @property
    def top(self) -> Path:
        return self.repository.top

    @property
    def prefix(self) -> str:
        return self.place.prefix

    @property
    def commit_id(self) -> str | None:
        """The id of HEAD, or None before the first commit."""
        return self._status.head

    @property
    def branch(self) -> str | None:
        """The current branch, or None with a detached HEAD."""
        return self._status.branch

    @property
    def is_dirty(self) -> bool:
        """True if anything in the tree differs from HEAD."""
        return bool(self.dirty_paths)

    @property
    def dirty_paths(self) -> frozenset[str]:
        return self._status.dirty

    @cached_property
    def unmerged_paths(self) -> tuple[str, ...]:
        """Files with an unresolved conflict, from whatever command."""
        output = self.repository.run(
            "ls-files", "--unmerged", "--full-name", "-z", "--", *self.place.pathspecs, literal=False
        )
        names = (entry.partition(b"\t")[2] for entry in output.split(b"\0") if entry)
        return tuple(dict.fromkeys(self._below_root(os.fsdecode(name)) for name in names))

    def ignores(self, path: str) -> bool:
        """Check that git ignores a path. The path of a folder ends with `/`."""
        ignored = self._status.ignored
        return path in ignored or "" in ignored

    def left_out(self) -> list[str]:
        """List the files below the root that a sparse checkout omits."""
        patterns = self.repository.git_dir / "info" / "sparse-checkout"
        if not patterns.exists() or self.repository.ask("config", "--type=bool", "core.sparseCheckout") != "true":
            return []
        output = self.repository.run("ls-files", "-t", "-z", "--", *self.place.pathspecs, literal=False)
        entries = output.split(b"\0")
        paths = [self._below_root(os.fsdecode(entry[2:])) for entry in entries if entry[:1] == SKIPPED]
        return [path for path in paths if self.place.layout.has(path)]

    def provenance(self, files: Mapping[str, Iterable[str]]) -> dict[str, Provenance]:
        """Find the provenance of each path, which maps to the other files that its content depends on.

        A path is dirty if any of these files is. Its commit is the newest one of these files.
        """
        whole = {path: (path, *parts) for path, parts in files.items()}
        chats = set(map(self._chat, self.dirty_paths)) - {None}
        dirty = {path for path, parts in whole.items() if any(map(self._is_dirty, parts)) or self._chat(path) in chats}
        clean = {path: parts for path, parts in whole.items() if path not in dirty}
        head, branch = self.commit_id, self.branch
        found = {path: Provenance(self.place.from_top(path), head, branch, is_dirty=True) for path in dirty}
        return found | committed(self.repository, head, branch, PlacedEntries(self.place), clean)

    def _chat(self, path: str) -> str | None:
        return self.place.chat(self.place.from_top(path))

    def _is_dirty(self, path: str) -> bool:
        # No commit has an ignored file, although `git status` shows nothing.
        return _covers(self.dirty_paths, path) or self.omits(path)

    def omits(self, path: str) -> bool:
        """Check that git ignores a file, or a folder around it."""
        return _covers(self._status.ignored, path) or "" in self._status.ignored

    @cached_property
    def _status(self) -> "_Status":
        # git-status(1), "Porcelain Format Version 2"
        options = ("--porcelain=v2", "--branch", "--no-ahead-behind", "--no-renames", "-z")
        which = ("--untracked-files=all", "--ignored=matching", "--", *self.place.pathspecs)
        head, branch, dirty, ignored = None, None, set[str](), set[str]()
        for entry in self.repository.run("status", *options, *which, literal=False).split(b"\0"):
            kind, _, rest = entry.partition(b" ")
            if kind == b"#":
                name, _, value = rest.partition(b" ")
                if name == b"branch.oid" and value != b"(initial)":
                    head = value.decode()
                elif name == b"branch.head" and value != b"(detached)":
                    branch = text(value)
            elif kind:
                path = self._below_root(os.fsdecode(rest.split(b" ", _FIELDS_BEFORE_PATH[kind])[-1]))
                if kind == b"!":
                    ignored.add(path)
                elif self.place.has(path):
                    dirty.add(path)
        return _Status(head, branch, frozenset(dirty), frozenset(ignored))

    def _below_root(self, path: str) -> str:
        """Convert a path from the top to one from the prompts root. The root and the folders around it become empty."""
        prefix = self.prefix
        if prefix == ".":
            return path
        if path.startswith(prefix + "/"):
            return path[len(prefix) + 1 :]
        return "" if path.endswith("/") and (prefix + "/").startswith(path) else f"../{path}"


def _covers(reported: Collection[str], path: str) -> bool:
    # Git reports a submodule, or another repository, instead of its files. The path of the latter ends with `/`.
    folders = (path[: end + more] for end, character in enumerate(path) if character == "/" for more in (0, 1))
    return bool(reported) and (path in reported or any(folder in reported for folder in folders))


def committed(
    repository: Repository,
    tip: str | None,
    branch: str | None,
    placed: PlacedEntries,
    files: Mapping[str, Collection[str]],
) -> dict[str, Provenance]:
    """Find the provenance of files whose content is that of the commit `tip`, by paths from the base of the tree.

    `files` maps each path to all files that its content depends on, including itself.
    """
    place = placed.place
    paths = {part: placed.top(part) for parts in files.values() for part in parts}
    blobs: dict[str, str] = {}
    commits: dict[str, Commit] = {}
    if tip is not None and paths:
        there = entries_of_commit(repository, tip, *named_paths(paths.values()) or place.folders)
        blobs = {path: there[path].id for path in paths.values() if path in there}
        chats = set(map(place.chat, blobs)) != {None}
        commits = last_commits(repository, tip, blobs, place.pathspecs, place.chat if chats else None)
    found = {}
    for path, parts in files.items():
        # A message that was removed changes a chat, too.
        named = [*(paths[part] for part in parts), place.chat(paths[path]) or ""]
        known = (commits[name] for name in named if name in commits)
        newest = min(known, key=lambda commit: commit.age, default=None)
        where = paths[path]
        if newest is None:
            found[path] = Provenance(where, tip, branch)
        else:
            found[path] = Provenance(where, newest.id, branch, newest.author, newest.committed_at, blobs.get(where))
    return found
