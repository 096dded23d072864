"""Runs the golden tests in the file of a prompt, and shows which pass."""

import streamlit as st

from promptdb.dashboard import opened
from promptdb.dashboard.showing.escaping import in_html
from promptdb.dashboard.showing.page import show_empty, show_heading, show_html, show_note
from promptdb.dashboard.showing.tables import Html, badges_html
from promptdb.domain.digest import SHORT_DIGEST
from promptdb.domain.prompt_id import PromptId
from promptdb.project.golden_tests import GoldenRun, RanTest, run_golden_tests
from promptdb.render.renderable import RenderablePrompt

MAX_SHOWN = 100
"""Tests in the list. The failing ones come first."""


def show_golden_tests(prompt: PromptId, found: RenderablePrompt) -> None:
    """Offer to run the tests in the checkout, which versions do not have."""
    show_heading("Golden tests")
    checkout = opened.checkout()
    if checkout is None:
        show_note("This dashboard runs outside of a checkout, and versions do not have the tests of their files.")
        return
    if not st.button("Run the tests of the file", icon=":material/checklist:"):
        show_note("They run on the file as it is, as promptdb check runs them.")
        return
    with st.spinner("Running the tests"):
        run = run_golden_tests(prompt, checkout.settings)
    if run is None:
        show_empty("The checkout has no file of this prompt.")
        return
    _show_run(run, found)


def _show_run(run: GoldenRun, found: RenderablePrompt) -> None:
    if run.digest is None:
        show_empty(f"{run.path} is not a valid prompt, so its tests did not run.")
    elif run.digest != found.trace_metadata["promptdb_digest"]:
        show_note(f"{run.path} differs from the version above: its digest is {run.digest[:SHORT_DIGEST]}.")
    for problem in run.problems:
        show_html(f'<p class="pdb-line">{in_html(str(problem))}</p>')
    if run.digest is None:
        return
    failing = [test for test in run.tests if test.problems]
    passing = [test for test in run.tests if not test.problems]
    if not run.tests:
        show_empty(f"{run.path} has no tests.", "Write some in its field 'tests'.")
        return
    left = f" {run.left:,} did not run." if run.left else ""
    result = f"{'✗' if failing else '✓'} {len(passing):,} of {len(run.tests):,} tests pass."
    show_html(f'<p class="pdb-line" role="status"><strong>{result}</strong>{left}</p>')
    show_html("".join(map(_test_html, [*failing, *passing][:MAX_SHOWN])))
    if len(run.tests) > MAX_SHOWN:
        show_note(f"{len(run.tests) - MAX_SHOWN:,} more. promptdb check runs all.")


def _test_html(test: RanTest) -> Html:
    if not test.problems:
        return f'<p class="pdb-line">{badges_html(["pass"], "✓ ")} {in_html(test.name)}</p>'
    lines = "".join(
        f'<p class="pdb-line">{in_html(problem.message)}</p>{_diff_html(problem.detail)}' for problem in test.problems
    )
    return f'<p class="pdb-line"><span class="pdb-badge pdb-breaking">✗ fail</span> {in_html(test.name)}</p>{lines}'


def _diff_html(diff: str | None) -> Html:
    """Show a diff of the house: `-` is what the test expects, `+` what came out."""
    if diff is None:
        return ""
    kinds = {"-": "old", "+": "new"}
    lines = "".join(
        f'<span class="pdb-{kinds.get(line[:1], "same")}">{in_html(line)}\n</span>' for line in diff.split("\n")
    )
    return f'<pre class="pdb-text pdb-short" dir="auto" tabindex="0">{lines}</pre>'
