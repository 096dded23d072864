"""The moves of aliases, the newest first, and what each alias pointed at at a time."""

from datetime import UTC, datetime, timedelta

import streamlit as st

from promptdb.dashboard import opened
from promptdb.dashboard.links import HISTORY, Link, to_history, to_prompt
from promptdb.dashboard.registry.protocol import Listing
from promptdb.dashboard.showing.address import text_field
from promptdb.dashboard.showing.moves import change_html, mark_html, utc_html, utc_text, who_html
from promptdb.dashboard.showing.page import show_empty, show_error, show_heading, show_html, show_link, show_title
from promptdb.dashboard.showing.prompts import SHORT_COMMIT, selector_of, target_name
from promptdb.dashboard.showing.tables import badges_html, code_html
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.views import AliasEventView, BlameEntry
from promptdb.errors import InvalidRef, NotFound

_AGES = {"1 hour ago": timedelta(hours=1), "1 day ago": timedelta(days=1), "1 week ago": timedelta(weeks=1)}
_MOVE_WIDTHS = [4, 5, 4, 5]
_STATE_WIDTHS = [5, 3, 4, 5]


def main() -> None:
    """Show the filters, and one page of moves, or of what ran at the time that the address has."""
    show_title("History")
    columns = st.columns([3, 2, 3])
    with columns[2]:
        at = text_field("at", "State at (UTC)", "2026-11-30 14:05")
    with columns[0]:
        name = text_field("name", "Prompt", "support/triage")
    with columns[1]:
        alias = text_field("alias", "Alias", "production", disabled=bool(at))
    with columns[2]:
        _show_times(name, at)
    cursor = st.query_params.get("cursor")
    try:
        prompt = PromptId.parse(name) if name else None
        moment = time_in(at) if at else None
        registry = opened.registry()
        if moment is None:
            _show_moves(registry.moves(prompt, alias or None, cursor), is_first=cursor is None)
        else:
            _show_state(registry.blame(moment, prompt, cursor), moment, is_first=cursor is None)
    except (InvalidRef, NotFound) as error:
        show_error(error)


def time_in(text: str) -> datetime:
    """Read a time. Without an offset, it is in UTC.

    Raises:
        InvalidRef: it is none.
    """
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        hint = "write 2026-11-30, 2026-11-30 14:05 or 2026-11-30T14:05:30+01:00"
        raise InvalidRef(f"{text!r} is not a time", hint) from error


def _show_times(name: str, at: str) -> None:
    now, only = datetime.now(UTC).replace(microsecond=0), {"name": name} if name else {}
    with st.container(horizontal=True, gap="small"):
        for title, age in {"Now": timedelta(), **_AGES}.items():
            show_link(Link(HISTORY, {**only, "at": (now - age).isoformat()}), title)
        if at:
            show_link(Link(HISTORY, only), "All moves", icon=":material/history:")


def _show_moves(found: Listing[AliasEventView], *, is_first: bool) -> None:
    if not found.items:
        show_empty("No alias has moved.", "Promotions, rollbacks and syncs that move an alias are listed here.")
    for move in found.items:
        when, what, change, who = st.columns(_MOVE_WIDTHS)
        with when:
            tip = "Every alias at that time"
            show_link(to_history(at=move.created_at), utc_text(move.created_at), help=tip)
        with what:
            _show_alias(move.prompt, move.to_revision, move.alias)
        with change:
            show_html(change_html(move))
        with who:
            show_html(who_html(move))
    _show_pages(found.following, is_first=is_first)


def _show_alias(prompt: PromptId, revision: int | None, alias: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        show_link(to_prompt(prompt, None if revision is None else selector_of(revision)), str(prompt))
        show_html(f'<p class="pdb-line">{badges_html([alias])}</p>', width="content")


def _show_state(found: Listing[BlameEntry], moment: datetime, *, is_first: bool) -> None:
    show_heading(f"Aliases at {moment:%Y-%m-%d %H:%M:%S} UTC")
    if not found.items:
        show_empty("No alias pointed at anything then.")
    for entry in found.items:
        what, version, moved, who = st.columns(_STATE_WIDTHS)
        with what:
            _show_alias(entry.prompt, entry.revision, entry.alias)
        with version:
            commit = code_html(entry.commit_id[:SHORT_COMMIT]) if entry.commit_id else ""
            show_html(f'<p class="pdb-line"><strong>{target_name(entry.revision, entry.split)}</strong> {commit}</p>')
        with moved:
            show_html(f'<p class="pdb-line">since {utc_html(entry.moved_at)} {mark_html(entry.action)}</p>')
        with who:
            show_html(who_html(entry))
    _show_pages(found.following, is_first=is_first)


def _show_pages(following: str | None, *, is_first: bool) -> None:
    query = {name: value for name, value in st.query_params.to_dict().items() if name != "cursor"}
    with st.container(horizontal=True):
        if not is_first:
            show_link(Link(HISTORY, query), "First page", icon=":material/first_page:")
        if following is not None:
            show_link(Link(HISTORY, {**query, "cursor": following}), "Next page", icon=":material/chevron_right:")


# Streamlit runs this file by itself.
if __name__ == "__main__":
    main()
