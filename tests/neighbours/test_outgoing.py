"""Prompts go out to other tools, render there as promptdb renders them, and come back the same where nothing was lost."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.load import load

from promptdb.domain.prompt_id import PromptId
from promptdb.domain.spec import PromptSpec
from promptdb.neighbours.foreign import NotHeld
from promptdb.neighbours.formats import INCOMING, OUTGOING
from promptdb.neighbours.outgoing.origin import Origin
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
@pytest.mark.parametrize("name", ["langchain"])
@pytest.mark.filterwarnings("ignore:.*is in beta")
def test_langchain_loads_the_export_and_renders_the_same(
    name: str, fields: dict[str, Any], values: dict[str, Any]
) -> None:
    spec = spec_of(fields)
    item, _ = exported(name, spec)
    ours = CompiledPrompt(spec).render_messages(values)
    kinds = {"generic": "chat"}
    assert langchain_messages(item, values) == [(kinds.get(one.role, one.role), one.content) for one in ours]


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
        *("variables.note", "variables.tone", "metadata.title", "variables", "variables.x.type", "few_shot"),
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
            "template: there is no form for the literal '{{': Langfuse has no escape for it",
        ),
        ("langfuse", {"template": "{{{x}}}"}, "template: there is no form for '{' before the variable 'x'"),
        (
            "langfuse",
            {"messages": [{"role": "human", "template": [{"type": "text", "text": "a"}]}]},
            "messages[0]: there is no form for content parts",
        ),
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
    template = templates(template_format).filter(bool)
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
                "response_schema": st.just({"type": "object", "properties": {"a": {"type": "string"}}}),
            },
        )
    )
    return spec_of({"template_format": template_format, **body, **more})


@settings(max_examples=50, deadline=None)
@given(spec=specs())
@pytest.mark.parametrize("name", OUTGOING)
def test_what_loses_nothing_comes_back_with_its_digest(name: str, spec: PromptSpec) -> None:
    """And all that comes back renders the same."""
    try:
        item, losses = exported(name, spec)
    except NotHeld:
        return
    found = back(name, item)
    lost = [place for place in losses if not place.startswith("alias ")]
    assert lost or found.digest() == spec.digest()
    names = CompiledPrompt(spec).inputs.contract
    values = {name: [] if name == "history" else "{v}" for name in names}
    assert CompiledPrompt(found).render_messages(values) == CompiledPrompt(spec).render_messages(values)
