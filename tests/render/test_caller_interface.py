"""What callers notice of a new version, from whole prompts of every format: tables, and that nothing differs from itself."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptdb.domain.spec import PromptSpec
from promptdb.render.caller_interface import changes_between, interface

TOOL = {"name": "search", "parameters": {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}}


def spec(**fields: Any) -> PromptSpec:
    kind = "chat" if "messages" in fields else "string"
    return PromptSpec.model_validate({"kind": kind, **({} if kind == "chat" else {"template": "x"}), **fields})


def chat(*items: Any, **fields: Any) -> PromptSpec:
    return spec(messages=[{"role": "human", "template": "x"}, *items], **fields)


def declared(**variable: Any) -> PromptSpec:
    return spec(template="{a}", variables={"a": variable})


def slot(**fields: Any) -> dict[str, Any]:
    return {"variable_name": "history", **fields}


def told(old: PromptSpec, new: PromptSpec) -> list[str]:
    """One word and the message for each change."""
    return [f"{'breaks' if found.is_breaking else 'fine'}: {found.message}" for found in changes_between(old, new)]


INPUTS = [
    pytest.param(spec(template="{a}"), spec(template="{a}{a}!"), [], id="the text alone"),
    pytest.param(spec(template="{a} {b}"), spec(template="{a}"), ["breaks: variable 'b' removed"], id="removed"),
    pytest.param(
        spec(template="{a}"), spec(template="{a} {b}"), ["breaks: new required variable 'b'"], id="new and required"
    ),
    pytest.param(
        spec(template="{a}"),
        spec(template="{a} {b}", partial_variables={"b": 1}),
        ["fine: new optional variable 'b'"],
        id="new with a stored value",
    ),
    pytest.param(
        spec(template="{a} {b}", variables={"a": {}}, partial_variables={"b": 1}),
        spec(template="{a} {b}", variables={"a": {}, "b": {}}),
        ["breaks: variable 'b' is required now"],
        id="a stored value goes",
    ),
    pytest.param(declared(default=1), declared(), ["breaks: variable 'a' is required now"], id="required now"),
    pytest.param(
        declared(required=False), declared(), ["breaks: variable 'a' is required now"], id="no longer left out"
    ),
    pytest.param(declared(), declared(default=1), ["fine: variable 'a' is optional now"], id="optional now"),
    pytest.param(
        declared(default=1), declared(default=2), ["fine: default of 'a' changed from 1 to 2"], id="another default"
    ),
    pytest.param(
        declared(default=1), declared(default=True), ["fine: default of 'a' changed from 1 to True"], id="1 is not true"
    ),
    pytest.param(declared(), declared(description="new"), [], id="a description"),
    pytest.param(declared(), spec(template="{a}"), [], id="what is declared is inferred now"),
    pytest.param(
        spec(template="{a}"),
        declared(type="string"),
        ["breaks: variable 'a' narrowed from any value to string"],
        id="a type where there was none",
    ),
    pytest.param(
        declared(type="string"), declared(), ["fine: variable 'a' widened from string to any value"], id="no type now"
    ),
    pytest.param(
        declared(type="number"),
        declared(type="integer"),
        ["breaks: variable 'a' narrowed from number to integer"],
        id="integers alone",
    ),
    pytest.param(
        declared(type="integer"),
        declared(type="number"),
        ["fine: variable 'a' widened from integer to number"],
        id="all numbers",
    ),
    pytest.param(
        declared(type="string"),
        declared(type="array"),
        ["breaks: variable 'a' changed from string to array"],
        id="another type",
    ),
    pytest.param(
        declared(type="array"),
        declared(type="messages"),
        ["breaks: variable 'a' changed from array to messages"],
        id="messages",
    ),
    pytest.param(
        declared(type="string"),
        declared(type="string", enum=["x", "y"]),
        ["breaks: variable 'a' narrowed from string to one of 'x', 'y'"],
        id="an enum where there was none",
    ),
    pytest.param(
        declared(enum=["x", "y"]),
        declared(enum=["x"]),
        ["breaks: variable 'a' narrowed from one of 'x', 'y' to one of 'x'"],
        id="a value less",
    ),
    pytest.param(
        declared(enum=["x"]),
        declared(enum=["y", "x"]),
        ["fine: variable 'a' widened from one of 'x' to one of 'y', 'x'"],
        id="a value more",
    ),
    pytest.param(declared(enum=["x", "y"]), declared(enum=["y", "x"]), [], id="values in another order"),
    pytest.param(declared(enum=["x"]), declared(enum=["x"], type="string"), [], id="a type that the values have"),
    pytest.param(
        declared(enum=["x", 1]),
        declared(enum=["x", 1], type="string"),
        ["breaks: variable 'a' narrowed from one of 'x', 1 to one of 'x', 1"],
        id="a type that a value does not have",
    ),
    pytest.param(declared(type="boolean"), declared(enum=[True, False]), [], id="both booleans"),
    pytest.param(
        declared(enum=["x" * 200]),
        declared(enum=["y"]),
        [f"breaks: variable 'a' changed from one of '{'x' * 69}... to one of 'y'"],
        id="a long value is cut",
    ),
]

PLACEHOLDERS = [
    pytest.param(chat(slot()), chat(), ["breaks: placeholder 'history' removed"], id="removed"),
    pytest.param(chat(), chat(slot()), ["breaks: new required placeholder 'history'"], id="new and required"),
    pytest.param(
        chat(), chat(slot(optional=True)), ["fine: new optional placeholder 'history'"], id="new and optional"
    ),
    pytest.param(
        chat(slot(optional=True)),
        chat(slot()),
        ["breaks: placeholder 'history' is required now"],
        id="required now",
    ),
    pytest.param(
        chat(slot()),
        chat(slot(), partial_variables={"history": []}),
        ["fine: placeholder 'history' is optional now"],
        id="stored messages",
    ),
    pytest.param(
        chat(slot()), chat(slot(), variables={"history": {"type": "messages"}}), [], id="declared as what it is"
    ),
    pytest.param(
        chat(slot()),
        chat({"role": "ai", "template": "{history}"}),
        ["breaks: placeholder 'history' is a variable now"],
        id="used as text",
    ),
    pytest.param(
        chat({"role": "ai", "template": "{history}"}),
        chat(slot()),
        ["breaks: variable 'history' is a placeholder now"],
        id="text before",
    ),
]

FORMATS = [
    pytest.param("jinja2", "{{ a }}", "{{ b }}!", ["variable 'a' removed", "new required variable 'b'"], id="jinja2"),
    pytest.param("mustache", "{{a}}", "{{b}}!", ["variable 'a' removed", "new required variable 'b'"], id="mustache"),
    pytest.param("plain", "{a}", "{b}", [], id="plain"),
    pytest.param(
        "mustache",
        "{{#s}}{{a}}{{/s}}",
        "{{#s}}{{/s}}",
        ["'a', which a section could look up, is not used any more: callers that pass it are refused"],
        id="mentioned",
    ),
    pytest.param(
        "mustache",
        "{{a}}{{#s}}{{a}}{{/s}}",
        "{{#s}}{{a}}{{/s}}",
        ["variable 'a' is optional now"],
        id="mentioned still",
    ),
    pytest.param(
        "mustache", "{{#s}}{{a}}{{/s}}", "{{a}}{{#s}}{{/s}}", ["variable 'a' is required now"], id="needed now"
    ),
]

OTHERS = [
    pytest.param(
        spec(),
        spec(messages=[{"role": "human", "template": "x"}]),
        ["breaks: kind changed from string to chat"],
        id="kind",
    ),
    pytest.param(
        spec(),
        spec(response_schema={"type": "object"}),
        ["breaks: response schema added: answers are JSON now"],
        id="a response schema",
    ),
    pytest.param(
        spec(response_schema={}),
        spec(),
        ["breaks: response schema removed: answers can be any text now"],
        id="no response schema",
    ),
    pytest.param(
        spec(response_schema={"type": "string"}),
        spec(response_schema={"type": ["string", "null"]}),
        ["breaks: response schema: the answer changed from string to null or string"],
        id="another response schema",
    ),
    pytest.param(
        spec(), spec(tools=[TOOL]), ["breaks: new tool 'search': callers must know how to run it"], id="a tool"
    ),
    pytest.param(spec(tools=[TOOL]), spec(), ["breaks: tool 'search' removed"], id="a tool less"),
    pytest.param(
        spec(tools=[TOOL]),
        spec(tools=[{"type": "function", "function": TOOL}]),
        [],
        id="the same tool in another API's form",
    ),
    pytest.param(
        spec(tools=[TOOL]),
        spec(tools=[{**TOOL, "parameters": {**TOOL["parameters"], "properties": {"q": {"type": "string"}, "n": {}}}}]),
        ["breaks: tool 'search': new property 'n'"],
        id="an argument more",
    ),
    pytest.param(spec(tools=[TOOL]), spec(tools=[{**TOOL, "description": "better"}]), [], id="a tool's description"),
    pytest.param(spec(), spec(tools=[{"type": "web_search"}]), [], id="a tool of the provider"),
    pytest.param(spec(), spec(model={"name": "x"}, metadata={"title": "x"}), [], id="model and metadata"),
]


@pytest.mark.parametrize(("old", "new", "expected"), [*INPUTS, *PLACEHOLDERS, *OTHERS])
def test_what_callers_notice(old: PromptSpec, new: PromptSpec, expected: list[str]) -> None:
    assert told(old, new) == expected


@pytest.mark.parametrize(("template_format", "old", "new", "expected"), FORMATS)
def test_inferred_contracts_of_each_format(template_format: str, old: str, new: str, expected: list[str]) -> None:
    one, other = (spec(template=text, template_format=template_format) for text in (old, new))
    assert [change.message for change in changes_between(one, other)] == expected


def test_a_name_that_is_filled_with_examples_is_no_variable() -> None:
    few_shot = {"examples": [{"q": "1"}], "string_template": "{q}"}
    old, new = spec(template="{a} {examples}", few_shot=few_shot), spec(template="{a}")
    assert told(old, new) == []


def test_breaking_changes_come_first() -> None:
    old = spec(template="{a} {b}", variables={"a": {}, "b": {}})
    new = spec(template="{a}, {c}", variables={"a": {"default": 1}, "c": {}})
    assert [change.is_breaking for change in changes_between(old, new)] == [True, True, False]


def test_a_change_says_of_what_kind_it_is_and_of_which_name() -> None:
    (change,) = changes_between(spec(template="{a} {b}"), spec(template="{a}"))
    assert (change.kind, change.name) == ("variable_removed", "b")


RENAMED = "breaks: variable 'place' renamed to 'city'"
REPLACED = ["breaks: variable 'place' removed", "breaks: new required variable 'city'"]
RENAMES = [
    pytest.param(
        spec(template="To {place}: a place {place!r}"), spec(template="To {city}: a place {city!r}"), [RENAMED], id="f-string"
    ),
    pytest.param(
        spec(template="{% if place %}{{ place|upper }}{% endif %}", template_format="jinja2"),
        spec(template="{% if city %}{{ city|upper }}{% endif %}", template_format="jinja2"),
        [RENAMED],
        id="jinja2",
    ),
    pytest.param(
        spec(template="{{ place }} {{{place}}}", template_format="mustache"),
        spec(template="{{ city }} {{{city}}}", template_format="mustache"),
        [RENAMED],
        id="mustache",
    ),
    pytest.param(
        chat({"role": "ai", "template": "{place}"}), chat({"role": "ai", "template": "{city}"}), [RENAMED], id="message"
    ),
    pytest.param(
        chat({"role": "human", "template": [{"type": "text", "text": "{place}"}]}),
        chat({"role": "human", "template": [{"type": "text", "text": "{city}"}]}),
        [RENAMED],
        id="part",
    ),
    pytest.param(
        chat({"variable_name": "place"}),
        chat({"variable_name": "city"}),
        ["breaks: placeholder 'place' renamed to 'city'"],
        id="placeholder",
    ),
    pytest.param(
        spec(template='{% include "f" %}', template_format="jinja2", includes={"f": "{{ place }}"}),
        spec(template='{% include "f" %}', template_format="jinja2", includes={"f": "{{ city }}"}),
        [RENAMED],
        id="fragment",
    ),
    pytest.param(
        spec(template="{place}", variables={"place": {"type": "string"}}),
        spec(template="{city}", variables={"city": {"type": "string", "default": "Rome", "description": "d"}}),
        [RENAMED, "fine: variable 'city' is optional now"],
        id="and optional now",
    ),
    pytest.param(
        spec(template="{place}", variables={"place": {"type": "string"}}),
        spec(template="{city}", variables={"city": {"type": "integer"}}),
        REPLACED,
        id="another type",
    ),
    pytest.param(spec(template="{place}!"), spec(template="{city}?"), REPLACED, id="another text"),
    pytest.param(spec(template="a place {place}"), spec(template="a city {city}"), REPLACED, id="a word of the text"),
    pytest.param(
        spec(template="{place} {b}"),
        spec(template="{city} {c}"),
        ["breaks: variable 'place' removed", "breaks: variable 'b' removed", *REPLACED[1:], "breaks: new required variable 'c'"],
        id="two at once",
    ),
    pytest.param(
        spec(template="{place} {place_2}"), spec(template="{city} {place_2}"), [RENAMED], id="the start of another name"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "messages"), RENAMES)
def test_a_renamed_variable_is_not_removed_and_added(old: PromptSpec, new: PromptSpec, messages: list[str]) -> None:
    assert told(old, new) == messages


def test_a_renamed_variable_has_its_old_name() -> None:
    (change,) = changes_between(spec(template="{a}"), spec(template="{b}"))
    assert (change.kind, change.name) == ("variable_renamed", "a")


def test_a_template_that_does_not_parse_has_no_names() -> None:
    """As a release that allowed more may have stored it."""
    assert interface(spec(template="{a")).variables == {}


_SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2)
_VARIABLES = st.fixed_dictionaries(
    {"type": st.sampled_from(["string", "integer", "number", "boolean", "array", "object", None])},
    optional={"required": st.booleans(), "enum": st.lists(_SCALARS, min_size=1, max_size=3)},
)
_CONTRACTS = st.dictionaries(st.sampled_from("abc"), _VARIABLES, max_size=3)


@given(_CONTRACTS)
@pytest.mark.slow
def test_a_prompt_does_not_differ_from_itself(variables: dict[str, Any]) -> None:
    assert changes_between(spec(variables=variables), spec(variables=variables)) == ()


@pytest.mark.slow
@given(_VARIABLES, _VARIABLES)
def test_what_widens_one_way_narrows_the_other(one: dict[str, Any], other: dict[str, Any]) -> None:
    there = {change.kind for change in changes_between(declared(**one), declared(**other))}
    back = {change.kind for change in changes_between(declared(**other), declared(**one))}
    assert ("variable_widened" in there) <= ("variable_narrowed" in back)
    assert ("variable_required" in there) == ("variable_optional" in back)


@given(_VARIABLES, _VARIABLES, _SCALARS)
@pytest.mark.slow
def test_a_value_that_was_taken_is_refused_only_after_a_breaking_change(
    one: dict[str, Any], other: dict[str, Any], value: Any
) -> None:
    """The promise behind the classification, held against what rendering really does."""
    from promptdb.domain.contract import value_problem

    old, new = declared(**one), declared(**other)
    if any(change.is_breaking for change in changes_between(old, new)):
        return
    before, after = (interface(found).variables["a"] for found in (old, new))
    assert value_problem(before, value) is not None or value_problem(after, value) is None
