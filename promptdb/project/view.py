"""Opens one state of the files: the work tree, the index or a commit."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from promptdb.domain.git_refs import RefRules
from promptdb.domain.views import Provenance
from promptdb.errors import ConfigError, StorageError
from promptdb.files.scan import Scan, needed, scan
from promptdb.files.tree import MAX_TEXT_BYTES, ScannedTree, WorkTree
from promptdb.git.filters import stores_lf
from promptdb.git.objects import SUBMODULE, Entry, entries_of_commit, entries_of_index, read_blobs
from promptdb.git.repository import Repository, find_repository
from promptdb.git.worktree import committed, from_top, open_work_tree
from promptdb.project.git_tree import GitTree
from promptdb.settings import AppSettings

Entries = Callable[..., dict[str, Entry]]
"""Finds the files in or below paths from the top of the repository."""


@dataclass(frozen=True)
class View:
    """A state of the files: the index if `staged`, the commit, tag or branch `rev`, or the work tree by default."""

    staged: bool = False
    rev: str | None = None

    def __post_init__(self) -> None:
        if self.staged and self.rev is not None:
            raise ConfigError("a view is the index or a commit, not both", "leave out 'staged' or 'rev'")

    @property
    def is_work_tree(self) -> bool:
        return not self.staged and self.rev is None

    def __str__(self) -> str:
        return "the index" if self.staged else "the work tree" if self.rev is None else self.rev


WORK_TREE = View()


@dataclass(frozen=True)
class Origin:
    """The place that a sync reads from. Without git, only `root` is set.

    `git_ref` is a branch, or a tag as `tags/v1.0`. It is None for a commit that was named or checked out by its id. `refs`
    says which refs may be synced. `provenance` finds the origin of single files, each with the files that it depends on.
    """

    root: str
    commit_id: str | None = None
    git_ref: str | None = None
    is_dirty: bool = False
    provenance: Callable[[Mapping[str, Iterable[str]]], dict[str, Provenance]] = field(
        default=lambda files: {path: Provenance(path) for path in files}
    )
    repository: Repository | None = None
    refs: RefRules = field(default_factory=RefRules)

    @property
    def clean_commit(self) -> str | None:
        """The commit, if the files are exactly its files."""
        return None if self.is_dirty else self.commit_id

    @property
    def head_name(self) -> str:
        """The name under which the newest commit of the ref is recorded."""
        return self.refs.head_name(self.git_ref)

    def standing_for(self, ref: str | None) -> "Origin":
        """Name the ref of a commit without a name, as CI checks it out. A branch that is checked out stays."""
        if ref is None or self.git_ref is not None or self.commit_id is None:
            return self

        def provenance(files: Mapping[str, Iterable[str]]) -> dict[str, Provenance]:
            return {path: replace(found, branch=ref) for path, found in self.provenance(files).items()}

        return replace(self, git_ref=ref, provenance=provenance)


@dataclass(frozen=True)
class OpenView:
    """The files of a view: how to read them, the prompts among them, and their origin.

    `settings` are those that hold for these files. `dirty_paths` are the files that differ from the commit. `is_ignored` says
    which files git ignores, so that no commit has them.
    """

    settings: AppSettings
    tree: ScannedTree
    found: Scan
    origin: Origin
    dirty_paths: frozenset[str] = frozenset()
    is_ignored: Callable[[str], bool] | None = None


def open_view(settings: AppSettings, view: View = WORK_TREE) -> OpenView:
    """Find the prompt files of a view.

    Raises:
        ConfigError: there is no repository, or the view has no prompts root.
        StorageError: git cannot read the repository, or a sparse checkout leaves out files.
    """
    if view.is_work_tree:
        return _of_work_tree(settings)
    place = settings.prompts_path if settings.prompts_path.exists() else settings.base
    repository = find_repository(place)
    if repository is None:
        raise ConfigError(f"{place} is not in a git repository", "leave out --staged and --rev")
    return _of_git(settings, repository, view)


def _of_work_tree(settings: AppSettings) -> OpenView:
    root = settings.prompts_path
    if not root.is_dir() and (repository := find_repository(settings.base)) is not None and repository.is_bare:
        raise ConfigError(f"{repository.top} is a bare repository, without files", "name a commit with --rev")
    state = open_work_tree(root)
    if state is None:
        return OpenView(settings, WorkTree(root), scan(root), Origin(root.resolve().name))
    if missing := needed(root, state.left_out()):
        shown = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        message = f"a sparse checkout leaves out prompt files: {shown}"
        raise StorageError(message, "read the commit instead, with --rev HEAD, or 'git sparse-checkout add' the folder")
    return OpenView(
        settings,
        WorkTree(root, partial(stores_lf, root), state.repository.git_dir / "promptdb"),
        scan(root, state.ignores),
        Origin(state.prefix, state.commit_id, state.branch, state.is_dirty, state.provenance, state.repository),
        state.dirty_paths,
        state.omits,
    )


def _of_git(settings: AppSettings, repository: Repository, view: View) -> OpenView:
    if view.staged and repository.is_bare:
        raise ConfigError(f"{repository.top} is a bare repository, which has no index", "name a commit with --rev")
    named = (repository.head, repository.branch) if view.staged else _named_commit(repository, str(view.rev))
    commit, git_ref = named
    of_commit: Entries = partial(entries_of_commit, repository, commit) if commit is not None else lambda *_: {}
    entries_of = partial(entries_of_index, repository) if view.staged else of_commit
    name = str(view) if view.staged else f"commit {str(commit)[:12]}"
    settings, prefix, entries = _prompts_root(settings, repository, name, entries_of)
    there = _relative(prefix, of_commit(prefix)) if view.staged else entries
    if not entries and not there:
        hint = "set prompts_root, or name a commit that has the folder"
        raise ConfigError(f"there are no files below {prefix}/ in {name}", hint)
    dirty = frozenset(path for path in entries.keys() | there.keys() if entries.get(path) != there.get(path))
    tree = GitTree(repository, entries, name)

    def provenance(files: Mapping[str, Iterable[str]]) -> dict[str, Provenance]:
        whole = {path: (path, *parts) for path, parts in files.items()}
        same = {path: parts for path, parts in whole.items() if dirty.isdisjoint(parts)}
        changed = whole.keys() - same.keys()
        return committed(repository, commit, git_ref, prefix, same) | {
            path: Provenance(from_top(prefix, path), commit, git_ref, is_dirty=True) for path in changed
        }

    origin = Origin(prefix, commit, git_ref, bool(dirty), provenance, repository)
    return OpenView(settings, tree, tree.scan(), origin, dirty)


def _named_commit(repository: Repository, rev: str) -> tuple[str, str | None]:
    """Resolve a name to the id of a commit, and to the branch or tag, as in `Origin.git_ref`."""
    commit = repository.commit_named(rev)
    if commit is None:
        if rev == "HEAD" or repository.head is None:
            raise ConfigError("the repository has no commits yet", "commit first")
        hint = "this clone is shallow: 'git fetch --unshallow --filter=blob:none'" if repository.shallow else None
        raise ConfigError(f"there is no commit, tag or branch {rev!r}", hint or "'git fetch --tags' gets what is new")
    kind, _, name = (repository.full_name(rev) or "").removeprefix("refs/").partition("/")
    refs = {"heads": name, "tags": f"tags/{name}", "remotes": name.partition("/")[2]}
    return commit, refs.get(kind) or None


def _prompts_root(
    settings: AppSettings, repository: Repository, name: str, entries_of: Entries
) -> tuple[AppSettings, str, dict[str, Entry]]:
    """Find the settings in git, the path of the prompts root from the top, and the files below it."""

    def read(path: str) -> bytes | None:
        entry = entries_of(path).get(path)
        return read_blobs(repository, [entry.id], MAX_TEXT_BYTES).get(entry.id) if entry is not None else None

    settings = settings.as_in(read, repository.top, name)
    written = Path(os.path.normpath(settings.base.resolve() / settings.prompts_folder))
    # The work tree may have a link in the place of the folder.
    for root in dict.fromkeys((written, written.resolve())):
        if not root.is_relative_to(repository.top):
            hint = "prompts_root must lie in the repository to be read from its commits"
            raise ConfigError(f"{root} is outside of the repository {repository.top}", hint)
        prefix = root.relative_to(repository.top).as_posix()
        if entries := _relative(prefix, entries_of(prefix)):
            return settings, prefix, entries
    below = written.relative_to(repository.top)
    for folder in map(Path.as_posix, (below, *below.parents)):
        entry = entries_of(folder).get(folder)
        if entry is not None and entry.mode == SUBMODULE:
            raise ConfigError(f"in {name}, {folder} is a submodule", "run promptdb inside of it")
    return settings, below.as_posix(), {}


def _relative(prefix: str, entries: Mapping[str, Entry]) -> dict[str, Entry]:
    start = "" if prefix == "." else f"{prefix}/"
    return {path[len(start) :]: entry for path, entry in entries.items() if path.startswith(start)}
