"""The overview: live versions, differences of files, registry and aliases with their reasons, the latest moves and syncs."""

from collections.abc import Sequence

import streamlit as st

from promptdb.dashboard import opened
from promptdb.dashboard.differences import Difference, differences, what_changed
from promptdb.dashboard.links import (
    PROMPTS,
    Link,
    to_comparison,
    to_history,
    to_promotion,
    to_prompt,
    to_prompts,
)
from promptdb.dashboard.showing.escaping import in_html
from promptdb.dashboard.showing.moves import move_html, run_html
from promptdb.dashboard.showing.page import (
    show_error,
    show_heading,
    show_html,
    show_link,
    show_note,
    show_problems,
    show_title,
    show_warning,
)
from promptdb.dashboard.showing.prompts import selector_of, version_name
from promptdb.dashboard.showing.tables import Html, badges_html
from promptdb.domain.listing import Behind, SyncRun
from promptdb.domain.refs import LATEST
from promptdb.domain.views import AliasEventView
from promptdb.errors import PromptDBError
from promptdb.workspace import Workspace

SHOWN = 20
MOVES, RUNS = 8, 4
"""The items of each list. The other pages have the rest."""


def main() -> None:
    """Show each part as soon as it is known. The comparison with the files takes longest, and comes last."""
    show_title("Overview")
    registry, checkout = opened.registry(), opened.checkout()
    differing, recent = st.columns([3, 2], gap="large")
    with differing:
        files = st.container()
        news = registry.news(opened.main_alias(), SHOWN + 1, MOVES, RUNS)
        _show_behind(news.behind, opened.main_alias())
    with recent:
        _show_moves(news.moves)
        _show_runs(news.runs)
    with files:
        _show_files(checkout)


def _show_files(checkout: Workspace | None) -> None:
    show_heading("Files and registry")
    if checkout is None:
        show_note("This dashboard runs outside of a checkout, so it has no files to compare.")
        return
    try:
        with st.spinner("Comparing the files with the registry"):
            status = checkout.status()
    except PromptDBError as error:
        show_error(error)
        return
    origin, problems = status.tree.origin, status.tree.desired.problems
    if origin.commit_id is not None:
        place = f"{origin.git_ref or 'detached'} at {origin.commit_id[:10]}"
        show_note(f"The files are {place}{', with uncommitted changes' if origin.is_dirty else ''}.")
    if problems:
        show_warning("Some files have problems. They are compared as soon as they are valid.")
        show_problems(problems)
    found = differences(status.plan)
    for difference in found[:SHOWN]:
        _show_difference(difference)
    if len(found) > SHOWN:
        show_note(f"{len(found) - SHOWN:,} more. promptdb plan lists all.")
    if not found and not problems:
        show_html('<p class="pdb-line">✓ The files, the registry and the declared aliases are the same.</p>')


def _show_difference(difference: Difference) -> None:
    line = f"{badges_html([difference.between])} {in_html(difference.reason)}{_breaks_html(difference.breaks)}"
    if difference.link is not None and difference.link.leads_somewhere:
        with st.container(gap=None):
            show_link(difference.link, difference.subject)
            show_html(f'<p class="pdb-line">{line}</p>')
    else:
        show_html(f'<p class="pdb-line"><strong>{in_html(difference.subject)}</strong><br>{line}</p>')


def _breaks_html(breaks: Sequence[str]) -> Html:
    return "".join(f"<br>⚠ breaking: {in_html(message)}" for message in breaks)


def _show_behind(found: Sequence[Behind], alias: str) -> None:
    show_heading(f"Changed since {alias}")
    for one in found[:SHOWN]:
        with st.container(gap=None):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                show_link(to_prompt(one.prompt), str(one.prompt))
                state = f"{alias} {version_name(one.there)}, newest {version_name(one.newest)}"
                show_html(f'<p class="pdb-line">{in_html(state)}</p>', width="content")
                show_link(to_comparison(one.prompt, selector_of(one.there), LATEST), "Compare")
                show_link(to_promotion(one.prompt, alias, selector_of(one.newest)), "Promote")
            parts, breaks = what_changed(one)
            show_html(f'<p class="pdb-line">{badges_html(parts)}{_breaks_html(breaks)}</p>')
    if len(found) > SHOWN:
        show_link(Link(PROMPTS, {"behind": alias}), "All of them", icon=":material/chevron_right:")
    if not found:
        show_html(f'<p class="pdb-line">✓ Wherever {in_html(alias)} is set, it is at the newest version.</p>')
        show_link(to_prompts(), "All prompts")


def _show_moves(found: Sequence[AliasEventView]) -> None:
    show_heading("Latest moves")
    for move in found:
        with st.container(gap=None):
            show_link(to_prompt(move.prompt, move.alias), str(move.prompt))
            show_html(move_html(move))
    if found:
        show_link(to_history(), "All moves", icon=":material/chevron_right:")
    else:
        show_note("No alias was moved yet.")


def _show_runs(found: Sequence[SyncRun] | None) -> None:
    show_heading("Latest syncs")
    if found is None:
        show_note("Your token reads some namespaces only, and syncs concern all.")
        return
    for run in found:
        show_html(run_html(run))
    if not found:
        show_note("No sync was recorded yet.")


# Streamlit runs this file by itself.
if __name__ == "__main__":
    main()
