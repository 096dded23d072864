"""Shows what a move of an alias changes for its callers: the contract, the settings and the texts."""

from collections.abc import Sequence

import streamlit as st

from promptdb.dashboard.links import to_comparison
from promptdb.dashboard.showing.escaping import in_html
from promptdb.dashboard.showing.page import show_heading, show_html, show_link, show_note
from promptdb.dashboard.showing.prompts import selector_of, version_name
from promptdb.dashboard.showing.tables import Html, badges_html, table_html
from promptdb.domain.changes import ContractChange, changed_parts
from promptdb.project.edits.write_version import sections
from promptdb.render.resolved import ResolvedPrompt
from promptdb.render.section_diff import DiffLine, section_diff
from promptdb.render.text_diff import shortened

MAX_LINES = 40
"""Lines of one difference that are shown. The page that compares has all."""

_MAX_WIDTH = 400
_CLASSES = {"+": "pdb-new", "-": "pdb-old", "@": "pdb-place", "\\": "pdb-place"}


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
        rows = [[badges_html(["breaking" if one.is_breaking else "safe"]), in_html(one.message)] for one in contract]
        show_html(table_html("Effects on callers", ("For callers", "Change"), rows))
    else:
        show_note("Callers pass and get the same as before.")
    texts = sections(old.spec), sections(new.spec)
    for heading, is_field in (("Settings", True), ("Text", False)):
        chosen = ([one for one in side if one.is_field is is_field] for side in texts)
        lines = list(section_diff(*chosen))
        if lines:
            show_heading(heading)
            show_html(_diff_html(lines))
            if len(lines) > MAX_LINES:
                show_note(f"The first {MAX_LINES} of {len(lines):,} lines.")


def _diff_html(lines: Sequence[DiffLine]) -> Html:
    body = "".join(_line_html(line) for line in lines[:MAX_LINES])
    return f'<pre class="pdb-text pdb-short" dir="auto" tabindex="0">{body}</pre>'


def _line_html(line: DiffLine) -> Html:
    text = in_html(shortened(str(line), 0, _MAX_WIDTH))
    return f'<span class="{_CLASSES.get(line.sign, "pdb-same")}">{text}\n</span>'
