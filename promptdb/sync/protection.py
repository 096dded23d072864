"""What protects the callers behind an alias: it is not moved to a version that would break them, unless somebody says so."""

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol
from uuid import UUID

import sqlalchemy as sa

from promptdb.db.lookup import stored_specs
from promptdb.domain.changes import ContractChange, breaking
from promptdb.domain.identity import PromptId
from promptdb.domain.moves import ALIASES_FILE
from promptdb.errors import Guard

Broken = dict[PromptId, tuple[ContractChange, ...]]

_SHOWN = 3
"""Changes of a prompt, and prompts, that a refusal names."""

_EXEMPT = "rollback"
"""The way back is always open: old callers worked with where it leads, and nobody should have to argue with it at night."""


class AnyMove(Protocol):
    """A move of one alias of one prompt, from a revision to another; None where there is none."""

    @property
    def prompt(self) -> PromptId: ...
    @property
    def alias(self) -> str: ...
    @property
    def from_revision(self) -> int | None: ...
    @property
    def to_revision(self) -> int | None: ...


class PointerMove(AnyMove, Protocol):
    """The same with the versions, which both are there."""

    @property
    def action(self) -> str: ...
    @property
    def from_version(self) -> UUID | None: ...
    @property
    def to_version(self) -> UUID | None: ...


def require_compatible(
    connection: sa.Connection, moves: Sequence[PointerMove], protected: Collection[str], *, allow_breaking: bool
) -> Broken:
    """Refuse moves of protected aliases to versions whose contract breaks that of the version they point at now.

    Call it in the transaction that makes the moves, once it is certain that the aliases still point where they did.

    Args:
        connection: reads the two versions of each move.
        moves: those that change something, each prompt once. A new or deleted alias breaks no contract.
        protected: names of aliases.
        allow_breaking: make them all the same.

    Returns:
        What breaks, by the prompts of the moves where something does: to be recorded with them.

    Raises:
        Guard: a move breaks something, is no rollback, and `allow_breaking` is not set.
    """
    guarded = [move for move in moves if move.alias in protected and move.from_version and move.to_version]
    broken = dict(_broken(connection, guarded))
    refused = [move for move in guarded if move.prompt in broken and move.action != _EXEMPT]
    if refused and not allow_breaking:
        raise refusal([(move, broken[move.prompt]) for move in refused])
    return broken


def _broken(
    connection: sa.Connection, moves: Sequence[PointerMove]
) -> Iterator[tuple[PromptId, tuple[ContractChange, ...]]]:
    ids = {version for move in moves for version in (move.from_version, move.to_version) if version is not None}
    specs = stored_specs(connection, list(ids))
    for move in moves:
        old, new = (specs[version] for version in (move.from_version, move.to_version) if version is not None)
        if found := broken_between(old, new):
            yield move.prompt, found


def broken_between(old: str, new: str) -> tuple[ContractChange, ...]:
    """What a version breaks for callers of another one, from their specs as they are stored."""
    if old == new:
        return ()
    from promptdb.domain.spec import PromptSpec  # slow to import, and rarely needed
    from promptdb.render.interface import changes_between

    return breaking(changes_between(PromptSpec.from_canonical(old), PromptSpec.from_canonical(new)))


def asked_for(reasons: Collection[str]) -> str:
    """Who asks for moves that nobody typed, and what to do if they shall not be made."""
    shown = "asked for: " + ", ".join(sorted(set(reasons))[:_SHOWN])
    is_declared = any(reason.startswith("declared") for reason in reasons)
    return f"{shown}; change the line in {ALIASES_FILE} to leave an alias where it is" if is_declared else shown


def refusal(refused: Sequence[tuple[AnyMove, Sequence[ContractChange]]]) -> Guard:
    """The error for moves with what each of them breaks."""
    first = refused[0][0]
    told = [f"{move.prompt}:{move.alias}: {_first(broken)}" for move, broken in refused[:_SHOWN]]
    more = f"; and {len(refused) - _SHOWN:,} more prompts" if len(refused) > _SHOWN else ""
    return Guard(
        f"this would break callers of {'; '.join(told)}{more}",
        f"compare with 'promptdb diff {first.prompt}:rev:{first.from_revision} :rev:{first.to_revision}'; "
        "if the callers are ready, pass --allow-breaking",
    )


def _first(changes: Sequence[ContractChange]) -> str:
    more = f" and {len(changes) - _SHOWN:,} more" if len(changes) > _SHOWN else ""
    return ", ".join(change.message for change in changes[:_SHOWN]) + more
