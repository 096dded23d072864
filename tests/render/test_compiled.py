"""Prompts as they are rendered: values and the contract, few-shot, placeholders, content parts."""

import copy
from typing import Any

import pytest

from promptdb.domain.spec import PromptSpec, Variable
from promptdb.errors import MissingVariables, RenderError, TemplateError, UnknownVariables
from promptdb.render.assets import PromptAssets
from promptdb.render.chat_items import compile_items
from promptdb.render.compiled import CompiledPrompt
from promptdb.render.messages import RenderedMessage
from promptdb.render.templates import compile_templates

FORMATS = {"f-string": "{%s}", "jinja2": "{{ %s }}", "mustache": "{{%s}}"}


def string(template: str, **fields: Any) -> CompiledPrompt:
    return CompiledPrompt(PromptSpec.model_validate({"kind": "string", "template": template, **fields}))


def chat(*messages: dict[str, Any], **fields: Any) -> CompiledPrompt:
    return CompiledPrompt(PromptSpec.model_validate({"kind": "chat", "messages": list(messages), **fields}))


def human(template: Any) -> dict[str, Any]:
    return {"role": "human", "template": template}


# Values and the contract


@pytest.mark.parametrize(("template_format", "variable"), FORMATS.items(), ids=FORMATS)
def test_all_missing_variables_are_told_at_once(template_format: str, variable: str):
    prompt = string(" ".join(variable % name for name in ("c", "a", "b", "a")), template_format=template_format)
    with pytest.raises(MissingVariables) as caught:
        prompt.render_text({"b": "given"})
    assert caught.value.names == ("a", "c")
    assert caught.value.message == "missing variables: a, c"


def test_missing_variables_of_all_messages_are_told_at_once():
    prompt = chat({"role": "system", "template": "{a}"}, {"variable_name": "history"}, human("{b}"))
    with pytest.raises(MissingVariables) as caught:
        prompt.render_messages({})
    assert caught.value.names == ("a", "b", "history")


def test_missing_variables_are_told_before_misfits():
    prompt = string("{a}{b}", variables={"a": {"type": "string"}, "b": {}})
    with pytest.raises(MissingVariables, match="missing variable: b"):
        prompt.render_text({"a": 1})


def test_all_misfits_are_told_at_once():
    prompt = string(
        "{a}{b}{c}", variables={"a": {"type": "string"}, "b": {"type": "integer"}, "c": {"enum": ["x", "y"]}}
    )
    with pytest.raises(RenderError) as caught:
        prompt.render_text({"a": 1, "b": "2", "c": "z"})
    assert caught.value.message == (
        "variable 'a': expected string, got integer; variable 'b': expected integer, got string; "
        "variable 'c': not one of 'x', 'y'"
    )


@pytest.mark.parametrize(
    ("fields", "given", "text"),
    [
        pytest.param({}, {"a": "given"}, "<given>", id="the caller's"),
        pytest.param({"partial_variables": {"a": "stored"}}, {}, "<stored>", id="the stored one"),
        pytest.param(
            {"partial_variables": {"a": "stored"}}, {"a": "given"}, "<given>", id="the caller's before the stored one"
        ),
        pytest.param({"variables": {"a": {"default": "usual"}}}, {}, "<usual>", id="the default"),
        pytest.param(
            {"variables": {"a": {"default": "usual"}}}, {"a": "given"}, "<given>", id="the caller's before the default"
        ),
        pytest.param(
            {"variables": {"a": {"default": "usual"}}, "partial_variables": {"a": "stored"}},
            {},
            "<stored>",
            id="the stored one before the default",
        ),
        pytest.param({"variables": {"a": {"required": False}}}, {}, "<>", id="none for an optional one"),
        pytest.param({"variables": {"a": {"default": 0}}}, {}, "<0>", id="a default of 0"),
        pytest.param({"variables": {"a": {"default": ""}}}, {"a": None}, "<None>", id="null is a value"),
    ],
)
def test_which_value_is_rendered(fields: dict[str, Any], given: dict[str, Any], text: str):
    assert string("<{a}>", **fields).render_text(given) == text


