"""Chooses a version of a prompt by any selector, and finds it: in the registry, or in the file as it is."""

import re

import streamlit as st

from promptdb.dashboard import opened
from promptdb.dashboard.links import FILE
from promptdb.dashboard.registry.protocol import Registry
from promptdb.dashboard.showing.escaping import in_html
from promptdb.dashboard.showing.prompts import person_html, selector_of, version_name
from promptdb.dashboard.showing.tables import Html, badges_html, code_html, time_html
from promptdb.domain.digest import SHORT_DIGEST
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import LATEST
from promptdb.domain.views import PromptSummary
from promptdb.errors import PromptNotFound, VersionNotFound
from promptdb.project.single_file import prompt_from_view
from promptdb.project.view import WORK_TREE
from promptdb.render.renderable import RenderablePrompt
from promptdb.render.resolved import ResolvedPrompt

RECENT = 8
"""The newest versions in a list to choose from. All others are named by a selector."""

_SHOWN = re.compile(r"v?([1-9][0-9]{0,8})", re.ASCII)

_HELP = (
    "An alias, a version, or the file as it is. Or write any selector: v3, sha256:ab12cd34, git:COMMIT, a user_version."
)


def base_of(summary: PromptSummary) -> str:
    """Choose what a version is compared with: the main alias, another one, or the version before the newest."""
    main = opened.main_alias()
    before = selector_of(max(1, summary.revision - 1))
    return main if main in summary.aliases else next(iter(sorted(summary.aliases)), before)


def choose_version(label: str, parameter: str, summary: PromptSummary, default: str) -> str:
    """Ask for a version. The address keeps the selector under the name of the parameter."""
    newest = range(summary.revision, max(0, summary.revision - RECENT), -1)
    files = [FILE] if opened.checkout() is not None else []
    chosen = st.selectbox(
        label,
        [LATEST, *sorted(summary.aliases), *files, *map(selector_of, newest)],
        # Without an index, the address keeps what is chosen even if it is the default.
        index=None,
        placeholder=default,
        key=parameter,
        bind="query-params",
        accept_new_options=True,
        help=_HELP,
    )
    return (chosen or "").strip() or default


def find_version(registry: Registry, prompt: PromptId, selector: str) -> RenderablePrompt:
    """Find a version, or read the file if the selector is `FILE`.

    Raises:
        InvalidRef, NotFound: there is no such version, or no file.
        InvalidPrompts: the file is not a valid prompt.
    """
    if selector != FILE:
        return find_recorded(registry, prompt, selector)
    checkout = opened.checkout()
    if checkout is None:
        raise PromptNotFound("there is no checkout here, so no files", "choose a version")
    return prompt_from_view(prompt, checkout.settings, WORK_TREE)


def find_recorded(registry: Registry, prompt: PromptId, selector: str) -> ResolvedPrompt:
    """Find a version by a selector, or by the name that pages show, such as `v3`. Errors as in `Registry.version`."""
    try:
        return registry.version(f"{prompt}:{selector}")
    except VersionNotFound:
        # An alias or a `user_version` with this name would have been found.
        shown = _SHOWN.fullmatch(selector)
        if shown is None:
            raise
    return registry.version(f"{prompt}:{selector_of(int(shown[1]))}")


def version_line_html(found: RenderablePrompt, summary: PromptSummary) -> Html:
    """Name a version with its aliases, its digest and its time."""
    digest = code_html(str(found.trace_metadata["promptdb_digest"])[:SHORT_DIGEST])
    if not isinstance(found, ResolvedPrompt):
        return f'<p class="pdb-line"><strong>the file as it is</strong> {digest}</p>'
    version = found.version
    if not version.is_recorded:
        return f'<p class="pdb-line"><strong>commit {in_html(str(found.commit_id)[:12])}</strong> {digest}</p>'
    aliases = badges_html(alias for alias, revision in summary.aliases.items() if revision == version.revision)
    label = code_html(version.user_version) if version.user_version else ""
    who = f"recorded {time_html(version.created_at)} by {person_html(version.created_by)}"
    name = f"<strong>{version_name(version.revision)}</strong>"
    return f'<p class="pdb-line">{name} {aliases} {label} {digest}<br><span class="pdb-muted">{who}</span></p>'
