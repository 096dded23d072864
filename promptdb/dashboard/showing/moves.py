"""Describes moves of aliases and syncs in lines."""

from promptdb.dashboard.showing.escaping import in_html
from promptdb.dashboard.showing.prompts import SHORT_COMMIT, shortened, version_name
from promptdb.dashboard.showing.tables import Html, badges_html, code_html, time_html
from promptdb.domain.aliases import RELEASE
from promptdb.domain.listing import SyncRun
from promptdb.domain.views import AliasEventView

_MAX_REASON = 300

_ACTIONS = {"rollback": "↩ rolled back", "delete": "removed", RELEASE: "released"}
"""Actions that are more than a move to another version."""


def move_html(move: AliasEventView) -> Html:
    """Describe a move: where the alias went, who moved it when and why, and what it broke."""
    before, after = ("nothing" if r is None else version_name(r) for r in (move.from_revision, move.to_revision))
    mark = badges_html([_ACTIONS[move.action]]) if move.action in _ACTIONS else ""
    by_sync = f" (sync {move.run_id})" if move.run_id is not None else ""
    step = f"<strong>{in_html(move.alias)}</strong> {before} → <strong>{after}</strong> {mark}"
    who = f"{time_html(move.created_at)} by {in_html(move.actor)}{by_sync}"
    why = f"<br>{in_html(shortened(move.reason, _MAX_REASON))}" if move.reason else ""
    broke = "".join(f"<br>⚠ breaking: {in_html(change.message)}" for change in move.breaking)
    return f'<p class="pdb-line">{step}<br><span class="pdb-muted">{who}</span>{why}{broke}</p>'


def run_html(run: SyncRun) -> Html:
    """Describe a sync: its commit, what it wrote, and who ran it when."""
    place = " ".join(filter(None, [in_html(run.git_ref or ""), code_html((run.commit_id or "")[:SHORT_COMMIT])]))
    where = place if run.commit_id else "without git"
    dirty = badges_html(["uncommitted files"]) if run.is_dirty else ""
    counts = ", ".join(f"{count:,} {in_html(name)}" for name, count in run.counts.items() if count) or "nothing new"
    outcome = "" if run.outcome == "applied" else badges_html([run.outcome])
    who = f"{time_html(run.finished_at)} by {in_html(run.created_by)}"
    return (
        f'<p class="pdb-line"><strong>sync {run.id}</strong> {where} {dirty} {outcome}<br>{counts}<br>'
        f'<span class="pdb-muted">{who}</span></p>'
    )
