"""Moves an alias for a visitor, from the state that the page showed, and once for each state."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from promptdb.dashboard.registry.protocol import Registry
from promptdb.domain.aliases import AliasMove
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.splits import Arms
from promptdb.domain.views import AliasEventView, AliasView
from promptdb.errors import AliasMoved, PromptDBError

Action = Literal["promote", "split", "rollback"]

_MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Request:
    """A move that the page offers.

    Attributes:
        shown: the alias as the page shows it; None if it does not exist.
        revision: the version to which it goes, the control of a split.
        arms: those of a split.
    """

    prompt: PromptId
    alias: str
    action: Action
    shown: AliasView | None
    revision: int
    arms: Arms = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The fate of a request: it was made, or the alias had moved, or there was another reason against it.

    Attributes:
        move: the move that was made.
        meanwhile: the moves of others since the page was shown, the newest first. They are the reason that none was made.
        error: the other reason.
    """

    request: Request
    at: datetime
    move: AliasMove | None = None
    meanwhile: tuple[AliasEventView, ...] = ()
    error: PromptDBError | None = None


def make_move(
    opened: Callable[[], Registry], request: Request, reason: str | None, *, allow_breaking: bool = False
) -> Outcome:
    """Make a move if the alias is as the page showed it."""
    outcome = Outcome(request, datetime.now(UTC))
    try:
        registry = opened()
        try:
            # One that left and came back has the expected revision, but its movers knew what the page did not show.
            if _state(_there(registry, request)) == _state(request.shown):
                return replace(outcome, move=_moved(registry, request, reason, allow_breaking=allow_breaking))
        except AliasMoved:
            pass
        return replace(outcome, meanwhile=_meanwhile(registry, request))
    except PromptDBError as error:
        return replace(outcome, error=error)


def _moved(registry: Registry, request: Request, reason: str | None, *, allow_breaking: bool) -> AliasMove:
    expected = None if request.shown is None else request.shown.revision
    if request.action == "rollback":
        return registry.rollback(request.prompt, request.alias, expected=expected, reason=reason)
    if request.action == "split":
        return registry.split(
            request.prompt,
            request.alias,
            request.arms,
            expected=expected,
            reason=reason,
            allow_breaking=allow_breaking,
        )
    return registry.promote(
        request.prompt,
        request.alias,
        f"rev:{request.revision}",
        expected=expected,
        reason=reason,
        allow_breaking=allow_breaking,
    )


def _meanwhile(registry: Registry, request: Request) -> tuple[AliasEventView, ...]:
    newest, shown = registry.moves(request.prompt, request.alias, limit=_MOST_SHOWN).items, request.shown
    since = tuple(move for move in newest if shown is None or move.created_at > shown.updated_at)
    return since or newest[:1]


def _there(registry: Registry, request: Request) -> AliasView | None:
    aliases = registry.standing(request.prompt, limit=1, with_commits=False).aliases
    return next((alias for alias in aliases if alias.alias == request.alias), None)


def _state(alias: AliasView | None) -> tuple[int, int] | None:
    return None if alias is None else (alias.generation, alias.revision)
