"""Two versions of a prompt, or a version and the file as it is: what callers notice, texts, settings and renders."""

from dataclasses import dataclass

import streamlit as st

from promptdb.dashboard import opened
from promptdb.dashboard.inputs import Values
from promptdb.dashboard.links import COMPARE, to_comparison, to_prompt, to_trial
from promptdb.dashboard.registry.protocol import Registry
from promptdb.dashboard.showing.diffs import MARKS_NOTE, Left, View, diff_html
from promptdb.dashboard.showing.effects import assets_html, effects_html
from promptdb.dashboard.showing.input_form import INPUTS, ask_for_values, show_missing
from promptdb.dashboard.showing.page import (
    named_prompt,
    show_empty,
    show_error,
    show_heading,
    show_html,
    show_link,
    show_note,
    show_title,
)
from promptdb.dashboard.showing.rendered import render_as, sections_of, show_messages
from promptdb.dashboard.showing.tables import facts_html
from promptdb.dashboard.showing.versions import base_of, choose_version, find_version, version_line_html
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import LATEST
from promptdb.domain.spec import Variable
from promptdb.domain.views import PromptSummary
from promptdb.errors import MissingVariables, PromptDBError, Unauthorized
from promptdb.project.comparison import compare
from promptdb.render.messages import RenderedMessage
from promptdb.render.renderable import RenderablePrompt
from promptdb.render.section_diff import ChangedText, changed_texts

_VIEWS: list[View] = ["Split", "Unified"]
"""The names are those in the address too."""


@dataclass(frozen=True)
class _Side:
    """One of the two, by its selector: a prompt, or the reason why there is none."""

    selector: str
    found: RenderablePrompt | None
    error: PromptDBError | None = None


def main() -> None:
    """Show the choice of two versions, and below what differs."""
    name = named_prompt("Compare")
    if name is None:
        return
    show_title(f"Compare {name}")
    registry = opened.registry()
    summary = registry.prompt(PromptId.parse(name)).summary
    old, new = _choose(registry, summary)
    bar = st.container(horizontal=True, vertical_alignment="center")
    view: View = bar.segmented_control(
        "View",
        _VIEWS,
        default=_VIEWS[0],
        required=True,
        key="view",
        bind="query-params",
        label_visibility="collapsed",
    )
    if old.found is not None and new.found is not None:
        if old.found.spec_json == new.found.spec_json:
            show_empty("Both have the same content.", "Choose another version.")
        else:
            _show_differences(old.found, new.found, view)
            _show_renders(summary.prompt, old.found, new.found, view)
    with bar:
        # After the form, which may have changed the inputs.
        inputs = st.query_params.get(INPUTS)
        # Streamlit removes a default from the address, which would be one more step back.
        other_view = None if view == _VIEWS[0] else view
        swapped = to_comparison(summary.prompt, new.selector, old.selector, view=other_view, inputs=inputs)
        show_link(swapped, "Swap", icon=":material/swap_horiz:")
        show_link(to_prompt(summary.prompt), "Prompt", icon=":material/description:")
        show_link(to_trial(summary.prompt, new.selector, inputs), f"Try {new.selector}", icon=":material/play_arrow:")


def _choose(registry: Registry, summary: PromptSummary) -> tuple[_Side, _Side]:
    left, right = st.columns(2, gap="large")
    sides = []
    for column, label, parameter, default in (
        (left, "From", "from", base_of(summary)),
        (right, "To", "to", LATEST),
    ):
        with column:
            side = _find(registry, summary.prompt, choose_version(label, parameter, summary, default))
            sides.append(side)
            if side.found is not None:
                show_html(version_line_html(side.found, summary))
            if side.error is not None:
                show_error(side.error)
    old, new = sides
    return old, new


def _find(registry: Registry, prompt: PromptId, selector: str) -> _Side:
    try:
        return _Side(selector, find_version(registry, prompt, selector))
    except Unauthorized:
        raise
    except PromptDBError as error:
        return _Side(selector, None, error)


def _show_differences(old: RenderablePrompt, new: RenderablePrompt, view: View) -> None:
    with st.spinner("Comparing"):
        found = compare(old.spec, new.spec)
    show_html(facts_html([("Changed:", ", ".join(found.parts))]))
    show_heading("Effects on callers")
    if found.contract:
        show_html(effects_html(found.contract))
    else:
        show_note("✓ None: callers pass the same values and read the same answers.")
    left = Left()
    for title, texts in (
        ("Text", [text for text in found.texts if not text.is_field]),
        ("Settings", [text for text in found.texts if text.is_field]),
    ):
        if texts:
            show_heading(title)
            _show_texts(texts, view, left)
    assets = assets_html(old.spec, new.spec)
    if assets is not None:
        show_heading("Assets")
        show_html(assets)


def _show_texts(texts: list[ChangedText], view: View, left: Left) -> None:
    shown = [diff_html(text, view, left) for text in texts]
    show_html("".join(shown))
    if any(sign in html for sign in "·→" for html in shown):
        show_note(MARKS_NOTE)


def _show_renders(prompt: PromptId, old: RenderablePrompt, new: RenderablePrompt, view: View) -> None:
    show_heading("Render both with the same inputs")
    contract: dict[str, Variable] = {**old.variables, **new.variables}
    values = ask_for_values(COMPARE, prompt, contract)
    if values is None:
        return
    if unknown := sorted(values.keys() - old.names - new.names):
        show_empty(f"Neither of them has a variable {', '.join(unknown)}.", "The renders ignore it.")
    outputs = [_output(side, values) for side in (old, new)]
    before, after = (output if isinstance(output, list) else None for output in outputs)
    if before is not None and before == after:
        show_note("✓ Both render the same.")
        show_messages(before)
        return
    for column, output in zip(st.columns(2, gap="large"), outputs, strict=True):
        with column:
            if isinstance(output, list):
                show_messages(output)
            elif isinstance(output, MissingVariables):
                show_missing(output, "The render appears here.")
            else:
                show_error(output)
    if before is not None and after is not None:
        show_heading("Differences of the renders")
        _show_texts(list(changed_texts(sections_of(before), sections_of(after))), view, Left())


def _output(side: RenderablePrompt, values: Values) -> list[RenderedMessage] | PromptDBError:
    """Render one side. A value of the other side alone is not an error."""
    try:
        found: list[RenderedMessage] = render_as("Messages", side.ignoring_extra(), values)
    except PromptDBError as error:
        return error
    return found


# Streamlit runs this file by itself.
if __name__ == "__main__":
    main()