@pytest.mark.parametrize(
    ("template_format", "template", "text"),
    [
        ("f-string", "<{a}>", "<>"),
        ("jinja2", "<{{ a }}{% if a %}x{% endif %}{{ a | default('d') }}>", "<d>"),
        ("mustache", "<{{a}}{{^a}}n{{/a}}>", "<n>"),
    ],
)
def test_an_optional_variable_may_be_left_out_in_every_format(template_format: str, template: str, text: str):
    assert (
        string(template, template_format=template_format, variables={"a": {"required": False}}).render_text({}) == text
    )


@pytest.mark.parametrize(
    ("variable", "value", "misfit"),
    [
        ({"type": "string"}, 3, "expected string, got integer"),
        ({"type": "integer"}, True, "expected integer, got boolean"),
        ({"type": "number"}, "1", "expected number, got string"),
        ({"type": "boolean"}, 0, "expected boolean, got integer"),
        ({"type": "array"}, {}, "expected array, got object"),
        ({"type": "object"}, [], "expected object, got array"),
        ({"type": "string"}, None, "expected string, got null"),
        ({"enum": [1, 2]}, True, "not one of 1, 2"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(variable: dict[str, Any], value: Any, misfit: str):
    prompt = string("{a}", variables={"a": variable})
    with pytest.raises(RenderError) as caught:
        prompt.render_text({"a": value})
    assert caught.value.message == f"variable 'a': {misfit}"


@pytest.mark.parametrize(
    ("given", "error", "message", "hint"),
    [
        pytest.param(
            {"name": 1, "nome": 2, "zip": 3},
            UnknownVariables,
            "the prompt has no variables 'nome', 'zip'",
            "did you mean 'name' instead of 'nome'?",
            id="unknown, and one of them near",
        ),
        pytest.param(
            {"name": 1, "zip": 3}, UnknownVariables, "the prompt has no variable 'zip'", "its variables: name", id="far"
        ),
        pytest.param(
            {"nam": 1, "zip": 2},
            MissingVariables,
            "missing variable: name",
            "did you mean 'name' instead of 'nam'? the prompt has no variable 'zip'",
            id="misspelt: missing and unknown at once",
        ),
        pytest.param(
            {"name": 1, 7: 2}, UnknownVariables, "the prompt has no variable '7'", "its variables: name", id="no text"
        ),
    ],
)
def test_values_that_the_prompt_has_no_variable_for(given: Any, error: type[RenderError], message: str, hint: str):
    with pytest.raises(error) as caught:
        string("{name}").render_text(given)
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_values_that_the_prompt_has_no_variable_for_can_be_ignored():
    prompt = string("{{ range(2) | list }}{{ a }}", template_format="jinja2")
    assert prompt.render_text({"a": "x", "range": "theirs", "other": 1}, ignore_extra=True) == "[0, 1]x"


def test_a_value_that_fits_its_type_but_not_the_template():
    prompt = string("{a:.2f}", variables={"a": {"type": "string"}})
    with pytest.raises(TemplateError, match=r"^template, line 1: a value does not fit '\{a:\.2f\}'"):
        prompt.render_text({"a": "x"})


def test_the_contract():
    prompt = string("{a}{b}", partial_variables={"b": 1})
    assert prompt.inputs.contract == {"a": Variable(), "b": Variable(required=False)}
    assert prompt.inputs.names == {"a", "b"}


@pytest.mark.parametrize(
    ("template", "given", "text"),
    [
        pytest.param("{{#show}}Hi {{name}}{{/show}}", {"show": True, "name": "Ann"}, "Hi Ann", id="in a section"),
        pytest.param(
            "{{#items}}{{.}} {{unit}}; {{/items}}", {"items": [1, 2], "unit": "kg"}, "1 kg; 2 kg; ", id="in a loop"
        ),
        pytest.param(
            "{{#a}}{{^b}}{{c}}{{/b}}{{/a}}", {"a": 1, "c": "x"}, "x", id="in an inverted section in a section"
        ),
        pytest.param("{{#items}}{{n}}{{/items}}", {"items": [{"n": 1}, {"n": 2}]}, "12", id="of the items"),
    ],
)
def test_a_section_sees_what_the_caller_gives(template: str, given: dict[str, Any], text: str):
    """Whether such a name comes from the items or from the caller shows only in the values."""
    assert string(template, template_format="mustache").render_text(given) == text


@pytest.mark.parametrize(
    "template",
    [
        pytest.param(
            "{% macro hi(name) %}{{ name }}!{% endmacro %}{{ hi('Bob') }}{% include '_f.md' %}",
            id="as a macro's parameter",
        ),
        pytest.param("{% for name in ['Bob!'] %}{{ name }}{% endfor %}{% include '_f.md' %}", id="in a loop before"),
        pytest.param("{% with name = 'Bob!' %}{{ name }}{% endwith %}{% include '_f.md' %}", id="in a block before"),
    ],
)
def test_a_fragment_gets_the_value_of_the_caller_where_its_name_means_something_else_elsewhere(template: str):
    prompt = string(template, template_format="jinja2", includes={"_f.md": "{{ name }}"})
    assert prompt.render_text({"name": "Ann"}) == "Bob!Ann"


def test_a_broken_template_is_told_when_the_prompt_is_made():
    with pytest.raises(TemplateError, match=r"a single '\{'"):
        string("{")


def test_plain_needs_nothing():
    prompt = string('{"a": {b}}', template_format="plain")
    assert prompt.inputs.contract == {}
    assert prompt.render_text({}) == '{"a": {b}}'


# Strings and chats


def test_a_string_prompt_is_one_human_message():
    assert string("Hi {a}").render_messages({"a": 1}) == [RenderedMessage("human", "Hi 1")]


def test_a_chat_as_one_text():
    prompt = chat({"role": "system", "template": "Be {tone}."}, human("Hi"), {"role": "ai", "template": "Hello"})
    assert prompt.render_text({"tone": "kind"}) == "System: Be kind.\nHuman: Hi\nAI: Hello"


def test_everything_of_a_message_is_kept():
    prompt = chat(
        {
            "role": "generic",
            "role_name": "judge",
            "template": "{a}",
            "name": "j",
            "additional_kwargs": {"cache": {"type": "x"}},
        }
    )
    assert prompt.render_messages({"a": 1}) == [RenderedMessage("generic", "1", "judge", "j", {"cache": {"type": "x"}})]


@pytest.mark.parametrize(("template_format", "variable"), FORMATS.items(), ids=FORMATS)
def test_content_parts_are_templates_at_any_depth(template_format: str, variable: str):
    parts = [
        {"type": "text", "text": f"Look: {variable % 'what'}"},
        {"type": "image_url", "image_url": {"url": variable % "url", "detail": "low"}},
        {
            "type": "custom",
            "list": [variable % "what", {"deep": variable % "url"}],
            "number": 3,
            "none": None,
            "yes": True,
        },
    ]
    [message] = chat(human(parts), template_format=template_format).render_messages(
        {"what": "cat", "url": "http://x/{y}"}
    )
    assert message.content == [
        {"type": "text", "text": "Look: cat"},
        {"type": "image_url", "image_url": {"url": "http://x/{y}", "detail": "low"}},
        {"type": "custom", "list": ["cat", {"deep": "http://x/{y}"}], "number": 3, "none": None, "yes": True},
    ]


def test_the_type_of_a_content_part_is_no_template():
    [message] = chat(human([{"type": "{x}", "text": "y"}])).render_messages({})
    assert message.content == [{"type": "{x}", "text": "y"}]


# Placeholders


@pytest.mark.parametrize(
    "given",
    [
        pytest.param([("user", "a"), ("assistant", "b")], id="pairs"),
        pytest.param([{"role": "user", "content": "a"}, {"role": "ai", "content": "b"}], id="objects"),
        pytest.param([RenderedMessage("human", "a"), RenderedMessage("ai", "b")], id="rendered messages"),
        pytest.param((("human", "a"), {"role": "assistant", "content": "b"}), id="a tuple of both"),
    ],
)
def test_a_placeholder_takes_the_messages_of_the_caller(given: Any):
    prompt = chat({"role": "system", "template": "s"}, {"variable_name": "history"}, human("{q}"))
    assert prompt.render_messages({"history": given, "q": "?"}) == [
        RenderedMessage("system", "s"),
        RenderedMessage("human", "a"),
        RenderedMessage("ai", "b"),
        RenderedMessage("human", "?"),
    ]


def test_messages_of_the_caller_are_never_expanded():
    prompt = chat({"variable_name": "history"}, human("{q}"))
    assert prompt.render_text({"history": [("human", "{q} {{q}}")], "q": "LEAK"}) == "Human: {q} {{q}}\nHuman: LEAK"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        pytest.param({}, "Human: hi", id="none"),
        pytest.param({"partial_variables": {"history": [["ai", "stored"]]}}, "AI: stored\nHuman: hi", id="stored ones"),
        pytest.param(
            {"variables": {"history": {"type": "messages", "default": [{"role": "ai", "content": "usual"}]}}},
            "AI: usual\nHuman: hi",
            id="the default",
        ),
    ],
)
def test_an_optional_placeholder_without_messages(fields: dict[str, Any], text: str):
    assert chat({"variable_name": "history", "optional": True}, human("hi"), **fields).render_text({}) == text


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param("text", "variable 'history': expected messages, got string", id="text"),
        pytest.param(
            {"role": "human", "content": "x"}, "variable 'history': expected messages, got object", id="one message"
        ),
        pytest.param(None, "variable 'history': expected messages, got null", id="null"),
        pytest.param([("human", "x"), "y"], "history[1] is not a message", id="text among messages"),
        pytest.param([("bot", "x")], "history[0] has a bad role 'bot'", id="bad role"),
    ],
)
def test_a_placeholder_refuses(given: Any, message: str):
    with pytest.raises(RenderError) as caught:
        chat({"variable_name": "history"}).render_messages({"history": given})
    assert caught.value.message == message


