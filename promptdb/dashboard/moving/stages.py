"""Shows the aliases of a prompt as a row of stages, the protected ones last."""

from collections.abc import Collection, Mapping, Sequence

import streamlit as st

from promptdb.dashboard.links import to_promotion
from promptdb.dashboard.showing.escaping import in_html
from promptdb.dashboard.showing.moves import HELD, mark_html, utc_html, who_html
from promptdb.dashboard.showing.page import show_heading, show_html, show_link, show_note
from promptdb.dashboard.showing.prompts import target_name
from promptdb.dashboard.showing.tables import Html, badges_html
from promptdb.domain.views import AliasView, BlameEntry

_MOST_SHOWN = 12
_WIDTH = 260
_MAX_REASON = 100


def show_stages(
    aliases: Sequence[AliasView], last: Mapping[str, BlameEntry], protected: Collection[str], chosen: str | None
) -> None:
    """Show where each alias is, since when, and who moved it there. A click chooses it."""
    show_heading("Aliases")
    if not aliases:
        show_note("No alias points at this prompt.")
        return
    in_order = sorted(aliases, key=lambda alias: (alias.alias in protected, alias.alias))
    with st.container(horizontal=True, gap="small"):
        for alias in in_order[:_MOST_SHOWN]:
            with st.container(border=True, width=_WIDTH, gap="xxsmall"):
                show_link(to_promotion(alias.prompt, alias.alias), alias.alias)
                is_chosen, is_protected = alias.alias == chosen, alias.alias in protected
                show_html(_state_html(alias, last.get(alias.alias), is_chosen=is_chosen, is_protected=is_protected))
    if len(in_order) > _MOST_SHOWN:
        show_note(f"And {len(in_order) - _MOST_SHOWN:,} more, which the field below offers.")


def _state_html(alias: AliasView, last: BlameEntry | None, *, is_chosen: bool, is_protected: bool) -> Html:
    marks = badges_html([*(["selected"] if is_chosen else []), *(["protected"] if is_protected else [])])
    version = f"<strong>{target_name(alias.revision, alias.split)}</strong> {marks}"
    state = f'<p class="pdb-line">{version}<br>since {utc_html(alias.updated_at)}</p>'
    # Another move may have come between the two questions.
    known = last is not None and last.version_id == alias.version_id
    who = f"{mark_html(last.action)}{who_html(last, _MAX_REASON)}" if known and last is not None else ""
    held = f'<p class="pdb-line">{badges_html(["held"])} {in_html(HELD)}</p>' if alias.held else ""
    return f"{state}{who}{held}"
