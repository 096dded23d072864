"""Protects the callers behind an alias: no move to a version that would break them, unless somebody allows it."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from uuid import UUID

import sqlalchemy as sa

from promptdb.db.lookup import stored_specs
from promptdb.domain.aliases import ALIASES_FILE, AliasMove
from promptdb.domain.changes import ContractChange, breaking
from promptdb.errors import Guard

_SHOWN = 3
"""Changes of a prompt, prompts, and reasons, that a refusal names."""


def with_breaking(
    connection: sa.Connection,
    moves: Sequence[AliasMove],
    protected: Collection[str],
    unwritten: Callable[[AliasMove], str],
) -> list[AliasMove]:
    """Add to each move of a protected alias what it breaks. A new or deleted alias breaks nothing.

    Args:
        connection: reads the two versions of each move.
        moves: those that change something.
        protected: names of aliases.
        unwritten: gives the spec of a move whose version has no id yet.
    """

    def is_guarded(move: AliasMove) -> bool:
        return move.alias in protected and move.from_version is not None and move.to_revision is not None

    def spec(move: AliasMove, version: UUID | None) -> str:
        return specs[version] if version is not None else unwritten(move)

    guarded = filter(is_guarded, moves)
    ids = {version for move in guarded for version in (move.from_version, move.to_version) if version is not None}
    specs = stored_specs(connection, list(ids))
    return [
        replace(move, breaking=_broken(spec(move, move.from_version), spec(move, move.to_version)))
        if is_guarded(move)
        else move
        for move in moves
    ]


def require_unbroken(moves: Iterable[AliasMove]) -> None:
    """Refuse moves that break callers.

    Raises:
        Guard: one does, and is not a rollback.
    """
    # the way back is always open: old callers worked with where it leads
    refused = [move for move in moves if move.breaking and move.action != "rollback"]
    if not refused:
        return
    first, shown = refused[0], [f"{move.prompt}:{move.alias}: {_first(move.breaking)}" for move in refused[:_SHOWN]]
    more = f"; and {len(refused) - _SHOWN:,} more prompts" if len(refused) > _SHOWN else ""
    raise Guard(
        f"this would break callers of {'; '.join(shown)}{more}",
        f"{_asked_for(refused)}compare with 'promptdb diff {first.prompt}:rev:{first.from_revision} "
        f":rev:{first.to_revision}'; if the callers are ready, pass --allow-breaking",
    )


def _broken(old: str, new: str) -> tuple[ContractChange, ...]:
    if old == new:
        return ()
    from promptdb.domain.spec import PromptSpec  # slow to import, and rarely needed
    from promptdb.render.caller_interface import changes_between

    return breaking(changes_between(PromptSpec.from_canonical(old), PromptSpec.from_canonical(new)))


def _asked_for(moves: Sequence[AliasMove]) -> str:
    """Say who asks for the moves of a sync, since nobody typed them."""
    reasons = sorted({move.reason or "" for move in moves if move.action == "sync"})
    if not reasons:
        return ""
    is_declared = any(reason.startswith("declared") for reason in reasons)
    advice = f"; change the line in {ALIASES_FILE} to leave an alias where it is" if is_declared else ""
    return f"asked for: {', '.join(reasons[:_SHOWN])}{advice}; "


def _first(changes: Sequence[ContractChange]) -> str:
    more = f" and {len(changes) - _SHOWN:,} more" if len(changes) > _SHOWN else ""
    return ", ".join(change.message for change in changes[:_SHOWN]) + more
