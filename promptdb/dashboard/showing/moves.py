"""Describes moves of aliases and syncs in lines."""

from datetime import datetime

from promptdb.dashboard.showing.escaping import in_html
from promptdb.dashboard.showing.prompts import SHORT_COMMIT, person_html, shortened, target_name
from promptdb.dashboard.showing.tables import Html, badges_html, code_html, time_html
from promptdb.domain.aliases import RELEASE
from promptdb.domain.listing import SyncRun
from promptdb.domain.views import AliasEventView, BlameEntry

_MAX_REASON = 300

_ACTIONS = {"rollback": "↩ rolled back", "delete": "removed", RELEASE: "released"}
"""Actions that are more than a move to another version."""

HELD = "moved by hand, syncs leave it there"


def utc_text(at: datetime) -> str:
    """Write a time in UTC to the minute."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def utc_html(at: datetime) -> Html:
    return time_html(at)


def mark_html(action: str) -> Html:
    """Mark an action that is more than a move to another version."""
    return badges_html([_ACTIONS[action]]) if action in _ACTIONS else ""


def change_html(move: AliasEventView) -> Html:
    """Describe where an alias went, and what that broke."""
    before, after = target_name(move.from_revision), target_name(move.to_revision, move.split)
    step = f"{before} → <strong>{after}</strong> {mark_html(move.action)}"
    return f'<p class="pdb-line">{step}{_broken_html(move)}</p>'


def who_html(move: AliasEventView | BlameEntry, most: int = _MAX_REASON) -> Html:
    """Describe who moved an alias and why, with a reason of at most so many characters."""
    return f'<p class="pdb-line">{_actor_html(move)}{_reason_html(move, most)}</p>'


def move_html(move: AliasEventView) -> Html:
    """Describe a move: where the alias went, who moved it when and why, and what it broke."""
    before, after = target_name(move.from_revision), target_name(move.to_revision, move.split)
    step = f"<strong>{in_html(move.alias)}</strong> {before} → <strong>{after}</strong> {mark_html(move.action)}"
    who = f"{utc_html(move.created_at)} by {_actor_html(move)}"
    rest = f"{_reason_html(move)}{_broken_html(move)}"
    return f'<p class="pdb-line">{step}<br><span class="pdb-muted">{who}</span>{rest}</p>'


def _actor_html(move: AliasEventView | BlameEntry) -> Html:
    return person_html(move.actor) + (f" (sync {move.run_id})" if move.run_id is not None else "")


def _reason_html(move: AliasEventView | BlameEntry, most: int = _MAX_REASON) -> Html:
    return f"<br>{in_html(shortened(move.reason, most))}" if move.reason else ""


def _broken_html(move: AliasEventView) -> Html:
    return "".join(f"<br>⚠ breaking: {in_html(change.message)}" for change in move.breaking)


def run_html(run: SyncRun) -> Html:
    """Describe a sync: its commit, what it wrote, and who ran it when."""
    place = " ".join(filter(None, [in_html(run.git_ref or ""), code_html((run.commit_id or "")[:SHORT_COMMIT])]))
    where = place if run.commit_id else "without git"
    dirty = badges_html(["uncommitted files"]) if run.is_dirty else ""
    counts = ", ".join(f"{count:,} {in_html(name)}" for name, count in run.counts.items() if count) or "nothing new"
    outcome = "" if run.outcome == "applied" else badges_html([run.outcome])
    who = f"{time_html(run.finished_at)} by {person_html(run.created_by)}"
    return (
        f'<p class="pdb-line"><strong>sync {run.id}</strong> {where} {dirty} {outcome}<br>{counts}<br>'
        f'<span class="pdb-muted">{who}</span></p>'
    )
