"""Plans and syncs a tree of prompt files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from promptdb.db.engine import reading
from promptdb.db.retry import retried
from promptdb.db.runs import RunRepository
from promptdb.domain.commit_order import RecordedHead
from promptdb.domain.plan import Change, Plan, Policy, plan
from promptdb.domain.plan_result import part_of, without_label_conflicts
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.views import AliasView
from promptdb.errors import PromptNotFound
from promptdb.git.repository import find_repository
from promptdb.progress import Progress
from promptdb.project.load import LoadedTree
from promptdb.project.placing import Wanted
from promptdb.project.view import Origin
from promptdb.python_gc import collecting_rarely
from promptdb.registry.protection import require_unbroken, with_breaking
from promptdb.registry.recorded import recorded_state
from promptdb.registry.stores import Registry
from promptdb.settings import AppSettings
from promptdb.sync.alias_moves import decide_pointers
from promptdb.sync.apply import Applied, apply
from promptdb.sync.batch import batch_of
from promptdb.sync.commit_order import order_of
from promptdb.sync.describe import created, standing, updates, with_parts
from promptdb.sync.other_refs import as_seen_by

if TYPE_CHECKING:
    from promptdb.domain.spec import PromptSpec


@dataclass(frozen=True)
class Planned:
    """A tree, and the plan of its sync."""

    tree: LoadedTree
    plan: Plan
    _registry: Registry

    def require_allowed(self, policy: Policy) -> None:
        """Refuse what a sync with this policy would refuse. Errors as in `require_allowed`."""
        require_allowed(self.plan, policy)

    def only(self, wants: Sequence[Wanted]) -> Self:
        """Return the part for the prompts that a caller wants; the whole if it names none.

        Raises:
            PromptNotFound: there is no such prompt.
        """
        if not wants:
            return self
        files, plan = self.tree.desired.names, self.plan
        known = files.union(plan.missing, (change.prompt for change in plan.changes))
        paths = {prompt: candidate.path for prompt, candidate in self.tree.desired.candidates.items()}
        for one in wants:
            if not any(one.has(prompt, paths.get(prompt)) for prompt in known):
                raise PromptNotFound(
                    f"there is no prompt {one.text}", "'promptdb plan' without a name shows all changes"
                )

        def is_wanted(prompt: PromptId) -> bool:
            return any(one.has(prompt, paths.get(prompt)) for one in wants)

        return replace(self, plan=part_of(plan, is_wanted, files))

    def texts(self) -> "Iterator[tuple[Change, PromptSpec | None, PromptSpec]]":
        """Yield each update of the plan with the old spec and the new one, then each new prompt with None and its spec."""
        content = batch_of(self.tree.desired).content
        with reading(self._registry.engine) as connection:
            yield from updates(connection, self.plan, content)
        yield from created(self.plan, content)

    def standing(self) -> list[AliasView]:
        """List the protected aliases of changed prompts that the plan does not move."""
        with reading(self._registry.engine) as connection:
            return standing(connection, self.plan, self._registry.protected_aliases)


@dataclass(frozen=True)
class Synced:
    """A tree, and the result of its sync."""

    tree: LoadedTree
    applied: Applied


def require_allowed(intended: Plan, policy: Policy) -> None:
    """Refuse a plan that a sync with this policy would refuse.

    Raises:
        Conflict, Guard: a safety limit or a protected alias is in the way.
    """
    intended.require_sound(policy)
    if not policy.allow_breaking:
        require_unbroken(intended.moves)


@retried
def plan_tree(registry: Registry, loaded: LoadedTree, policy: Policy) -> Plan:
    """Decide what `sync_tree` would do now. The plan says if the order of commits allows it.

    The plan of a dirty tree includes alias moves that wait for the commit.

    Raises:
        InvalidPrompts: an alias is declared to point at a version that does not exist.
        StorageError: git failed.
    """
    desired, origin, batch = loaded.desired, loaded.origin, batch_of(loaded.desired)
    heads = _synced_heads(registry, origin)
    order = order_of(origin, policy, heads)
    with reading(registry.engine) as connection:
        recorded = recorded_state(connection, desired.items)
        recorded = as_seen_by(origin, policy, heads, connection, recorded, desired.items)
        intended = plan(desired.items, recorded, policy, desired.invalid)
        pointers = decide_pointers(
            connection, desired.items, recorded, intended, origin, desired.declared, desired.invalid
        )
        pointers.require_found()
        described = with_parts(connection, intended, batch.content)
        moves = with_breaking(
            connection,
            pointers.moves,
            registry.protected_aliases,
            lambda move: batch.content(move.prompt).canonical.decode(),
        )
        held, ended = pointers.held, pointers.ended
        return replace(described, order=order, moves=tuple(moves), held=held, ended_holds=ended)


def _synced_heads(registry: Registry, origin: Origin) -> dict[str, RecordedHead]:
    """Read the newest synced commits of a tree. Files outside of git are in no order with them."""
    if origin.commit_id is None:
        return {}
    with reading(registry.engine) as connection:
        return RunRepository(connection).source_heads(origin.root)


def is_synced(registry: Registry, settings: AppSettings) -> bool:
    """Check if the newest sync was of the checked-out commit."""
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
    """Make the registry match the files. Everything is written, or nothing.

    Args:
        keep_going: write the valid prompts if others are invalid. Nothing is pruned then.
        progress: called with the numbers of uploaded blobs and of all blobs.

    Raises:
        InvalidPrompts: a file has an error, and `keep_going` is not set. Other errors as in `apply`.
    """
    if not keep_going:
        loaded.desired.require_valid()
    elif loaded.desired.errors:
        policy = replace(policy, prune=False)
    return apply(registry, loaded.desired, policy, loaded.origin, progress)


def sync_after_history(registry: Registry, loaded: LoadedTree) -> Applied:
    """Sync the newest commit of a recorded history, which moves its aliases.

    Prompts whose `user_version` names other content stay as they are: the history has reported them. Errors as in `apply`.
    """
    with reading(registry.engine) as connection:
        recorded = recorded_state(connection, loaded.desired.items)
    items, taken = without_label_conflicts(loaded.desired.items, recorded)
    desired = replace(loaded.desired, items=items, invalid=loaded.desired.invalid.union(taken))
    return sync_tree(registry, replace(loaded, desired=desired), Policy())