def test_a_placeholder_that_is_declared_without_a_type_still_takes_messages_only():
    prompt = chat({"variable_name": "history"}, variables={"history": {}})
    with pytest.raises(RenderError, match="variable 'history': expected messages"):
        prompt.render_messages({"history": "text"})


# Few-shot

EXAMPLES = [{"q": "1+1", "a": "2"}, {"q": "2+2", "a": "4"}]


@pytest.mark.parametrize(
    ("template", "few_shot", "text"),
    [
        pytest.param("{examples}\n---\n{x}", {}, "Q:1+1 A:2\n\nQ:2+2 A:4\n---\n?", id="joined by an empty line"),
        pytest.param("{x}|{shots}", {"insert_at": "shots"}, "?|Q:1+1 A:2\n\nQ:2+2 A:4", id="at a name of its own"),
        pytest.param("{examples}", {"example_separator": " # "}, "Q:1+1 A:2 # Q:2+2 A:4", id="with a separator"),
        pytest.param("{examples}", {"example_separator": ""}, "Q:1+1 A:2Q:2+2 A:4", id="with nothing between"),
        pytest.param("{examples}{examples}", {"examples": EXAMPLES[:1]}, "Q:1+1 A:2Q:1+1 A:2", id="twice"),
        pytest.param(
            "{examples}", {"examples": [{**EXAMPLES[0], "more": 1}]}, "Q:1+1 A:2", id="fields that are not used"
        ),
    ],
)
def test_examples_in_a_string_prompt(template: str, few_shot: dict[str, Any], text: str):
    prompt = string(template, few_shot={"examples": EXAMPLES, "string_template": "Q:{q} A:{a}", **few_shot})
    assert prompt.render_text({"x": "?"}, ignore_extra=True) == text


