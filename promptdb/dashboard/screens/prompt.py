"""One version of a prompt: its text, its contract, its files, and the versions around it."""

import streamlit as st

from promptdb.dashboard import opened
from promptdb.dashboard.links import (
    PROMPT,
    Link,
    to_comparison,
    to_history,
    to_promotion,
    to_prompt,
    to_trial,
)
from promptdb.dashboard.registry.protocol import PAGE, Standing
from promptdb.dashboard.showing.page import (
    named_prompt,
    show_heading,
    show_html,
    show_link,
    show_note,
    show_title,
)
from promptdb.dashboard.showing.prompts import selector_of, target_name, version_html, version_name
from promptdb.dashboard.showing.specs import show_assets, show_contract, show_fragments, show_sections
from promptdb.dashboard.showing.tables import badges_html, code_html, facts_html, time_html
from promptdb.domain.refs import LATEST
from promptdb.project.edits.write_version import prompt_text
from promptdb.render.resolved import ResolvedPrompt


def main() -> None:
    """Show the version that the address names, beside a list of all."""
    name = named_prompt("Prompt")
    if name is None:
        return
    query = st.query_params.to_dict()
    before = query.get("before", "")
    show_title(name)
    registry = opened.registry()
    found = registry.version(f"{name}:{query.get('version', LATEST)}")
    standing = registry.standing(found.prompt, int(before) if before.isdigit() and len(before) < 10 else None)
    _show_head(found, standing)
    text, versions = st.columns([5, 3], gap="large")
    with text:
        show_sections(found)
        show_contract(found)
        show_fragments(found)
        show_assets(found, query)
    with versions:
        _show_aliases(found, standing)
        _show_versions(found, standing, query)


def _show_head(found: ResolvedPrompt, standing: Standing) -> None:
    version, metadata = found.version, found.spec.metadata
    if metadata.title is not None:
        show_note(metadata.title)
    if found.renamed_to is not None:
        show_note(f"The address has an earlier name of {found.renamed_to}.")
    if found.archived:
        show_note("This prompt has no file any more. Its versions stay.")
    pointing = [alias.alias for alias in standing.aliases if alias.version_id == version.id]
    shown = version_name(version.revision) if version.is_recorded else f"commit {str(found.commit_id)[:12]}"
    facts = [
        ("Version", f"<strong>{shown}</strong> {badges_html(pointing)}"),
        ("Label", code_html(version.user_version) if version.user_version else None),
        ("Recorded", time_html(version.created_at) if version.is_recorded else None),
        ("Owners", badges_html(metadata.owners)),
        ("Tags", badges_html(metadata.tags, "#")),
        ("Digest", code_html(version.spec_hash[:15])),
    ]
    show_html(facts_html(facts))
    if metadata.description:
        show_note(metadata.description)
    selector = selector_of(version.revision) if version.is_recorded else LATEST
    with st.container(horizontal=True, vertical_alignment="center"):
        aliases = {alias.alias for alias in standing.aliases}
        base = "production" if "production" in aliases else next(iter(sorted(aliases)), LATEST)
        show_link(to_comparison(found.prompt, base, selector), "Compare", icon=":material/difference:")
        show_link(to_trial(found.prompt, selector), "Try", icon=":material/play_arrow:")
        show_link(to_promotion(found.prompt, selector=selector), "Promote", icon=":material/publish:")
        show_link(to_history(found.prompt), "History", icon=":material/history:")
        st.download_button(
            "Download as a file",
            lambda: prompt_text(found.spec),
            file_name=f"{found.prompt.name}.yaml",
            mime="application/yaml",
            on_click="ignore",
            icon=":material/download:",
        )


def _show_aliases(found: ResolvedPrompt, standing: Standing) -> None:
    show_heading("Aliases")
    for alias in standing.aliases:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            show_link(to_prompt(found.prompt, alias.alias), alias.alias)
            held = " moved by hand, syncs leave it there" if alias.held else ""
            show_html(
                f'<p class="pdb-line">{target_name(alias.revision, alias.split)} since {time_html(alias.updated_at)}{held}</p>'
            )
    if not standing.aliases:
        show_note("No alias points at this prompt.")


def _show_versions(found: ResolvedPrompt, standing: Standing, query: dict[str, str]) -> None:
    show_heading("Versions")
    link = opened.file_link()
    for entry in standing.versions:
        number, about = st.columns([1, 4])
        is_shown = entry.version.id == found.version.id
        with number:
            revision = entry.version.revision
            show_link(to_prompt(found.prompt, selector_of(revision)), version_name(revision))
        with about:
            show_html(version_html(entry, link, is_shown=is_shown))
    revisions = [entry.version.revision for entry in standing.versions]
    with st.container(horizontal=True):
        if "before" in query:
            rest = {name: value for name, value in query.items() if name != "before"}
            newer = {} if not revisions else {"before": str(revisions[0] + PAGE + 1)}
            show_link(Link(PROMPT, rest), "Newest", icon=":material/first_page:")
            show_link(Link(PROMPT, {**rest, **newer}), "Newer", icon=":material/chevron_left:")
        if revisions and revisions[-1] > 1:
            show_link(Link(PROMPT, {**query, "before": str(revisions[-1])}), "Older", icon=":material/chevron_right:")


# Streamlit runs this file by itself.
if __name__ == "__main__":
    main()
