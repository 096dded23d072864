"""Prompts go out to other tools, render there as promptdb renders them, and come back the same where nothing was lost."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.load import load
from langfuse.model import TemplateParser

from promptdb.domain.prompt_id import PromptId
from promptdb.domain.spec import PromptSpec
from promptdb.neighbours.foreign import NotHeld
from promptdb.neighbours.formats import INCOMING
from promptdb.neighbours.outgoing.origin import Origin
from promptdb.neighbours.outgoing.targets import OUTGOING
from promptdb.project.single_file import content_from_spec
from promptdb.render.compiled import CompiledPrompt

ORIGIN = Origin(PromptId("support", "triage"), ("production", "staging", "Not a label"))


def spec_of(fields: dict[str, Any]) -> PromptSpec:
    return content_from_spec(fields).spec


def exported(name: str, spec: PromptSpec) -> tuple[Any, list[str]]:
    item, losses = OUTGOING[name].item(spec, ORIGIN)
    return item, [loss.place for loss in losses]


def back(name: str, item: Any) -> PromptSpec:
    [found] = INCOMING[name].read(OUTGOING[name].text([item]).encode())
    return spec_of(found.fields)


EXAMPLES = {"examples": [{"q": "{1}", "a": "one"}], "insert_at": 1}
CHAT: dict[str, Any] = {
    "template_format": "mustache",
    "metadata": {"title": "T", "tags": ["a"]},
    "model": {"name": "small", "temperature": 0.5},
    "variables": {"x": {"type": "string"}, "tone": {"default": "kind"}, "note": {"required": False}},
    "messages": [
        {"role": "system", "template": "Be {{tone}}. { } [{{{note}}}]"},
        {"variable_name": "history", "optional": True},
        {"role": "human", "template": "{{x}}?", "name": "Ann"},
    ],
    "few_shot": {
        **EXAMPLES,
        "chat_messages": [{"role": "human", "template": "{{q}}"}, {"role": "ai", "template": "{{a}}"}],
    },
    "response_schema": {"type": "object"},
}
TEXT: dict[str, Any] = {
    "template": '{{"a": {x}, "b": {y!r:>6}}}\n{examples}',
    "partial_variables": {"y": "é"},
    "few_shot": {"examples": [{"q": "{1}"}], "string_template": "{q}"},
}


def langchain_messages(item: Any, values: dict[str, Any]) -> list[tuple[str, Any]]:
    template = load(item, allowed_objects="core")
    return [(message.type, message.content) for message in template.invoke(values).to_messages()]


@pytest.mark.parametrize(
    ("fields", "values"),
    [
        (CHAT, {"x": "{why}"}),
        (TEXT, {"x": "{{1}}"}),
        ({"template_format": "plain", "template": "{a} }} {{b}}"}, {}),
        ({"template_format": "jinja2", "template": "Hi {{ x }}{# no #} {'a': 1}\n\n"}, {"x": 1}),
        ({"template": "{x} {x:>8} {{}}"}, {"x": "Ada"}),
        (
            {
                "messages": [
                    {"role": "generic", "role_name": "critic", "template": "{x}"},
                    {
                        "role": "human",
                        "template": [
                            {"type": "text", "text": "{x}"},
                            {"type": "image_url", "image_url": {"url": "https://a/{x}", "detail": "low"}},
                        ],
                    },
                ]
            },
            {"x": "Ada"},
        ),
    ],
)
@pytest.mark.parametrize("name", ["langchain", "langsmith"])
@pytest.mark.filterwarnings("ignore:.*is in beta")
def test_langchain_loads_the_export_and_renders_the_same(
    name: str, fields: dict[str, Any], values: dict[str, Any]
) -> None:
    spec = spec_of(fields)
    item, _ = exported(name, spec)
    ours = CompiledPrompt(spec).render_messages(values)
    kinds = {"generic": "chat"}
    assert langchain_messages(item.get("manifest", item), values) == [
        (kinds.get(one.role, one.role), one.content) for one in ours
    ]


SMALL: dict[str, Any] = {
    "metadata": {"title": "T", "description": "It sorts.", "labels": {"team": "a"}},
    "model": {"provider": "openai", "name": "small", "temperature": 0.5},
    "variables": {"x": {"type": "string"}, "tone": {"default": "kind"}},
    "messages": [{"role": "system", "template": "Be {tone}.\nBe brief."}, {"role": "human", "template": "{x}?"}],
}
DOTPROMPT = """\
---
name: T
description: It sorts.
model: small
config:
  temperature: 0.5