def test_examples_are_data():
    prompt = string("{examples}{x}", few_shot={"examples": [{"q": "{x} {{x}}"}], "string_template": "{q}|"})
    assert prompt.render_text({"x": "LEAK"}) == "{x} {{x}}|LEAK"


def test_examples_bring_their_own_values():
    prompt = string("{examples}{q}", few_shot={"examples": [{"q": "inner"}], "string_template": "{q} "})
    assert prompt.render_text({"q": "outer"}) == "inner outer"


def test_the_caller_cannot_replace_the_examples():
    prompt = string("{examples}", few_shot={"examples": EXAMPLES[:1], "string_template": "{q}"})
    assert prompt.inputs.contract == {}
    with pytest.raises(UnknownVariables):
        prompt.render_text({"examples": "LEAK"})


SHOTS = [
    RenderedMessage("human", "1+1"),
    RenderedMessage("ai", "2"),
    RenderedMessage("human", "2+2"),
    RenderedMessage("ai", "4"),
]
SYSTEM, ASK = RenderedMessage("system", "s"), RenderedMessage("human", "?")


@pytest.mark.parametrize(
    ("messages", "insert_at", "expected"),
    [
        pytest.param("su", None, [SYSTEM, *SHOTS, ASK], id="behind the leading system message"),
        pytest.param("ssu", None, [SYSTEM, SYSTEM, *SHOTS, ASK], id="behind all leading system messages"),
        pytest.param("us", None, [*SHOTS, ASK, SYSTEM], id="first, if the chat does not start with one"),
        pytest.param("s", None, [SYSTEM, *SHOTS], id="last, behind nothing but system messages"),
        pytest.param("su", 0, [*SHOTS, SYSTEM, ASK], id="at the start"),
        pytest.param("su", 2, [SYSTEM, ASK, *SHOTS], id="at the end"),
        pytest.param("suu", 2, [SYSTEM, ASK, *SHOTS, ASK], id="in between"),
        pytest.param("pu", None, [*SHOTS, RenderedMessage("ai", "h"), ASK], id="before a placeholder"),
    ],
)
def test_examples_in_a_chat(messages: str, insert_at: int | None, expected: list[RenderedMessage]):
    items = {"s": {"role": "system", "template": "s"}, "u": human("?"), "p": {"variable_name": "history"}}
    few_shot = {
        "examples": EXAMPLES,
        "chat_messages": [human("{q}"), {"role": "ai", "template": "{a}"}],
        "insert_at": insert_at,
    }
    prompt = chat(*(items[letter] for letter in messages), few_shot=few_shot)
    assert prompt.render_messages({"history": [("ai", "h")]}, ignore_extra=True) == expected


