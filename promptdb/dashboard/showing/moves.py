"""Describes moves of aliases: what moved where, who moved it, when and why."""

from datetime import datetime

from promptdb.dashboard.showing.escaping import in_attribute, in_html
from promptdb.dashboard.showing.prompts import version_name
from promptdb.dashboard.showing.tables import Html, badges_html
from promptdb.domain.aliases import RELEASE
from promptdb.domain.views import AliasEventView, BlameEntry

_MARKS = {"rollback": "rolled back", "delete": "deleted", RELEASE: "hold ended"}
"""Actions that a reader must not overlook. Others follow from the versions."""

HELD = "moved by hand, syncs leave it there"


def target_name(revision: int | None) -> str:
    return "no version" if revision is None else version_name(revision)


def utc_text(at: datetime) -> str:
    """Write a time in UTC to the minute."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def utc_html(at: datetime) -> Html:
    """Write a time as `utc_text` does, with the exact one for those who point at it."""
    exact = in_attribute(at.isoformat())
    return f'<time datetime="{exact}" title="{exact}">{utc_text(at)}</time>'


def mark_html(action: str) -> Html:
    """Mark a move that is more than one to another version."""
    return badges_html([_MARKS[action]]) if action in _MARKS else ""


def change_html(move: AliasEventView) -> Html:
    """Describe the old version and the new one, and the breaking changes that were allowed."""
    before, after = target_name(move.from_revision), target_name(move.to_revision)
    change = after if move.action == RELEASE else f"{before} → <strong>{after}</strong>"
    broke = "; ".join(change.message for change in move.breaking)
    allowed = f"<br>{badges_html(['breaking change allowed'])} {in_html(broke)}" if broke else ""
    return f'<p class="pdb-line">{change} {mark_html(move.action)}{allowed}</p>'


def who_html(move: AliasEventView | BlameEntry) -> Html:
    """Describe who moved an alias and why."""
    by = in_html(move.actor) if move.run_id is None else f"{in_html(move.actor)}, sync {move.run_id}"
    return f'<p class="pdb-line">{by}{_because(move.reason)}</p>'


def event_html(move: AliasEventView) -> Html:
    """Describe a move in one line, for a list of a few."""
    before, after = target_name(move.from_revision), target_name(move.to_revision)
    return (
        f'<p class="pdb-line">{utc_html(move.created_at)}: {in_html(move.actor)} moved it from {before} to '
        f"<strong>{after}</strong> {mark_html(move.action)}{_because(move.reason)}</p>"
    )


def _because(reason: str | None) -> Html:
    return f'<br><span class="pdb-reason">“{in_html(reason)}”</span>' if reason else ""