input:
  schema:
    type: object
    properties:
      tone: {}
      x:
        type: string
    required:
    - x
  default:
    tone: kind
---
{{role "system"}}Be {{tone}}.
Be brief.{{role "user"}}{{x}}?
"""
PROMPTY = """\
---
name: T
description: It sorts.
model:
  id: small
  options:
    temperature: 0.5
inputs:
- name: x
  kind: string
  required: true
template:
  format:
    kind: jinja2
  parser:
    kind: prompty
---
system:
Be kind.
Be brief.

user:
{{ x }}?
"""
GITHUB = """\
name: T
description: It sorts.
model: small
modelParameters:
  temperature: 0.5
messages:
- role: system
  content: |-
    Be kind.
    Be brief.
- role: user
  content: '{{x}}?'
"""
TONE, LABELS, PROVIDER, FORMAT = "variables.tone", "metadata.labels", "model.provider", "template_format"
FIELDS = ["metadata.title", "metadata.description", LABELS, "model", "variables", "variables.x.type"]


def test_langfuse_compiles_the_export_as_promptdb_renders_it() -> None:
    spec = spec_of({**CHAT, "few_shot": None})
    values = {"x": "{{note}} <b>"}
    ours = CompiledPrompt(spec).render_messages({**values, "history": []})
    texts = [message["content"] for message in exported("langfuse", spec)[0]["prompt"] if "content" in message]
    assert [TemplateParser.compile_template(text, values) for text in texts] == [one.content for one in ours]


@pytest.mark.parametrize(
    ("name", "text", "losses"),
    [
        ("dotprompt", DOTPROMPT, [LABELS, PROVIDER, FORMAT]),
        ("prompty", PROMPTY, [TONE, LABELS, PROVIDER, FORMAT]),
        ("github-models", GITHUB, [TONE, LABELS, "variables", "variables.x.type", PROVIDER, FORMAT]),
        ("jinja2", "# System:\nBe kind.\nBe brief.\n\n# User:\n{{ x }}?\n", [TONE, *FIELDS, FORMAT]),
    ],
)
def test_a_chat_as_each_text_file(name: str, text: str, losses: list[str]) -> None:
    item, found = exported(name, spec_of(SMALL))
    assert OUTGOING[name].text([item]) == text
    assert found == losses


@pytest.mark.parametrize(
    ("name", "value", "losses"),
    [
        (
            "mlflow",
            {
                "name": "support.triage",
                "template": [
                    {"role": "system", "content": "Be kind.\nBe brief."},
                    {"role": "user", "content": "{{x}}?"},
                ],
                "commit_message": "It sorts.",
                "tags": {"team": "a"},
                "aliases": ["production", "staging", "Not a label"],
                "model_config": {"provider": "openai", "name": "small", "temperature": 0.5},
            },
            [TONE, "metadata.title", "variables", "variables.x.type", FORMAT],
        ),
        (
            "promptfoo",
            [{"role": "system", "content": "Be kind.\nBe brief."}, {"role": "user", "content": "{{x}}?"}],
            [TONE, *FIELDS, FORMAT],
        ),
    ],
)
def test_a_chat_as_json(name: str, value: Any, losses: list[str]) -> None:
    assert exported(name, spec_of(SMALL)) == (value, losses)


def test_string_prompts_are_the_rows_of_a_table() -> None:
    items = [
        OUTGOING["csv"].item(spec_of({"template_format": "plain", "template": text}), ORIGIN)[0]
        for text in ("a", 'b,"\nc')
    ]
    assert OUTGOING["csv"].text(items) == (
        'name,title,description,prompt\nsupport/triage,,,a\nsupport/triage,,,"b,""\nc"\n'
    )


def test_a_line_break_at_the_end_survives_a_tool_that_keeps_it() -> None:
    """jinja2 drops one, and Nunjucks does not."""
    spec = spec_of({"messages": [{"role": "human", "template": "a\n"}]})
    found = back("promptfoo", exported("promptfoo", spec)[0])
    assert CompiledPrompt(found).render_messages({}) == CompiledPrompt(spec).render_messages({})


@pytest.mark.parametrize("name", ["langchain", "langsmith", "promptfoo"])
def test_characters_that_yaml_escapes_come_back(name: str) -> None:
    spec = spec_of({"messages": [{"role": "human", "template": "a\u0085b\u2028{x}"}]})
    item, _ = exported(name, spec)
    assert CompiledPrompt(back(name, item)).render_messages({"x": "c"})[0].content == "a\u0085b\u2028c"


def test_a_brace_after_a_tag_is_text() -> None:
    spec = spec_of({"template": "{x}}}"})
    item, _ = exported("dotprompt", spec)
    assert item == "{{x}}}"
    assert CompiledPrompt(back("dotprompt", item)).render_text({"x": "a"}) == "a}"


@pytest.mark.parametrize("name", ["jinja2", "prompty"])
def test_jinja2_stays_as_it_is_for_tools_that_know_it(name: str) -> None:
    loop = "{% for x in xs %}\n- {{ x | upper }}{# each #}\n{% endfor %}."
    spec = spec_of({"template_format": "jinja2", "messages": [{"role": "human", "template": loop}]})
    item, losses = exported(name, spec)
    assert losses == []
    assert back(name, item).digest() == spec.digest()


def test_the_losses_name_each_part() -> None:
    item, losses = exported("langfuse", spec_of(CHAT))
    assert item == {
        "name": "support/triage",
        "type": "chat",
        "prompt": [
            {"role": "system", "content": "Be kind. { } []"},
            {"role": "user", "content": "{1}"},
            {"role": "assistant", "content": "one"},
            {"type": "placeholder", "name": "history"},
            {"role": "user", "content": "{{x}}?"},
        ],
        "config": {"temperature": 0.5, "model": "small", "response_schema": {"type": "object"}},
        "labels": ["staging"],
        "tags": ["a"],
    }
    assert losses == [
        *("metadata.title", "variables", "variables.x.type", "few_shot", "variables.note", "variables.tone"),
        *("messages[1].optional", "messages[2].name"),
        *("alias production", "alias Not a label"),
    ]


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        (
            "langchain",
            {
                "template_format": "jinja2",
                "messages": [{"role": "human", "template": "Hi\n{% for x in xs %}{{ x }}{% endfor %}"}],
            },
            "messages[0].template, line 2: there is no form for the jinja2 statement 'for'",
        ),
        (
            "langchain",
            {"template_format": "jinja2", "template": "{{ x | upper }}"},
            "template, line 1: there is no form for the jinja2 expression 'filter'",
        ),
        (
            "langfuse",
            {"template_format": "mustache", "template": "a\n{{#x}}b{{/x}}"},
            "template, line 2: there is no form for the section 'x'",
        ),
        (
            "langfuse",
            {"template_format": "mustache", "template": "{{user.name}}"},
            "template, line 1: there is no form for the name with dots 'user.name'",
        ),
        ("langfuse", {"template": "{x:>8}"}, "template: there is no form for the format of {x:>8}"),
        (
            "langfuse",
            {"template_format": "plain", "template": "{{x}}"},
            "template: there is no form for the literal '{{': Langfuse would take it for a tag",
        ),
        ("langfuse", {"template": "{{{x}}}"}, "template: there is no form for '{' before the variable 'x'"),
        (
            "langfuse",
            {"messages": [{"role": "human", "template": [{"type": "text", "text": "a"}]}]},
            "messages[0]: there is no form for content parts",
        ),
        ("prompty", {"messages": [{"variable_name": "x"}]}, "messages[0]: there is no form for a placeholder"),
        (
            "prompty",
            {"messages": [{"role": "human", "template": "a\n #user[name=Ann]:\nb"}]},
            "message 1: there is no form for the line ' #user[name=Ann]:', which would start another message",
        ),
        (
            "prompty",
            {"messages": [{"role": "human", "template": "a\nSystem:\nb"}]},
            "message 1: there is no form for the line 'System:', which would start another message",
        ),
        (
            "dotprompt",
            {
                "template_format": "plain",
                "messages": [{"role": "human", "template": "{"}, {"role": "ai", "template": "b"}],
            },
            "message 1: there is no form for '{' at the end of a text that another message follows",
        ),
        (
            "dotprompt",
            {"template": "{role}"},
            "template: there is no form for the name 'role', which Handlebars reserves",
        ),
        (
            "promptfoo",
            {"template": "{{%"},
            "template: there is no form for the literal '{%': Nunjucks would take it for a tag",
        ),
        (
            "promptfoo",
            {"template": "a #}}"},
            "template: there is no form for the literal '#}': Nunjucks would take it for a tag",
        ),
        ("csv", {"messages": [{"role": "human", "template": "a"}]}, "messages: there is no form for a chat"),
        (
            "langchain",
            {"messages": [{"role": "tool", "template": "a"}]},
            "messages[0]: there is no form for a message of role 'tool'",
        ),
    ],
)
def test_a_construct_that_a_format_cannot_hold_is_refused_with_its_place(
    name: str, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(NotHeld) as caught:
        exported(name, spec_of(fields))
    assert str(caught.value) == message


CONTRACT = {
    "x": {"type": "string", "description": "The question."},
    "name": {"default": "Ada"},
    "a1": {"enum": ["{v}"]},
    "history": {"type": "messages"},
}
TEXTS = st.text("ab {}\n\\#é\"'-", max_size=12) | st.sampled_from(["user:", "# System:", "---", "{% x %}", "{# x #}"])
VARIABLES = st.sampled_from(["x", "name", "a1"])


@st.composite
def templates(draw: st.DrawFn, template_format: str) -> str:
    """A text with variables, in the way of its format."""
    found = ""
    for part in draw(st.lists(TEXTS | VARIABLES.map(lambda name: (name,)), min_size=1, max_size=4)):
        if isinstance(part, tuple):
            found += f"{{{part[0]}}}" if template_format == "f-string" else f"{{{{{part[0]}}}}}"
        elif template_format == "f-string":
            found += part.replace("{", "{{").replace("}", "}}")
        elif template_format == "plain":
            found += part
        else:
            found += part.replace("{", "").replace("}", "")
    return found


@st.composite
def specs(draw: st.DrawFn) -> PromptSpec:
    """A prompt of texts and variables, in any format, with fields that some tools have."""
    template_format = draw(st.sampled_from(["f-string", "jinja2", "mustache", "plain"]))
    template = templates(template_format).filter(str.strip)
    role = st.sampled_from(["system", "human", "ai"])
    message = st.fixed_dictionaries({"role": role, "template": template})
    placeholder = st.builds(lambda flag: {"variable_name": "history", "optional": flag}, st.booleans())
    body = draw(
        st.fixed_dictionaries({"template": template})
        | st.fixed_dictionaries({"messages": st.lists(message, min_size=1, max_size=3)})
        | st.builds(lambda one, other: {"messages": [one, other]}, message, placeholder)
    )
    more = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "metadata": st.just({"description": "It sorts."}) | st.just({"title": "T", "tags": ["a"]}),
                "model": st.just({"name": "small", "temperature": 0.5, "provider": "openai"})
                | st.just({"name": "small"}),
                "variables": st.just(CONTRACT),
                "response_schema": st.just({"type": "object", "properties": {"a": {"type": "string"}}}),
            },
        )
    )
    return spec_of({"template_format": template_format, **body, **more})


@settings(deadline=None)
@given(spec=specs())
@pytest.mark.parametrize("name", OUTGOING)
def test_what_loses_nothing_comes_back_with_its_digest(name: str, spec: PromptSpec) -> None:
    """And all that comes back renders the same, apart from white space around texts."""
    try:
        item, losses = exported(name, spec)
    except NotHeld:
        return
    found = back(name, item)
    lost = [place for place in losses if not place.startswith("alias ")]
    assert lost or found.digest() == spec.digest()
    if name == "csv" or any(loss.reason.startswith("white space") for loss in OUTGOING[name].item(spec, ORIGIN)[1]):
        return
    contract = CompiledPrompt(spec).inputs.contract
    values: dict[str, Any] = {name: "{v}" for name, one in contract.items() if one.required}
    values |= {"history": [], "name": "Ada"}  # its default, which some formats lose
    ours, theirs = (CompiledPrompt(one).render_messages(values, ignore_extra=True) for one in (spec, found))
    assert theirs == ours