def test_examples_in_a_chat_can_have_content_parts():
    few_shot = {"examples": [{"q": "x"}], "chat_messages": [human([{"type": "text", "text": "<{q}>"}])]}
    assert chat(human("?"), few_shot=few_shot).render_messages({})[0].content == [{"type": "text", "text": "<x>"}]


# What is shared between calls


def test_a_render_does_not_change_the_values():
    values = {"a": {"b": [1]}, "history": [{"role": "human", "content": "x", "additional_kwargs": {"k": 1}}]}
    before = copy.deepcopy(values)
    chat({"variable_name": "history"}, human("{{ a.b }}"), template_format="jinja2").render_messages(values)
    assert values == before


def test_what_a_caller_does_to_a_result_does_not_show_in_the_next_one():
    prompt = chat(
        {**human("x"), "additional_kwargs": {"cache": {"on": True}}},
        few_shot={"examples": [{"q": 1}], "chat_messages": [human([{"type": "text", "text": "{q}"}])]},
    )
    first = prompt.render_messages({})
    for message in first:
        message.additional_kwargs["cache"] = "changed"  # type: ignore[index]
        if isinstance(message.content, list):
            message.content.append("changed")
    assert prompt.render_messages({}) == [
        RenderedMessage("human", [{"type": "text", "text": "1"}]),
        RenderedMessage("human", "x", additional_kwargs={"cache": {"on": True}}),
    ]


def test_the_templates_of_a_spec_are_looked_through_once_not_for_each_message() -> None:
    class Counted(dict[Any, Any]):
        looks = 0

        def items(self) -> Any:
            self.looks += 1
            return super().items()

    spec = PromptSpec.model_validate({"messages": [{"role": "human", "template": f"{n} {{x}}"} for n in range(50)]})
    templates = Counted(compile_templates(spec)[0])
    items = compile_items(spec, templates, PromptAssets(spec, None))
    assert [item.render({"x": "y"})[0].content for item in items] == [f"{n} y" for n in range(50)]
    assert templates.looks == 1
