"""Shows what a move of an alias changes: the effects on callers, the settings and the texts, in short."""

import streamlit as st

from promptdb.dashboard.links import to_comparison
from promptdb.dashboard.showing.diffs import Left, diff_html
from promptdb.dashboard.showing.effects import effects_html
from promptdb.dashboard.showing.page import show_heading, show_html, show_link, show_note
from promptdb.dashboard.showing.prompts import selector_of, version_name
from promptdb.dashboard.showing.tables import badges_html
from promptdb.project.comparison import Comparison
from promptdb.render.resolved import ResolvedPrompt

MAX_LINES = 80
"""Lines of all differences that are shown. The page that compares has more."""


def show_review(old: ResolvedPrompt, new: ResolvedPrompt, found: Comparison) -> None:
    """Show the differences of two versions, those that break callers first."""
    before, after = (version_name(one.version.revision) for one in (old, new))
    show_heading(f"Changes from {before} to {after}")
    if not found.parts:
        show_note("Both versions have the same content.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        show_html(f'<p class="pdb-line">Different: {badges_html(found.parts)}</p>', width="content")
        selectors = selector_of(old.version.revision), selector_of(new.version.revision)
        show_link(to_comparison(new.prompt, *selectors), "Compare in full", icon=":material/difference:")
    if found.contract:
        show_html(effects_html(found.contract))
    else:
        show_note("✓ No effects on callers: they pass the same values and read the same answers.")
    left = Left(lines=MAX_LINES)
    texts = sorted(found.texts, key=lambda text: not text.is_field)
    show_html("".join(diff_html(text, "Unified", left) for text in texts))
