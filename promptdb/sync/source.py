"""The prompt files as they are now, and where they come from. Needs no database."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from promptdb.domain.identity import PromptId
from promptdb.domain.views import Provenance
from promptdb.errors import Guard
from promptdb.files.scan import Scan, scan
from promptdb.files.tree import WorkTree
from promptdb.git.worktree import WorkTreeState, open_work_tree
from promptdb.settings import AppSettings
from promptdb.sync.collect import DesiredTree, Progress, collect
from promptdb.sync.garbage import collecting_rarely
from promptdb.sync.load import LoadedFile, Loader


@dataclass(frozen=True)
class Origin:
    """Where a sync reads from. Without git only `root` is set; `provenance` is asked for the files that get a version."""

    root: str
    commit_id: str | None = None
    git_ref: str | None = None
    is_dirty: bool = False
    provenance: Callable[[Mapping[str, Iterable[str]]], dict[str, Provenance]] = field(
        default=lambda files: {path: Provenance(path) for path in files}
    )

    @property
    def clean_commit(self) -> str | None:
        """The commit, if the files are exactly its files."""
        return None if self.is_dirty else self.commit_id


@dataclass(frozen=True)
class LoadedTree:
    """The prompt files as they are now, and where they are."""

    desired: DesiredTree
    origin: Origin
    work_tree: WorkTreeState | None


@collecting_rarely()
def load_tree(settings: AppSettings, progress: Progress | None = None, *, run_tests: bool = False) -> LoadedTree:
    """Read the prompts root. Problems of files are collected in the result.

    Args:
        settings: say where it is and how to read it.
        progress: is told how far it got.
        run_tests: run the golden tests; files that have not changed are parsed for that, too.

    Raises:
        ConfigError: there is no such folder.
        StorageError: git cannot read the repository around it.
    """
    root = settings.prompts_path
    work_tree = open_work_tree(root)
    found = _scan(root, work_tree)
    desired = collect(found, WorkTree(root), settings.text_format, progress, run_tests=run_tests)
    return LoadedTree(desired, _origin(settings, work_tree), work_tree)


def load_prompt(settings: AppSettings, prompt: PromptId) -> tuple[str, LoadedFile] | None:
    """The file of one prompt, by its path and what is in it; None where there is none. Errors as in `load_tree`."""
    root = settings.prompts_path
    candidates = _scan(root, open_work_tree(root)).candidates
    candidate = next((found for found in candidates if found.prompt == prompt), None)
    if candidate is None:
        return None
    return candidate.path, Loader(WorkTree(root), settings.text_format)(candidate)


def _scan(root: Path, work_tree: WorkTreeState | None) -> Scan:
    return scan(root, work_tree.ignores if work_tree else None)


def require_clean(loaded: LoadedTree) -> None:
    """Refuse a work tree whose prompts differ from HEAD.

    Raises:
        Guard: it is dirty; the message names some files.
    """
    dirty = sorted(loaded.work_tree.dirty_paths) if loaded.work_tree else []
    if dirty:
        shown = ", ".join(dirty[:3]) + (f" and {len(dirty) - 3} more" if len(dirty) > 3 else "")
        raise Guard(f"the work tree has uncommitted changes: {shown}", "commit them, or pass --allow-dirty")


def _origin(settings: AppSettings, work_tree: WorkTreeState | None) -> Origin:
    if work_tree is None:
        folder = settings.prompts_path.resolve()
        return Origin(folder.name)
    return Origin(
        work_tree.prefix,
        work_tree.commit_id,
        work_tree.branch,
        work_tree.is_dirty,
        work_tree.provenance,
    )
