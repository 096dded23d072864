"""Protects the callers of an alias from moves to versions that would break them."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from uuid import UUID

import sqlalchemy as sa

from promptdb.db.lookup import specs_of_siblings, stored_specs
from promptdb.db.repository import PromptRepository
from promptdb.domain.aliases import AliasMove
from promptdb.domain.changes import ContractChange, breaking
from promptdb.domain.layout import ALIASES_FILE
from promptdb.errors import BrokenCallers, Guard

_SHOWN = 3
"""Changes, prompts and reasons that one refusal lists."""


def with_breaking(
    connection: sa.Connection,
    moves: Sequence[AliasMove],
    protected: Collection[str],
    unwritten: Callable[[AliasMove], str],
) -> list[AliasMove]:
    """Add the breaking changes to each move of a protected alias. A new or deleted alias breaks nothing.

    An alias that was deleted and is set again breaks the callers of the version that it had before. In a split each arm is
    compared. Callers of a split work with all its arms. `unwritten` returns the spec of a new version without an id.
    """
    before = _versions_before(connection, [move for move in moves if move.alias in protected and move.to_revision])
    ids = {*before.values(), *(move.to_version for move in before if move.to_version is not None)}
    specs = stored_specs(connection, list(ids))

    def with_broken(move: AliasMove) -> AliasMove:
        if move not in before:
            return move
        old = specs[before[move]]
        new = specs[move.to_version] if move.to_version is not None else unwritten(move)
        if move.from_split is None and move.to_split is None:
            return replace(move, breaking=_broken(old, new))
        revisions = {revision for split in (move.from_split, move.to_split) if split for revision in split.revisions}
        siblings = specs_of_siblings(connection, before[move], revisions)
        olds = [siblings[each] for each in move.from_split.revisions] if move.from_split else [old]
        news = [siblings.get(each) or unwritten(move) for each in move.to_split.revisions] if move.to_split else [new]
        found = (change for each in news for change in _broken_in_all(olds, each))
        return replace(move, breaking=tuple(dict.fromkeys(found)))

    return [with_broken(move) for move in moves]


def _versions_before(connection: sa.Connection, moves: Sequence[AliasMove]) -> dict[AliasMove, UUID]:
    """Find the version that callers of each alias have, or had until it was deleted. A new alias is left out."""
    found = {move: move.from_version for move in moves if move.from_version is not None}
    again = [move for move in moves if move.from_version is None and move.generation]
    deleted = PromptRepository(connection).deleted_targets({move.alias for move in again}) if again else {}
    found |= {move: deleted[key] for move in again if (key := (move.prompt, move.alias)) in deleted}
    return found


def require_unbroken(moves: Iterable[AliasMove]) -> None:
    """Raise a `Guard` if a move breaks callers."""
    # A rollback is always allowed: it returns to a version that callers worked with.
    refused = [move for move in moves if move.breaking and move.action != "rollback"]
    if not refused:
        return
    first, shown = refused[0], [f"{move.prompt}:{move.alias}: {_first(move.breaking)}" for move in refused[:_SHOWN]]
    more = f"; and {len(refused) - _SHOWN:,} more prompts" if len(refused) > _SHOWN else ""
    targets = first.to_split.revisions if first.to_split is not None else [first.to_revision]
    others = [revision for revision in targets if revision != first.from_revision]
    compare = ""
    # A version with a digest instead of an id is written only if this does not refuse it. A deleted alias has no revision. With
    # several arms, it is not known here which one breaks callers.
    if first.to_digest is None and first.from_revision is not None and len(others) == 1:
        compare = f"compare with 'promptdb diff {first.prompt}:rev:{first.from_revision} :rev:{others[0]}'; "
    raise Guard(
        f"this would break callers of {'; '.join(shown)}{more}",
        f"{_asked_for(refused)}{compare}if the callers are ready, pass --allow-breaking",
        breaking=[
            BrokenCallers(str(move.prompt), move.alias, change.kind, change.name, change.message)
            for move in refused
            for change in move.breaking
        ],
    )


def _broken_in_all(olds: Sequence[str], new: str) -> tuple[ContractChange, ...]:
    """Find what breaks callers who work with each of several versions, and so with a new one that fits any of these."""
    found = [_broken(old, new) for old in olds]
    return found[0] if all(found) else ()


def _broken(old: str, new: str) -> tuple[ContractChange, ...]:
    if old == new:
        return ()
    # Slow to import, and rarely needed.
    from promptdb.domain.spec import PromptSpec
    from promptdb.render.caller_interface import changes_between

    return breaking(changes_between(PromptSpec.from_canonical(old), PromptSpec.from_canonical(new)))


def _asked_for(moves: Sequence[AliasMove]) -> str:
    # No one typed the moves of a sync, so the refusal says where they come from.
    reasons = sorted({move.reason or "" for move in moves if move.action == "sync"})
    if not reasons:
        return ""
    is_declared = any(reason.startswith("declared") for reason in reasons)
    advice = f"; change the line in {ALIASES_FILE} to keep an alias where it is" if is_declared else ""
    return f"reason for the move: {', '.join(reasons[:_SHOWN])}{advice}; "


def _first(changes: Sequence[ContractChange]) -> str:
    more = f" and {len(changes) - _SHOWN:,} more" if len(changes) > _SHOWN else ""
    return ", ".join(change.message for change in changes[:_SHOWN]) + more
