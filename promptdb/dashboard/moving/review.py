"""Shows what a move of an alias changes for its callers: the contract, the settings and the texts."""

from collections.abc import Sequence

import streamlit as st

from promptdb.dashboard.links import to_comparison
from promptdb.dashboard.showing.diffs import Left, diff_html
from promptdb.dashboard.showing.effects import effects_html
from promptdb.dashboard.showing.page import show_heading, show_html, show_link, show_note
from promptdb.dashboard.showing.prompts import selector_of, version_name
from promptdb.dashboard.showing.tables import badges_html
from promptdb.domain.changes import ContractChange, changed_parts
from promptdb.project.edits.write_version import sections
from promptdb.render.resolved import ResolvedPrompt
from promptdb.render.section_diff import changed_texts

MAX_LINES = 80
"""Lines that are shown. The page that compares has more."""


def show_review(old: ResolvedPrompt, new: ResolvedPrompt, contract: Sequence[ContractChange]) -> None:
    """Show the differences of two versions in short, those that break callers first."""
    before, after = (version_name(one.version.revision) for one in (old, new))
    show_heading(f"Changes from {before} to {after}")
    parts = changed_parts(old.spec, new.spec)
    if not parts:
        show_note("Both versions have the same content.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        show_html(f'<p class="pdb-line">Different: {badges_html(parts)}</p>', width="content")
        selectors = selector_of(old.version.revision), selector_of(new.version.revision)
        show_link(to_comparison(new.prompt, *selectors), "Compare in full", icon=":material/difference:")
    if contract:
        show_html(effects_html(contract))
    else:
        show_note("Callers pass and get the same as before.")
    texts, left = list(changed_texts(sections(old.spec), sections(new.spec))), Left(lines=MAX_LINES)
    for heading, is_field in (("Settings", True), ("Text", False)):
        shown = [diff_html(text, "Unified", left) for text in texts if text.is_field is is_field]
        if shown:
            show_heading(heading)
            show_html("".join(shown))
