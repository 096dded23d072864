"""What holds for every template format."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from specs import AWKWARD_TEXTS, texts

from promptdb.domain.spec import TEMPLATE_FORMATS, TemplateFormat
from promptdb.errors import TemplateError
from promptdb.render.formats import engine

VARIABLE: dict[TemplateFormat, str] = {"f-string": "{x}", "jinja2": "{{ x }}", "mustache": "{{x}}"}
TEMPLATES_INSIDE_VALUES = [
    "{x}",
    "{{x}}",
    "{{ x }}",
    "{{{x}}}",
    "{y}",
    "{x!r:>10}",
    "{0.__class__}",
    "{% for i in range(9) %}x{% endfor %}",
    "{# comment #}",
    "{{#x}}a{{/x}}",
    "{{> _shared/tone.md}}",
    "{{=<% %>=}}",
    "{% include '_shared/tone.md' %}",
    "{{ ''.__class__ }}",
    "{",
    "}",
    "{{",
    "}}",
    "%(x)s $x ${x}",
    "<b>&amp;\"'</b>",
]


def render(template_format: TemplateFormat, template: str, /, **values: Any) -> str:
    return engine(template_format).compile_template(template, {}).render(values)


@pytest.mark.parametrize("template_format", TEMPLATE_FORMATS)
def test_every_format_has_an_engine(template_format: TemplateFormat):
    compiled = engine(template_format).compile_template("text", {})
    assert (compiled.render({}), compiled.variables, compiled.mentions) == ("text", (), frozenset())
    assert engine(template_format).include_names("text") == ()


@pytest.mark.parametrize("value", TEMPLATES_INSIDE_VALUES)
@pytest.mark.parametrize("template_format", VARIABLE)
def test_what_a_value_contains_is_never_expanded(template_format: TemplateFormat, value: str):
    variable = VARIABLE[template_format]
    assert render(template_format, f"<{variable}|{variable}>", x=value, y="LEAK") == f"<{value}|{value}>"


@given(texts())
@pytest.mark.parametrize("template_format", VARIABLE)
@pytest.mark.slow
def test_any_text_comes_out_as_it_went_in(template_format: TemplateFormat, value: str):
    assert render(template_format, f"<{VARIABLE[template_format]}>", x=value) == f"<{value}>"


@given(texts().filter(lambda text: not set(text) & set("{}\r")))
@pytest.mark.parametrize("template_format", TEMPLATE_FORMATS)
@pytest.mark.slow
def test_text_without_braces_is_the_prompt(template_format: TemplateFormat, text: str):
    assert render(template_format, text + "|") == text + "|"


def test_plain_and_f_string_agree_where_there_are_no_braces():
    for text in AWKWARD_TEXTS:
        if not set(text) & set("{}"):
            assert render("plain", text) == render("f-string", text) == text


@pytest.mark.parametrize("template_format", TEMPLATE_FORMATS)
def test_values_that_the_template_does_not_use_are_ignored(template_format: TemplateFormat):
    assert render(template_format, "text", x="y", self="z", template="t") == "text"


@pytest.mark.parametrize("template_format", VARIABLE)
def test_a_missing_value_is_empty(template_format: TemplateFormat):
    """The contract has told the required ones before: what is missing here is optional."""
    assert render(template_format, f"<{VARIABLE[template_format]}>") == "<>"


@pytest.mark.parametrize("template_format", VARIABLE)
@pytest.mark.parametrize(
    "name", ["values", "context", "globals", "environment", "name", "template", "class", "naïve", "_x"]
)
def test_names_that_engines_use_themselves_are_free(template_format: TemplateFormat, name: str):
    template = VARIABLE[template_format].replace("x", name)
    compiled = engine(template_format).compile_template(template, {})
    assert compiled.variables == (name,)
    assert compiled.render({name: "v"}) == "v"


@given(st.text("{}%#x >=/!^&|'\"\n.", max_size=25))
@pytest.mark.parametrize("template_format", TEMPLATE_FORMATS)
@pytest.mark.slow
def test_any_text_is_a_template_or_refused_with_a_reason(template_format: TemplateFormat, template: str):
    reason = refusal(template_format, template)
    if reason is not None:
        assert reason.message
        assert (reason.line or 1) <= template.count("\n") + 1


def refusal(template_format: TemplateFormat, template: str) -> TemplateError | None:
    try:
        engine(template_format).include_names(template)
        engine(template_format).compile_template(template, {})
    except TemplateError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("template_format", "template", "place"),
    [
        pytest.param("f-string", "{x}", (1, 2), id="f-string"),
        pytest.param("f-string", "{{x}}\n {x!r:>3}", (2, 3), id="f-string, behind a literal"),
        pytest.param("f-string", "{xx} {x:>3}", (1, 7), id="f-string, behind a longer name"),
        pytest.param("f-string", "{y!s:x}", None, id="f-string, only in a format spec"),
        pytest.param("jinja2", "{{ x }}", (1, 4), id="jinja2"),
        pytest.param(
            "jinja2", "x {# x #}\nx {% if y and x %}{% endif %}", (2, 15), id="jinja2, behind text and a comment"
        ),
        pytest.param("jinja2", "{{ y.x }} {{ y[x] }}", (1, 16), id="jinja2, behind an attribute of that name"),
        pytest.param("jinja2", "{{ y.x }}{% set x = 1 %}", None, id="jinja2, only set"),
        pytest.param("mustache", "{{x}}", (1, 3), id="mustache"),
        pytest.param("mustache", "x {{! x }}\n{{# x.y }}{{/ x.y }}", (2, 5), id="mustache, a section behind a comment"),
        pytest.param("mustache", "{{xx}}{{{x}}}", (1, 10), id="mustache, behind a longer name"),
        pytest.param("mustache", "{{> x}}{{y.x}}", None, id="mustache, only as another part"),
        pytest.param("plain", "{x} {{x}}", None, id="plain"),
    ],
)
def test_find_names(template_format: TemplateFormat, template: str, place: tuple[int, int] | None):
    assert engine(template_format).find_names(template, ["x", "z"]) == ({"x": place} if place else {})
