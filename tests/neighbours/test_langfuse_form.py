"""The form of Langfuse: what has one, compiled by Langfuse's own parser, gives what we render; the rest says why."""

from typing import Any

import pytest
from langfuse.model import TemplateParser

from promptdb import PromptSpec
from promptdb.neighbours.foreign import NotHeld
from promptdb.neighbours.outgoing.langfuse import content
from promptdb.render.compiled import CompiledPrompt

VALUES = {"name": "Ann {{place}} {name}", "place": "<Rome> & {{name}}", "x": "{{ x }}"}

FAITHFUL = [
    ("f-string", "Hello {name}, {place}!", "Hello {{name}}, {{place}}!"),
    ("f-string", "{name}{name}", "{{name}}{{name}}"),
    ("f-string", 'JSON: {{"a": 1}}\n', 'JSON: {"a": 1}\n'),
    ("f-string", "no variable", "no variable"),
    ("jinja2", "Hello {{ name }}, {{place}}!\n", None),
    ("jinja2", "a { b } {{\nname\n}}", None),
    ("mustache", "Hello {{name}}, {{{place}}} {{& x }}", "Hello {{name}}, {{place}} {{x}}"),
    ("plain", "Braces { like } these", "Braces { like } these"),
    ("jinja2", "{# no #}a {{- name -}} b", "a{{name}}b"),
    ("mustache", "{{! no }}{{name}}", "{{name}}"),
]


@pytest.mark.parametrize(("template_format", "template", "text"), FAITHFUL)
def test_langfuse_compiles_the_form_to_what_we_render(template_format: str, template: str, text: str | None) -> None:
    spec = PromptSpec(template=template, template_format=template_format)
    form = content(spec, [])
    assert isinstance(form, str)
    assert text is None or form == text
    values = {name: VALUES[name] for name in TemplateParser.find_variable_names(form)}
    assert TemplateParser.compile_template(form, values) == CompiledPrompt(spec).render_text(values)


def test_a_chat_has_messages_and_placeholders() -> None:
    spec = PromptSpec.model_validate(
        {
            "messages": [
                {"role": "system", "template": "Try {tries}, {team}."},
                {"variable_name": "history"},
                {"role": "human", "template": "{ticket}"},
                {"role": "ai", "template": "ok"},
                {"role": "generic", "role_name": "critic", "template": "hm"},
            ],
            "variables": {
                "tries": {"type": "integer", "default": 1},
                "team": {"type": "string"},
                "ticket": {"type": "string"},
                "history": {"type": "messages"},
            },
            "partial_variables": {"team": "us"},
        }
    )
    assert content(spec, []) == [
        {"role": "system", "content": "Try 1, us."},
        {"type": "placeholder", "name": "history"},
        {"role": "user", "content": "{{ticket}}"},
        {"role": "assistant", "content": "ok"},
        {"role": "critic", "content": "hm"},
    ]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"template": "{x:>10}"}, "the format of {x:>10}"),
        ({"template": "{x!r}"}, "the format of {x!r}"),
        ({"template": "{{{x}}}"}, "'{' before the variable 'x'"),
        ({"template": "a {{{{b}}}} {x}"}, "the literal '{{'"),
        ({"template": "Write {{name}} here", "template_format": "plain"}, "the literal '{{'"),
        ({"template": "{% if x %}a{% endif %}", "template_format": "jinja2"}, "the jinja2 statement 'if'"),
        ({"template": "{{ x|upper }}", "template_format": "jinja2"}, "the jinja2 expression 'filter'"),
        ({"template": "{{ x.y }}", "template_format": "jinja2"}, "the jinja2 expression 'getattr'"),
        ({"template": "{{#x}}a{{/x}}", "template_format": "mustache"}, "the section 'x'"),
        ({"template": "{{x.y}}", "template_format": "mustache"}, "the name with dots 'x.y'"),
        ({"template": "{x}", "partial_variables": {"x": "{{y}}"}}, "the literal '{{'"),
        ({"messages": [{"role": "human", "template": [{"type": "text", "text": "x"}]}]}, "content parts"),
    ],
)
def test_a_prompt_without_a_form_says_why(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(NotHeld) as caught:
        content(PromptSpec.model_validate(fields), [])
    assert reason in str(caught.value)
