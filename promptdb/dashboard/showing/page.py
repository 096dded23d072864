"""Puts parts of pages on the screen: links, headings, errors and empty states."""

import logging
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import streamlit as st

from promptdb.dashboard.links import Link, to_prompts
from promptdb.dashboard.showing.escaping import in_html, in_markdown
from promptdb.dashboard.showing.remedies import remedy, ways_on
from promptdb.dashboard.showing.tables import Html
from promptdb.domain.hints import without_commands
from promptdb.errors import InvalidPrompts, PromptDBError
from promptdb.problems import Problem
from promptdb.settings import load_settings

# For the tab: Streamlit loads an icon with a name from the internet.
ICON = Path(__file__).with_name("icon.png")
_MAX_PROBLEMS = 20
_log = logging.getLogger("promptdb")


@cache
def _style() -> str:
    return f"<style>{Path(__file__).with_name('style.css').read_text(encoding='utf-8')}</style>"


def show_style() -> None:
    st.html(_style())


def show_html(html: Html, *, width: Literal["stretch", "content"] = "stretch") -> None:
    """Show HTML that the functions of this folder made."""
    st.html(html, width=width)


def show_title(text: str, about: str | None = None) -> None:
    """Show the title of a page, and a line about it."""
    st.title(in_markdown(text), anchor=False)
    if about is not None:
        show_note(about)


def show_heading(text: str) -> None:
    st.subheader(in_markdown(text), anchor=False)


def show_note(text: str) -> None:
    show_html(f'<p class="pdb-note">{in_html(text)}</p>')


def show_link(link: Link, label: str, *, icon: str | None = None, help: str | None = None) -> None:  # noqa: A002
    """Show a link to another page, which keeps the session. Nothing, if this dashboard does not have the page."""
    if link.leads_somewhere:
        tip = None if help is None else in_markdown(help)
        st.page_link(link.screen.script, label=in_markdown(label), query_params=dict(link.query), icon=icon, help=tip)


def show_empty(text: str, remedy: str | None = None) -> None:
    """Say that there is nothing to show, and what would change that."""
    more = "" if remedy is None else f"  \n{in_markdown(remedy)}"
    st.info(in_markdown(text) + more, icon=":material/info:")


def named_prompt(title: str) -> str | None:
    """Return the prompt that the address names. If it names none, say so under the title of the page."""
    name = st.query_params.get("name")
    if not name:
        show_title(title)
        show_empty("The address names no prompt.", "Choose one in the list of prompts.")
        show_link(to_prompts(), "Prompts")
    return name or None


def show_warning(text: str) -> None:
    """Show what a visitor should know before the next click."""
    st.warning(in_markdown(text), icon=":material/warning:")


def show_error(error: PromptDBError) -> None:
    """Show an error with its remedy, and links that lead on from it."""
    hint = remedy(error, is_remote=load_settings().url is not None)
    if hint != without_commands(error.hint):
        # The person who runs the dashboard reads its log.
        _log.warning("%s; hint: %s", error.message, error.hint)
    st.error(in_markdown(error.message) + ("" if hint is None else f"  \n{in_markdown(hint)}"), icon=":material/error:")
    if isinstance(error, InvalidPrompts):
        show_problems(error.problems)
    if found := ways_on(error, st.query_params.get("name")):
        with st.container(horizontal=True):
            for label, link in found:
                show_link(link, label)


def show_problems(problems: Sequence[Problem]) -> None:
    """Show the first problems of prompt files with their places."""
    lines = [str(problem) for problem in problems[:_MAX_PROBLEMS]]
    if len(problems) > _MAX_PROBLEMS:
        lines.append(f"{len(problems) - _MAX_PROBLEMS:,} more: promptdb check lists all")
    st.code("\n".join(lines), language=None, wrap_lines=True)
