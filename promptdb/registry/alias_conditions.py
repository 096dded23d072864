"""Compares an alias with what the caller of a move expects of it, and reports who moved it."""

import sqlalchemy as sa

from promptdb.db.alias_log import numbered_moves
from promptdb.db.repository import PromptRepository
from promptdb.domain.alias_condition import Condition, Expected
from promptdb.domain.aliases import AliasMove
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.views import AliasView
from promptdb.errors import AliasMoved, LastMove


def require_expected(move: AliasMove, expected: Expected, connection: sa.Connection | None = None) -> None:
    """Require the revision from which an alias moves.

    Raises:
        AliasMoved: the alias is elsewhere. With a connection, the error has the last move.
    """
    if expected not in ("any", move.from_revision):
        raise _elsewhere(connection, move.prompt, move.alias, move.from_revision, f"not at {_revision(expected)}")


def require_condition(
    connection: sa.Connection, prompt: PromptId, alias: str, there: AliasView | None, condition: Condition
) -> None:
    """Require a condition of a move, on the connection that holds the lock.

    Raises:
        AliasMoved: it does not hold.
    """
    now = None if there is None else there.revision
    if condition.expected not in ("any", now):
        raise _elsewhere(connection, prompt, alias, now, f"not at {_revision(condition.expected)}")
    if not condition.holds_for_state(there):
        raise _in_another_state(connection, prompt, alias, now, absent=condition.absent)


def moved_meanwhile(connection: sa.Connection, prompt: PromptId, alias: str) -> AliasMoved:
    """Make the error for an alias that was moved after its move was decided."""
    there = next(iter(PromptRepository(connection).aliases(prompt, alias)), None)
    message = f"{prompt}:{alias} was moved in the meantime, to {_revision(None if there is None else there.revision)}"
    return AliasMoved(message, "check the alias and try again", last_move=_last_move(connection, prompt, alias))


def _in_another_state(
    connection: sa.Connection, prompt: PromptId, alias: str, now: int | None, *, absent: bool
) -> AliasMoved:
    if now is not None and not absent:
        return _elsewhere(connection, prompt, alias, now, "and is not in the state that the request names")
    message = f"{prompt}:{alias} " + ("does not exist" if now is None else f"already exists, at rev:{now}")
    hint = f"'promptdb alias log {prompt} {alias}' shows who moved it"
    return AliasMoved(message, hint, last_move=_last_move(connection, prompt, alias))


def _elsewhere(
    connection: sa.Connection | None, prompt: PromptId, alias: str, now: int | None, wanted: str
) -> AliasMoved:
    return AliasMoved(
        f"{prompt}:{alias} points at {_revision(now)}, {wanted}",
        f"'promptdb alias log {prompt} {alias}' shows who moved it",
        last_move=None if connection is None else _last_move(connection, prompt, alias),
    )


def _last_move(connection: sa.Connection, prompt: PromptId, alias: str) -> LastMove | None:
    newest = numbered_moves(connection, prompt, alias, limit=1)
    if not newest:
        return None
    event = newest[0][1]
    revisions = event.from_revision, event.to_revision
    return LastMove(event.action, *revisions, event.actor, event.reason, event.created_at)


def _revision(revision: int | str | None) -> str:
    return "nothing" if revision is None else f"rev:{revision}"
