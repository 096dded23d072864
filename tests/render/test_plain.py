"""Format `plain`: the text is the prompt."""

import pytest
from hypothesis import given
from specs import texts

from promptdb.render.plain import compile_template, include_names


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{x} {{x}} {% if %} {", id="braces"),
        pytest.param('{"a": [1, {"b": "}"}]}', id="JSON"),
        pytest.param(r"\frac{1}{2}", id="LaTeX"),
        pytest.param("", id="nothing"),
        pytest.param("  a\n\n", id="white space"),
    ],
)
def test_the_text_is_the_prompt(text: str):
    compiled = compile_template(text, {})
    assert (compiled.render({"x": "y"}), compiled.variables, compiled.mentions) == (text, (), frozenset())


def test_nothing_is_included():
    assert include_names('{% include "_a.md" %} {{> _a.md}}') == ()


@given(texts())
def test_any_text_is_its_own_render(text: str):
    assert compile_template(text, {}).render({}) == text
