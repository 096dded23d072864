"""The form of Langfuse: what has one, compiled by Langfuse's own parser, gives what we render; the rest says why."""

from typing import Any

import pytest
from langfuse.model import TemplateParser

from promptdb import PromptSpec
from promptdb.errors import TemplateError
from promptdb.render.compiled import CompiledPrompt
from promptdb.render.langfuse_form import langfuse_form

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
]


@pytest.mark.parametrize(("template_format", "template", "text"), FAITHFUL)
def test_langfuse_compiles_the_form_to_what_we_render(template_format: str, template: str, text: str | None) -> None:
    spec = PromptSpec(template=template, template_format=template_format)
    form = langfuse_form(spec)
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
    assert langfuse_form(spec) == [
        {"type": "chatmessage", "role": "system", "content": "Try 1, us."},
        {"type": "placeholder", "name": "history"},
        {"type": "chatmessage", "role": "user", "content": "{{ticket}}"},
        {"type": "chatmessage", "role": "assistant", "content": "ok"},
        {"type": "chatmessage", "role": "critic", "content": "hm"},
    ]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"template": "{x:>10}"}, "{x} has a format"),
        ({"template": "{x!r}"}, "{x} has a format"),
        ({"template": "{{{x}}}"}, "braces in its text"),
        ({"template": "a {{{{b}}}} {x}"}, "braces in its text"),
        ({"template": "Write {{name}} here", "template_format": "plain"}, "braces in its text"),
        ({"template": "{% if x %}a{% endif %}", "template_format": "jinja2"}, "statements"),
        ({"template": "{# no #}{{ x }}", "template_format": "jinja2"}, "comments"),
        ({"template": "{{ x|upper }}", "template_format": "jinja2"}, "more than a variable"),
        ({"template": "{{ x.y }}", "template_format": "jinja2"}, "more than a variable"),
        ({"template": "a {{- x -}} b", "template_format": "jinja2"}, "more than a variable"),
        ({"template": "{{ true }}", "template_format": "jinja2"}, "more than a variable"),
        ({"template": "{{#x}}a{{/x}}", "template_format": "mustache"}, "sections"),
        ({"template": "{{x.y}}", "template_format": "mustache"}, "sections"),
        ({"template": "{{! no }}{{x}}", "template_format": "mustache"}, "sections"),
        ({"template": "{x}", "partial_variables": {"x": "{{y}}"}}, "braces in its text"),
        ({"template": "{x}", "partial_variables": {"x": [1]}}, "list or an object"),
        ({"messages": [{"role": "human", "template": [{"type": "text", "text": "x"}]}]}, "not text"),
        ({"messages": [{"role": "human", "name": "ann", "template": "x"}]}, "has a name"),
    ],
)
def test_a_prompt_without_a_form_says_why(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(TemplateError, match="this prompt has no form in Langfuse") as caught:
        langfuse_form(PromptSpec.model_validate(fields))
    assert reason in caught.value.message
