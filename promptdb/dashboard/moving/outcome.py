"""Shows what became of the last request to move an alias. The page has no button then, so that no click follows by accident."""

from dataclasses import dataclass

import streamlit as st

from promptdb.dashboard import opened
from promptdb.dashboard.links import to_history, to_prompt
from promptdb.dashboard.moving.request import Outcome, Request, make_move
from promptdb.dashboard.showing.escaping import in_markdown
from promptdb.dashboard.showing.moves import move_html, utc_text
from promptdb.dashboard.showing.page import show_error, show_html, show_link, show_note
from promptdb.dashboard.showing.prompts import selector_of, target_name
from promptdb.domain.aliases import AliasMove
from promptdb.domain.views import AliasView
from promptdb.errors import Unauthorized

_KEY = "outcome of a move"


@dataclass(frozen=True, slots=True)
class _Noted:
    outcome: Outcome
    address: dict[str, str]


class _Memory:
    """Keeps the outcome of the last request of a session, and its reason for the next attempt if nothing was moved."""

    noted: _Noted | None = None
    reason: str = ""


def _memory() -> _Memory:
    memory: _Memory = st.session_state.setdefault(_KEY, _Memory())
    return memory


def send(request: Request, reason_key: str, *, allow_breaking: bool) -> None:
    """Make a move, and note what became of it for this address. A second click on the same button does nothing."""
    # Asked for before the move: each use of Streamlit's state may end this run, for a click that came meanwhile.
    memory, address = _memory(), st.query_params.to_dict()
    reason = (st.session_state.get(reason_key) or "").strip() or None
    last = memory.noted.outcome if memory.noted is not None else None
    if last is None or last.request != request or last.move is None:
        last = make_move(opened.registry, request, reason, allow_breaking=allow_breaking)
        memory.noted = _Noted(last, address)
    memory.reason = "" if last.move is not None else reason or ""
    if last.move is not None:
        st.session_state[reason_key] = ""


def noted() -> Outcome | None:
    """Return what became of the last request at this address."""
    found = _memory().noted
    return found.outcome if found is not None and found.address == st.query_params.to_dict() else None


def kept_reason() -> str:
    """Return the reason of a request that moved nothing. Its field is not on the page that says so."""
    return _memory().reason


def _forget() -> None:
    _memory().noted = None


def show_outcome(shown: AliasView | None) -> bool:
    """Show what became of the last request, and return if the page must wait until the visitor has seen it.

    Args:
        shown: the alias as it is now.
    """
    outcome = noted()
    if outcome is None:
        return False
    if isinstance(outcome.error, Unauthorized):
        # The page has been read since, so the present token works.
        _forget()
        st.warning("The server did not accept the token, so nothing was moved.", icon=":material/key:")
        return False
    if outcome.error is not None:
        show_error(outcome.error)
        return False
    if outcome.move is not None:
        _show_made(outcome, outcome.move, shown)
    else:
        _show_lost(outcome, shown)
    return True


def _show_made(outcome: Outcome, move: AliasMove, shown: AliasView | None) -> None:
    before, after = target_name(move.from_revision, move.from_split), target_name(move.to_revision, move.to_split)
    done = "rolled back" if move.action == "rollback" else "moved"
    said = f"{move.alias} {done} from {before} to {after} at {utc_text(outcome.at)}."
    if not move.is_needed:
        said = f"{move.alias} was at {after} already. Nothing was moved."
    if move.breaking:
        said += " The history records what this breaks."
    st.success(in_markdown(said), icon=":material/check_circle:")
    if shown is not None and (shown.revision, shown.split) != (move.to_revision, move.to_split):
        st.warning(in_markdown(f"Someone moved it since. It is at {target_name(shown.revision, shown.split)} now."))
    elif shown is not None and shown.held:
        show_note(
            f"Git has another version for it. Syncs leave it there until 'promptdb alias release {move.prompt} {move.alias}'."
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        if move.to_revision is not None:
            show_link(to_prompt(move.prompt, selector_of(move.to_revision)), f"{move.prompt} {after}")
        show_link(to_history(move.prompt), "History", icon=":material/history:")
        st.button("Make another move", on_click=_forget)


def _show_lost(outcome: Outcome, shown: AliasView | None) -> None:
    alias = outcome.request.alias
    now = target_name(None) if shown is None else target_name(shown.revision, shown.split)
    said = f"{alias} was not moved, because it has changed since you opened this page. It is at {now} now."
    st.warning(in_markdown(said), icon=":material/sync_problem:")
    for move in outcome.meanwhile:
        show_html(move_html(move))
    with st.container(horizontal=True, vertical_alignment="center"):
        show_link(to_history(outcome.request.prompt), "History", icon=":material/history:")
        st.button("Decide again", on_click=_forget)
