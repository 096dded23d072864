"""Which state of the files a command looks at: the work tree, what is staged, or a commit."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from promptdb.domain.git_refs import RefRules
from promptdb.domain.views import Provenance
from promptdb.errors import ConfigError, StorageError
from promptdb.files.scan import Scan, scan
from promptdb.files.tree import MAX_TEXT_BYTES, ScannedTree, WorkTree
from promptdb.git.filters import stores_lf
from promptdb.git.objects import SUBMODULE, Entry, entries_of_commit, entries_of_index, read_blobs
from promptdb.git.repository import Repository, find_repository
from promptdb.git.worktree import committed, from_top, open_work_tree
from promptdb.project.git_tree import GitTree
from promptdb.settings import AppSettings

ProvenanceOf = Callable[[Mapping[str, Iterable[str]]], dict[str, Provenance]]
_SHOWN = 3


@dataclass(frozen=True)
class View:
    """The work tree, unless one of the two is set. `rev` is a commit, tag or branch; what is staged is git's index."""

    staged: bool = False
    rev: str | None = None

    @property
    def is_work_tree(self) -> bool:
        return not self.staged and self.rev is None

    def __str__(self) -> str:
        return "the index" if self.staged else "the work tree" if self.rev is None else self.rev


WORK_TREE = View()


@dataclass(frozen=True)
class Origin:
    """Where a sync reads from. Without git only `root` is set; `provenance` is asked for the files that get a version.

    `git_ref` is a branch, or a tag as `tags/v1.0`; None for a commit that was named by its id or is checked out so. `refs`
    says which of them may be synced.
    """

    root: str
    commit_id: str | None = None
    git_ref: str | None = None
    is_dirty: bool = False
    provenance: ProvenanceOf = field(default=lambda files: {path: Provenance(path) for path in files})
    repository: Repository | None = None
    refs: RefRules = field(default_factory=RefRules)

    @property
    def clean_commit(self) -> str | None:
        """The commit, if the files are exactly its files."""
        return None if self.is_dirty else self.commit_id

    @property
    def head_name(self) -> str:
        """What the newest commit of the ref is recorded under."""
        return self.refs.head_name(self.git_ref)

    def standing_for(self, ref: str | None) -> "Origin":
        """The same on a ref that only the caller knows, as in CI, where commits are checked out. A branch that is, stays."""
        if ref is None or self.git_ref is not None or self.commit_id is None:
            return self
        return replace(self, git_ref=ref, provenance=lambda files: _on_branch(self.provenance(files), ref))


def _on_branch(found: Mapping[str, Provenance], ref: str) -> dict[str, Provenance]:
    return {path: replace(provenance, branch=ref) for path, provenance in found.items()}


@dataclass(frozen=True)
class OpenView:
    """The files of a view: how to read them, which are prompts, and where they come from.

    `settings` are those that hold for these files; `dirty_paths` are the ones that no commit has as they are here.
    """

    settings: AppSettings
    tree: ScannedTree
    found: Scan
    origin: Origin
    dirty_paths: frozenset[str] = frozenset()


def open_view(settings: AppSettings, view: View = WORK_TREE) -> OpenView:
    """Look at the prompts root as a view has it.

    Raises:
        ConfigError: there is no prompts root in it, or no repository.
        StorageError: git cannot read the repository, or the files are not all here.
    """
    if view.is_work_tree:
        return _of_work_tree(settings)
    place = settings.prompts_path if settings.prompts_path.exists() else settings.base
    repository = find_repository(place)
    if repository is None:
        raise ConfigError(f"{settings.base} is in no git repository", "leave out --staged and --rev")
    return _staged(settings, repository) if view.staged else _of_commit(settings, repository, str(view.rev))


def _of_work_tree(settings: AppSettings) -> OpenView:
    root = settings.prompts_path
    if not root.is_dir() and (repository := find_repository(settings.base)) is not None and repository.is_bare:
        raise ConfigError(f"{repository.top} is a bare repository, without files", "name a commit with --rev")
    state = open_work_tree(root)
    if state is None:
        return OpenView(settings, WorkTree(root), scan(root), Origin(root.resolve().name))
    if missing := state.left_out():
        shown = ", ".join(missing[:_SHOWN]) + (f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else "")
        message = f"a sparse checkout leaves out prompt files: {shown}"
        raise StorageError(message, "read the commit instead, with --rev HEAD, or 'git sparse-checkout add' the folder")
    return OpenView(
        settings,
        WorkTree(root, partial(stores_lf, root), state.repository.git_dir / "promptdb"),
        scan(root, state.ignores),
        Origin(state.prefix, state.commit_id, state.branch, state.is_dirty, state.provenance, state.repository),
        state.dirty_paths,
    )


