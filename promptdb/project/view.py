"""Opens one state of the files: the work tree, the index or a commit."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from promptdb.domain.file_rules import FileRules
from promptdb.domain.git_refs import RefRules
from promptdb.domain.views import Provenance
from promptdb.errors import ConfigError, StorageError
from promptdb.files.scan import Scan, needed, scan
from promptdb.files.tree import MAX_TEXT_BYTES, ScannedTree, WorkTree
from promptdb.git.filters import stores_lf
from promptdb.git.objects import SUBMODULE, Entry, entries_of_commit, entries_of_index, read_blobs
from promptdb.git.repository import Repository, find_repository
from promptdb.git.tree_place import PlacedEntries, TreePlace
from promptdb.git.worktree import committed, open_work_tree
from promptdb.project.git_tree import GitTree
from promptdb.settings import AppSettings

Entries = Callable[..., dict[str, Entry]]
"""Finds the files in or below paths from the top of the repository."""


@dataclass(frozen=True)
class View:
    """A state of the files: the index if `staged`, the commit, tag or branch `rev`, or the work tree by default.

    With `past`, a commit is read as `sync --history` does: with the present settings and ignore file, former roots and fields.
    """

    staged: bool = False
    rev: str | None = None
    past: bool = False

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
    """The place that a sync reads from. Without git, only `root` is set. `root` names the tree in the registry.

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

    `settings` and `rules` are those that hold for these files. `placed` converts paths to those from the top of the repository.
    `dirty_paths` are the files that differ from the commit. `is_ignored` says which files git ignores: no commit has them.
    """

    settings: AppSettings
    rules: FileRules
    tree: ScannedTree
    found: Scan
    origin: Origin
    dirty_paths: frozenset[str] = frozenset()
    placed: PlacedEntries = field(default_factory=lambda: PlacedEntries(TreePlace()))
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
    root, layout = settings.prompts_path, settings.layout
    if not root.is_dir() and (repository := find_repository(settings.base)) is not None and repository.is_bare:
        raise ConfigError(f"{repository.top} is a bare repository, without files", "name a commit with --rev")
    state = open_work_tree(root, layout)
    if state is None:
        tree = WorkTree(root, layout=layout)
        return OpenView(settings, settings.file_rules, tree, scan(root, layout), Origin(root.resolve().name))
    if missing := needed(root, state.left_out()):
        shown = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        message = f"a sparse checkout leaves out prompt files: {shown}"
        raise StorageError(message, "read the commit instead, with --rev HEAD, or 'git sparse-checkout add' the folder")
    return OpenView(
        settings,
        settings.file_rules,
        WorkTree(root, partial(stores_lf, root), state.repository.git_dir / "promptdb", layout),
        scan(root, layout, state.ignores),
        Origin(state.prefix, state.commit_id, state.branch, state.is_dirty, state.provenance, state.repository),
        state.dirty_paths,
        PlacedEntries(state.place),
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
    settings, placed = _placed(settings, repository, name, entries_of, view)
    place, entries = placed.place, placed.entries
    there = PlacedEntries(place)
    there.update(of_commit(*place.folders) if view.staged else {})
    if not entries and not there.entries:
        hint = "set prompts_root, or name a commit that has the folder"
        raise ConfigError(f"there are no files below {place.prefix}/ in {name}", hint)
    differing = entries.keys() | there.entries.keys() if view.staged else ()
    dirty = frozenset(path for path in differing if entries.get(path) != there.entries.get(path))
    rules = settings.file_rules.ignoring(settings.former_fields) if view.past else settings.file_rules
    ignored = _present_ignore_rule(repository, place) if view.past else None
    tree = GitTree(repository, entries, name, layout=place.names, ignored=ignored)

    def provenance(files: Mapping[str, Iterable[str]]) -> dict[str, Provenance]:
        whole = {path: (path, *parts) for path, parts in files.items()}
        chats = {place.chat(placed.top(path)) for path in dirty} - {None}
        same = {
            path: parts
            for path, parts in whole.items()
            if dirty.isdisjoint(parts) and place.chat(placed.top(path)) not in chats
        }
        changed = whole.keys() - same.keys()
        return committed(repository, commit, git_ref, placed, same) | {
            path: Provenance(placed.top(path), commit, git_ref, is_dirty=True) for path in changed
        }

    origin = Origin(place.prefix, commit, git_ref, bool(dirty), provenance, repository)
    return OpenView(settings, rules, tree, tree.scan(), origin, dirty, placed)


def _present_ignore_rule(repository: Repository, place: TreePlace) -> Callable[[str], bool] | None:
    if repository.head is None:
        return None
    placed = PlacedEntries(place)
    placed.update(entries_of_commit(repository, repository.head, *place.folders))
    return GitTree(repository, placed.entries, "HEAD", layout=place.names).ignore_rule()


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


def _placed(
    settings: AppSettings, repository: Repository, name: str, entries_of: Entries, view: View
) -> tuple[AppSettings, PlacedEntries]:
    """Find the settings in git, the place of the tree, and its files. Former roots stand in for missing ones."""

    def read(path: str) -> bytes | None:
        entry = entries_of(path).get(path)
        return read_blobs(repository, [entry.id], MAX_TEXT_BYTES).get(entry.id) if entry is not None else None

    if not view.past:
        settings = settings.as_in(read, repository.top, name)
    base = settings.base.resolve()
    written = Path(os.path.normpath(base / settings.prompts_folder))
    # The work tree may have a link in the place of the folder.
    prefixes = [_from_top(root, repository) for root in dict.fromkeys((written, written.resolve()))]
    former = former_folders(settings, repository)
    places = [TreePlace(prefix, settings.layout) for prefix in prefixes]
    with_former = [TreePlace(prefix, settings.layout, former) for prefix in prefixes if former and not view.staged]
    for place in with_former if view.past and former else [*places, *with_former]:
        placed = PlacedEntries(place)
        placed.update(entries_of(*place.folders))
        if placed.entries:
            return settings, placed
    below = Path(prefixes[0])
    for folder in map(Path.as_posix, (below, *below.parents)):
        entry = entries_of(folder).get(folder)
        if entry is not None and entry.mode == SUBMODULE:
            raise ConfigError(f"in {name}, {folder} is a submodule", "run promptdb inside of it")
    return settings, PlacedEntries(places[0])


def former_folders(settings: AppSettings, repository: Repository) -> tuple[str, ...]:
    """List the former roots by their paths from the top.

    Raises:
        ConfigError: a former root is outside of the repository.
    """
    base = settings.base.resolve()
    return tuple(_from_top(Path(os.path.normpath(base / folder)), repository) for folder in settings.former_roots)


def _from_top(folder: Path, repository: Repository) -> str:
    if not folder.is_relative_to(repository.top):
        hint = "prompts_root must lie in the repository to be read from its commits"
        raise ConfigError(f"{folder} is outside of the repository {repository.top}", hint)
    return folder.relative_to(repository.top).as_posix()
