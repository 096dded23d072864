"""Plan and sync of a whole tree: scan, collect, compare, apply."""

from dataclasses import dataclass, replace

from promptdb.db.engine import reading
from promptdb.domain.identity import PromptId
from promptdb.domain.plan import Plan, Policy, plan
from promptdb.errors import Guard, StorageError
from promptdb.files.parse import ParseResult, parse_file
from promptdb.files.scan import Candidate, scan
from promptdb.files.tree import MAX_TEXT_BYTES, FileTooLarge, WorkTree
from promptdb.git.worktree import WorkTreeState, open_work_tree
from promptdb.settings import AppSettings
from promptdb.sync.apply import Applied, Origin, Registry, apply, recorded_state
from promptdb.sync.collect import DesiredTree, Progress, collect
from promptdb.sync.parts import with_parts


@dataclass(frozen=True)
class LoadedTree:
    """The prompt files as they are now, and where they are."""

    desired: DesiredTree
    origin: Origin
    work_tree: WorkTreeState | None


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
    found = scan(root, work_tree.ignores if work_tree else None)
    desired = collect(found, WorkTree(root), settings.text_format, progress, run_tests=run_tests)
    return LoadedTree(desired, _origin(settings, work_tree), work_tree)


def load_prompt(settings: AppSettings, prompt: PromptId) -> tuple[Candidate | None, ParseResult | None]:
    """The file of one prompt, parsed; None where there is none."""
    root = settings.prompts_path
    candidate = next((found for found in scan(root).candidates if found.prompt == prompt), None)
    if candidate is None:
        return None, None
    tree = WorkTree(root)
    try:
        data = tree.read(candidate.path, MAX_TEXT_BYTES)
    except (OSError, FileTooLarge) as error:
        raise StorageError(f"cannot read {candidate.path}: {error}") from error
    return candidate, parse_file(candidate.path, data, tree, settings.text_format)


def plan_tree(registry: Registry, loaded: LoadedTree, policy: Policy) -> Plan:
    """What `sync_tree` would do now."""
    desired = loaded.desired
    items = {item.prompt: item for item in desired.items}
    with reading(registry.engine) as connection:
        intended = plan(desired.items, recorded_state(connection, desired.items, whole_tree=True), policy)
        return with_parts(connection, intended, lambda name: desired.content(items[name]).spec)


def sync_tree(registry: Registry, loaded: LoadedTree, policy: Policy, *, keep_going: bool = False) -> Applied:
    """Make the registry say what the files say.

    Args:
        keep_going: write the valid prompts although others are invalid. Nothing is pruned then.

    Raises:
        InvalidPrompts: a file has an error, and `keep_going` is not set; nothing was written.
        Conflict, LockTimeout, StorageError: nothing was written either.
    """
    if not keep_going:
        loaded.desired.require_valid()
    elif loaded.desired.errors:
        policy = replace(policy, prune=False)
    return apply(registry, loaded.desired.items, loaded.desired.content, policy, loaded.origin)


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