def _staged(settings: AppSettings, repository: Repository) -> OpenView:
    if repository.is_bare:
        raise ConfigError(f"{repository.top} is a bare repository, which has no index", "name a commit with --rev")
    name = "the index"
    settings = settings.as_in(partial(_file, repository, partial(entries_of_index, repository)), repository.top, name)
    prefix, entries = _below_root(settings, repository, name, partial(entries_of_index, repository))
    head = repository.head
    there = _relative(prefix, entries_of_commit(repository, head, prefix)) if head is not None else {}
    if not entries and not there:
        raise _no_root(prefix, name)
    dirty = frozenset(path for path in entries.keys() | there.keys() if entries.get(path) != there.get(path))
    tree = GitTree(repository, entries, name)
    branch = repository.branch

    def provenance(files: Mapping[str, Iterable[str]]) -> dict[str, Provenance]:
        whole = {path: (path, *parts) for path, parts in files.items()}
        changed = {path for path, parts in whole.items() if not dirty.isdisjoint(parts)}
        same = {path: parts for path, parts in whole.items() if path not in changed}
        found = committed(repository, head, branch, prefix, same)
        return found | {path: Provenance(from_top(prefix, path), head, branch, is_dirty=True) for path in changed}

    origin = Origin(prefix, head, branch, bool(dirty), provenance, repository)
    return OpenView(settings, tree, tree.scan(), origin, dirty)


def _of_commit(settings: AppSettings, repository: Repository, rev: str) -> OpenView:
    commit, git_ref = named_commit(repository, rev)
    name = f"commit {commit[:12]}"
    entries_of = partial(entries_of_commit, repository, commit)
    settings = settings.as_in(partial(_file, repository, entries_of), repository.top, name)
    prefix, entries = _below_root(settings, repository, name, entries_of)
    if not entries:
        raise _no_root(prefix, name)
    tree = GitTree(repository, entries, name)

    def provenance(files: Mapping[str, Iterable[str]]) -> dict[str, Provenance]:
        whole = {path: (path, *parts) for path, parts in files.items()}
        return committed(repository, commit, git_ref, prefix, whole)

    origin = Origin(prefix, commit, git_ref, provenance=provenance, repository=repository)
    return OpenView(settings, tree, tree.scan(), origin)


def named_commit(repository: Repository, rev: str) -> tuple[str, str | None]:
    """The id of a commit, and the branch or tag that it was named by, as `Origin.git_ref` has it.

    Raises:
        ConfigError: git knows no such commit.
    """
    commit = repository.commit_named(rev)
    if commit is None:
        if rev == "HEAD" or repository.head is None:
            raise ConfigError("the repository has no commits yet", "commit first")
        hint = "this clone is shallow: 'git fetch --unshallow --filter=blob:none'" if repository.shallow else None
        raise ConfigError(f"there is no commit, tag or branch {rev!r}", hint or "'git fetch --tags' gets what is new")
    return commit, _short_ref(repository, rev)


def _short_ref(repository: Repository, rev: str) -> str | None:
    kind, _, name = (repository.full_name(rev) or "").removeprefix("refs/").partition("/")
    return {"heads": name, "tags": f"tags/{name}", "remotes": name.partition("/")[2]}.get(kind) or None


Entries = Callable[..., dict[str, Entry]]
"""Paths from the top -> the files in or below them."""


def _file(repository: Repository, entries_of: Entries, path: str) -> bytes | None:
    entry = entries_of(path).get(path)
    return read_blobs(repository, [entry.id], MAX_TEXT_BYTES).get(entry.id) if entry is not None else None


def _below_root(
    settings: AppSettings, repository: Repository, name: str, entries_of: Entries
) -> tuple[str, dict[str, Entry]]:
    """The prompts root from the top of the repository, and its files by their paths from there."""
    written = Path(os.path.normpath(settings.base.resolve() / settings.prompts_root))
    for root in dict.fromkeys((written, written.resolve())):  # in the work tree it may be a link
        if not root.is_relative_to(repository.top):
            hint = "prompts_root must lie in the repository to be read from its commits"
            raise ConfigError(f"{root} is outside of the repository {repository.top}", hint)
        prefix = root.relative_to(repository.top).as_posix()
        entries = _relative(prefix, entries_of(prefix))
        if entries:
            return prefix, entries
    _refuse_submodule(written.relative_to(repository.top), name, entries_of)
    return written.relative_to(repository.top).as_posix(), {}


def _relative(prefix: str, entries: Mapping[str, Entry]) -> dict[str, Entry]:
    if prefix == ".":
        return dict(entries)
    start = prefix + "/"
    return {path[len(start) :]: entry for path, entry in entries.items() if path.startswith(start)}


def _refuse_submodule(root: Path, name: str, entries_of: Entries) -> None:
    for folder in (root, *root.parents):
        entry = entries_of(folder.as_posix()).get(folder.as_posix())
        if entry is not None and entry.mode == SUBMODULE:
            raise ConfigError(f"in {name}, {folder.as_posix()} is a submodule", "run promptdb inside of it")


def _no_root(prefix: str, name: str) -> ConfigError:
    return ConfigError(
        f"there are no files below {prefix}/ in {name}", "set prompts_root, or name a commit that has the folder"
    )
