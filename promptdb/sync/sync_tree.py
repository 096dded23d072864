"""Plan and sync of a whole tree."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from promptdb.db.engine import reading
from promptdb.db.retry import retried
from promptdb.db.runs import RunRepository
from promptdb.domain.plan import Change, Plan, Policy, plan
from promptdb.git.repository import find_repository
from promptdb.progress import Progress
from promptdb.project.load import LoadedTree
from promptdb.python_gc import collecting_rarely
from promptdb.registry.protection import with_breaking
from promptdb.registry.recorded import recorded_state
from promptdb.registry.stores import Registry
from promptdb.settings import AppSettings
from promptdb.sync.alias_moves import decide_pointers
from promptdb.sync.apply import Applied, apply
from promptdb.sync.commit_order import order_of
from promptdb.sync.describe import updates, with_parts

if TYPE_CHECKING:
    from promptdb.domain.spec import PromptSpec


@dataclass(frozen=True)
class Planned:
    """The files, and what a sync of them would do."""

    tree: LoadedTree
    plan: Plan
    _registry: Registry

    def updates(self) -> "Iterator[tuple[Change, PromptSpec, PromptSpec]]":
        """Iterate over the updates of the plan, each with the spec it replaces and the one it brings."""
        desired = self.tree.desired
        items = {item.prompt: item for item in desired.items}
        with reading(self._registry.engine) as connection:
            yield from updates(connection, self.plan, lambda name: desired.content(items[name]))


@dataclass(frozen=True)
class Synced:
    """The files, and what a sync of them wrote."""

    tree: LoadedTree
    applied: Applied


@retried
def plan_tree(registry: Registry, loaded: LoadedTree, policy: Policy) -> Plan:
    """What `sync_tree` would do now, and whether the order of commits would let it.

    Aliases that only move once a dirty tree is committed are in it, too.

    Raises:
        InvalidPrompts: an alias is declared to point at a version that is not there.
        StorageError: git failed.
    """
    desired, origin = loaded.desired, loaded.origin
    items = {item.prompt: item for item in desired.items}
    with reading(registry.engine) as connection:
        heads = RunRepository(connection).source_heads(origin.root)
    order = order_of(origin, policy, heads)
    with reading(registry.engine) as connection:
        recorded = recorded_state(connection, desired.items)
        intended = plan(desired.items, recorded, policy, desired.invalid)
        pointers = decide_pointers(connection, desired.items, recorded, intended, origin, desired.declared)
        pointers.require_found()
        described = with_parts(connection, intended, lambda name: desired.content(items[name]))
        moves = with_breaking(
            connection,
            pointers.moves,
            registry.protected_aliases,
            lambda move: desired.content(items[move.prompt]).canonical.decode(),
        )
        return replace(described, order=order, moves=tuple(moves), drift=pointers.drift)


def is_synced(registry: Registry, settings: AppSettings) -> bool:
    """Check if the newest sync was of the commit that is checked out."""
    repository = find_repository(settings.base)
    if repository is None or repository.head is None:
        return False
    with reading(registry.engine) as connection:
        return RunRepository(connection).newest_commit() == repository.head


@collecting_rarely()
def sync_tree(
    registry: Registry,
    loaded: LoadedTree,
    policy: Policy,
    *,
    keep_going: bool = False,
    progress: Progress | None = None,
) -> Applied:
    """Make the registry say what the files say.

    Args:
        keep_going: write the valid prompts although others are invalid. Nothing is pruned then.
        progress: is told how far the upload got.

    Raises:
        InvalidPrompts: a file has an error, and `keep_going` is not set; nothing was written.
        ConfigError, Conflict, LockTimeout, StorageError: nothing was written either.
    """
    if not keep_going:
        loaded.desired.require_valid()
    elif loaded.desired.errors:
        policy = replace(policy, prune=False)
    desired = loaded.desired
    return apply(
        registry, desired.items, desired.content, policy, loaded.origin, desired.invalid, desired.declared, progress
    )
