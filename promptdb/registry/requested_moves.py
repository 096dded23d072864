"""Moves one alias for a request, which may be repeated.

One transaction reads the kept answer, compares the alias with the condition, moves it, and keeps the answer. So a request with
a key moves an alias once, however often it is sent and whenever a process is killed. Two that arrive at the same time wait for
one another, and both get the answer of the first.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

import sqlalchemy as sa

from promptdb.db.engine import writing
from promptdb.db.kept_answers import find_answer, keep_answer
from promptdb.db.lookup import existing_name, find_version
from promptdb.db.repository import PromptRepository
from promptdb.db.retry import retried
from promptdb.domain.alias_condition import Condition
from promptdb.domain.aliases import AliasMove, AliasTarget
from promptdb.domain.kept_answer import KeptAnswer, RequestKey
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import PromptRef, parse_alias
from promptdb.domain.splits import Arms
from promptdb.domain.views import AliasView
from promptdb.errors import Conflict
from promptdb.registry.alias_conditions import require_condition
from promptdb.registry.aliases import deletion, perform_on, promotion, require_storable, rollback
from promptdb.registry.splits import splitting
from promptdb.registry.stores import Registry

Action = Literal["promote", "split", "rollback", "delete"]


@dataclass(frozen=True)
class RequestedMove:
    """A move that someone asked for.

    Attributes:
        prompt: its present name, which the sender may use. A name that it had earlier is refused.
        selector: the version to point at; None for other actions.
        arms: those of a split.
        allow_breaking: move a protected alias even if that breaks callers.
    """

    prompt: PromptId
    alias: str
    action: Action
    condition: Condition
    selector: str | None = None
    reason: str | None = None
    allow_breaking: bool = False
    arms: Arms = ()


@dataclass(frozen=True)
class Moved:
    """A move that was made, and the alias before and after it. `is_needed` of the move is False if it changed nothing."""

    move: AliasMove
    before: AliasView | None
    after: AliasView | None


@retried
def make_move(registry: Registry, wanted: RequestedMove) -> Moved:
    """Move an alias. Errors as in `move_alias`."""
    parse_alias(wanted.alias)
    require_storable(wanted.reason)
    with writing(registry.engine) as connection:
        return _moved(connection, registry, wanted)


@retried
def move_alias(
    registry: Registry, wanted: RequestedMove, key: RequestKey | None, answer: Callable[[Moved], KeptAnswer]
) -> KeptAnswer:
    """Move an alias, or return the answer to an earlier request with the same key, which may have been another request.

    Only answers to moves are kept. A request that fails has changed nothing, and may be sent again.

    Args:
        registry: its actor is the author of the move.
        key: None for a request that must not be repeated.
        answer: makes the answer to a move.

    Raises:
        InvalidRef: the alias or the selector is malformed.
        ConfigError: the reason cannot be stored.
        NotFound: there is no such prompt, version or alias, or no earlier target.
        AliasMoved: the condition does not hold.
        Conflict: the prompt was renamed.
        Guard: the alias is protected, and the move breaks its callers.
    """
    parse_alias(wanted.alias)
    require_storable(wanted.reason)
    with writing(registry.engine) as connection:
        now = datetime.now(UTC)
        if key is not None and (kept := find_answer(connection, key, now)) is not None:
            return kept
        made = answer(_moved(connection, registry, wanted))
        if key is not None:
            keep_answer(connection, key, made, now)
        return made


def _moved(connection: sa.Connection, registry: Registry, wanted: RequestedMove) -> Moved:
    prompt, alias = wanted.prompt, wanted.alias
    if existing_name(connection, prompt) != prompt:
        # The sender may not be allowed to know the new name.
        raise Conflict(f"{prompt} was renamed in the meantime", "try again")
    before = _there(connection, prompt, alias)
    require_condition(connection, prompt, alias, before, wanted.condition)
    move = replace(_decided(connection, wanted), reason=wanted.reason)
    if not move.is_needed:
        return Moved(move, before, before)
    (made,) = perform_on(connection, registry, [move], allow_breaking=wanted.allow_breaking)
    return Moved(made, before, _there(connection, prompt, alias))


def _decided(connection: sa.Connection, wanted: RequestedMove) -> AliasMove:
    if wanted.action == "rollback":
        return rollback(connection, wanted.prompt, wanted.alias)
    if wanted.action == "delete":
        return deletion(connection, wanted.prompt, wanted.alias)
    if wanted.action == "split":
        return splitting(connection, wanted.prompt, wanted.alias, wanted.arms)
    found = find_version(connection, PromptRef.parse(f"{wanted.prompt}:{wanted.selector}")).view
    return promotion(connection, wanted.prompt, AliasTarget(found.revision, found.id), wanted.alias)


def _there(connection: sa.Connection, prompt: PromptId, alias: str) -> AliasView | None:
    return next(iter(PromptRepository(connection).aliases(prompt, alias)), None)
