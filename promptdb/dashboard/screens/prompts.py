"""The prompts of the registry, by namespace, tag, owner and text."""

import streamlit as st

from promptdb.dashboard import opened
from promptdb.dashboard.links import PROMPTS, Link, to_prompt
from promptdb.dashboard.registry.protocol import Listing
from promptdb.dashboard.showing.page import show_empty, show_html, show_link, show_note, show_title
from promptdb.dashboard.showing.prompts import about_prompt_html, state_of_prompt_html
from promptdb.domain.listing import ListedPrompt, PromptFilter

MAX_FILTER = 200
FILTERS = {
    "q": ("Text", "name, title, description, template", "A part of a name, title, description or template."),
    "namespace": ("Namespace", "support/eu", "This namespace, and those below it."),
    "tag": ("Tag", "a whole tag", "One tag, as it is written in the file."),
    "owner": ("Owner", "a whole owner", "One owner, as it is written in the file."),
}
"""The parameter of each filter, its label, an example, and what it searches."""

SPECIAL = {
    "fragment": "Only prompts that include the fragment {}.",
    "behind": "Only prompts that changed since {}.",
}
"""Filters that come from links of other pages, and the line that says so."""


def main() -> None:
    """Show the filters, and one page of what they take."""
    show_title("Prompts")
    for column, (name, (label, example, about)) in zip(st.columns([2, 1, 1, 1]), FILTERS.items(), strict=True):
        column.text_input(
            label,
            key=name,
            bind="query-params",
            placeholder=example,
            help=about,
            max_chars=MAX_FILTER,
            on_change=_forget_place,
            icon=":material/search:" if name == "q" else None,
        )
    # The browser writes the filters into the address a moment later.
    filters = {name: value for name in FILTERS if (value := _filter(name)) is not None}
    special = {name: st.query_params[name] for name in SPECIAL if name in st.query_params}
    for name, value in special.items():
        show_note(SPECIAL[name].format(value))
    if special:
        show_link(Link(PROMPTS, filters), "Show all prompts")
    filters, cursor = {**filters, **special}, st.query_params.get("cursor")
    wanted = PromptFilter(
        namespace=filters.get("namespace"),
        tag=filters.get("tag"),
        owner=filters.get("owner"),
        text=filters.get("q"),
        fragment=filters.get("fragment"),
        behind=filters.get("behind"),
    )
    _show(opened.registry().prompts(wanted, cursor), filters, is_first=cursor is None)


def _filter(name: str) -> str | None:
    return str(st.session_state.get(name) or "").strip("/" if name == "namespace" else None) or None


def _forget_place() -> None:
    # The cursor is a place in the list of other filters.
    st.query_params.pop("cursor", None)


def _show(found: Listing[ListedPrompt], filters: dict[str, str], *, is_first: bool) -> None:
    for listed in found.items:
        name, about, state = st.columns([3, 4, 3], vertical_alignment="center")
        with name:
            show_link(to_prompt(listed.summary.prompt), str(listed.summary.prompt))
        with about:
            show_html(about_prompt_html(listed))
        with state:
            show_html(state_of_prompt_html(listed))
    if found.items:
        _show_pages(found.following, filters, is_first=is_first)
    elif filters or not is_first:
        show_empty("No prompt matches these filters.", "Remove one of them, or shorten the text.")
    else:
        show_empty("The registry has no prompt yet.", "promptdb sync records the prompt files of a checkout.")


def _show_pages(following: str | None, filters: dict[str, str], *, is_first: bool) -> None:
    with st.container(horizontal=True):
        if not is_first:
            show_link(Link(PROMPTS, filters), "First page", icon=":material/first_page:")
        if following is not None:
            show_link(Link(PROMPTS, {**filters, "cursor": following}), "Next page", icon=":material/chevron_right:")


# Streamlit runs this file by itself.
if __name__ == "__main__":
    main()
