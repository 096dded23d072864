"""A version of a prompt rendered with values of a form, code that does the same, and the golden tests of its file."""

from typing import Any

import streamlit as st

from promptdb.dashboard import opened
from promptdb.dashboard.inputs import Values, sample_of
from promptdb.dashboard.links import FILE, TRY, to_comparison, to_prompt
from promptdb.dashboard.showing.golden import show_golden_tests
from promptdb.dashboard.showing.input_form import INPUTS, ask_for_values, show_missing
from promptdb.dashboard.showing.page import (
    named_prompt,
    show_error,
    show_heading,
    show_html,
    show_link,
    show_note,
    show_title,
)
from promptdb.dashboard.showing.rendered import FORMS, render_as, show_output
from promptdb.dashboard.showing.snippets import REQUEST_FILE, curl_command, fits_in_code, python_code, request_body
from promptdb.dashboard.showing.versions import base_of, choose_version, find_version, version_line_html
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import LATEST
from promptdb.domain.views import PromptSummary
from promptdb.errors import MissingVariables, PromptDBError
from promptdb.render.renderable import RenderablePrompt
from promptdb.settings import load_settings


def main() -> None:
    """Show the choice of a version, the form beside the output, and the tests."""
    name = named_prompt("Try")
    if name is None:
        return
    show_title(f"Try {name}")
    registry = opened.registry()
    summary = registry.prompt(PromptId.parse(name)).summary
    choice, output = st.columns([2, 3], gap="large")
    with choice:
        selector = choose_version("Version", "version", summary, LATEST)
        found = find_version(registry, summary.prompt, selector)
        show_html(version_line_html(found, summary))
        values = ask_for_values(TRY, summary.prompt, found.variables)
        _show_links(summary, selector)
    with output:
        names = list(FORMS)
        form = st.segmented_control("Output as", names, default=names[0], required=True, key="as", bind="query-params")
        if values is not None:
            _show_output(found, form, values)
            _show_code(summary.prompt, selector, form, _filled(found, values))
    show_golden_tests(summary.prompt, found)


def _show_links(summary: PromptSummary, selector: str) -> None:
    with st.container(horizontal=True):
        version = None if selector == FILE else selector
        show_link(to_prompt(summary.prompt, version), "Prompt", icon=":material/description:")
        old, new = (base_of(summary), selector) if selector != base_of(summary) else (selector, LATEST)
        compared = to_comparison(summary.prompt, old, new, inputs=st.query_params.get(INPUTS))
        show_link(compared, f"Compare with {old if new == selector else new}", icon=":material/difference:")


def _show_output(found: RenderablePrompt, form: str, values: Values) -> None:
    try:
        output: Any = render_as(form, found, values)
    except MissingVariables as error:
        show_missing(error, "The output appears here.")
    except PromptDBError as error:
        show_error(error)
    else:
        show_output(output)


def _filled(found: RenderablePrompt, values: Values) -> Values:
    """Add a value to replace for each variable that has none yet, so that the code says what can be given."""
    # An optional variable without a default renders other text once it has a value.
    shown = {name: one for name, one in found.variables.items() if one.required or one.default is not None}
    return {**{name: sample_of(one) for name, one in shown.items()}, **values}


def _show_code(prompt: PromptId, selector: str, form: str, values: Values) -> None:
    show_heading("Code")
    settings = load_settings()
    curl = curl_command(prompt, selector, form, values, settings.url, settings.api_prefix)
    python, shell = st.tabs(["Python", "curl"])
    with python:
        st.code(python_code(prompt, selector, form, values), language=None, wrap_lines=True)
    with shell:
        if curl is None:
            show_note("The HTTP API has recorded versions only, and no files.")
        else:
            st.code(curl, language=None, wrap_lines=True)
    if not fits_in_code(values):
        show_note(f"The code reads these values from {REQUEST_FILE}.")
        body = request_body(form, values)
        st.download_button(f"Download {REQUEST_FILE}", body, REQUEST_FILE, "application/json", on_click="ignore")


# Streamlit runs this file by itself.
if __name__ == "__main__":
    main()
