"""Specs: what a version is made of, how it is checked, hashed and read back."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from specs import chat_prompts, string_prompts

from promptdb.domain.digest import SCHEME, digest_of
from promptdb.domain.spec import TEMPLATE_FORMATS, Message, Placeholder, PromptSpec, Variable
from promptdb.errors import IntegrityFailure

STRING: dict[str, Any] = {"kind": "string", "template": "Hi {name}"}
DEFAULTS = (
    '{"assets":[],"few_shot":null,"includes":{},"kind":"string","messages":null,"metadata":{"description":null,"labels":{},'
    '"owners":[],"tags":[],"title":null,"user_version":null},"model":{},"partial_variables":{},"response_schema":null,'
    '"scheme":1,"template":"Hi {name}","template_format":"f-string","tools":[],"variables":null}'
)


def spec(**fields: Any) -> PromptSpec:
    return PromptSpec.model_validate({**STRING, **fields})


def chat(*messages: dict[str, Any], **fields: Any) -> PromptSpec:
    return PromptSpec.model_validate({"kind": "chat", "messages": list(messages), **fields})


def test_the_canonical_json_has_every_default_filled_in():
    assert spec().canonical().decode() == DEFAULTS


def test_the_digest_is_that_of_the_canonical_json():
    assert spec().digest() == digest_of(DEFAULTS.encode())


def test_the_scheme_is_inside_what_is_hashed():
    assert json.loads(spec().canonical())["scheme"] == SCHEME == 1


@pytest.mark.parametrize(
    "same",
    [
        pytest.param({"template_format": "f-string"}, id="a default spelled out"),
        pytest.param({"metadata": {}}, id="empty metadata"),
        pytest.param({"metadata": {"title": None, "tags": []}}, id="metadata of defaults"),
        pytest.param({"model": {}, "tools": [], "assets": [], "variables": None}, id="empty collections"),
    ],
)
def test_a_default_spelled_out_does_not_change_the_digest(same: dict[str, Any]):
    assert spec(**same).digest() == spec().digest()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"model": {"a": 1.0}}, {"model": {"a": 1}}, id="model"),
        pytest.param({"tools": [{"a": [1.0]}]}, {"tools": [{"a": [1]}]}, id="tools"),
        pytest.param({"response_schema": {"a": 1.0}}, {"response_schema": {"a": 1}}, id="response_schema"),
        pytest.param({"partial_variables": {"a": 1.0}}, {"partial_variables": {"a": 1}}, id="partial_variables"),
        pytest.param({"variables": {"a": {"default": 1.0}}}, {"variables": {"a": {"default": 1}}}, id="default"),
        pytest.param({"variables": {"a": {"enum": [1.0]}}}, {"variables": {"a": {"enum": [1]}}}, id="enum"),
        pytest.param({"few_shot": {"examples": [{"a": 1.0}]}}, {"few_shot": {"examples": [{"a": 1}]}}, id="examples"),
        pytest.param(
            {"messages": [{"role": "human", "template": [{"a": 1.0}], "additional_kwargs": {"b": 2.0}}]},
            {"messages": [{"role": "human", "template": [{"a": 1}], "additional_kwargs": {"b": 2}}]},
            id="content parts and additional_kwargs",
        ),
        pytest.param({"model": {"a": 1, "b": 2}}, {"model": {"b": 2, "a": 1}}, id="key order"),
        pytest.param(
            {"messages": [{"role": "user", "template": "x"}]},
            {"messages": [{"role": "human", "template": "x"}]},
            id="user",
        ),
    ],
)
def test_what_means_the_same_has_one_digest(one: dict[str, Any], other: dict[str, Any]):
    assert spec(**one).canonical() == spec(**other).canonical()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"template": "Hi {name}\n"}, id="a line break at the end"),
        pytest.param({"template": "hi {name}"}, id="case"),
        pytest.param({"template_format": "jinja2"}, id="format"),
        pytest.param({"variables": {}}, id="declared as none is not inferred"),
        pytest.param({"response_schema": {}}, id="an empty schema is not none"),
        pytest.param({"model": {"a": "1"}}, id="text is not a number"),
        pytest.param({"metadata": {"title": "T"}}, id="metadata"),
        pytest.param({"includes": {"_a.md": "x"}}, id="includes"),
        pytest.param({"assets": [{"path": "a", "kind": "attachment", "digest": "sha256:" + "0" * 64}]}, id="assets"),
    ],
)
def test_what_means_something_else_has_another_digest(change: dict[str, Any]):
    assert spec(**change).digest() != spec().digest()


@pytest.mark.parametrize(
    "one", [{"model": {"a": True}}, {"model": {"a": 1}}, {"model": {"a": "1"}}, {"model": {"a": None}}]
)
def test_types_of_values_are_told_apart(one: dict[str, Any]):
    others = [{"model": {"a": value}} for value in (True, 1, "1", None) if repr({"model": {"a": value}}) != repr(one)]
    assert spec(**one).digest() not in {spec(**other).digest() for other in others}


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("system", "system"),
        ("human", "human"),
        ("ai", "ai"),
        ("tool", "tool"),
        ("user", "human"),
        ("assistant", "ai"),
        ("developer", "system"),
    ],
)
def test_roles_and_their_synonyms(given: str, read: str):
    assert Message.model_validate({"role": given, "template": "x"}).role == read


def test_an_item_with_variable_name_is_a_placeholder():
    prompt = chat(
        {"variable_name": "history"}, {"variable_name": "h", "optional": True}, {"role": "ai", "template": "x"}
    )
    assert prompt.messages == [
        Placeholder(variable_name="history"),
        Placeholder(variable_name="h", optional=True),
        Message(role="ai", template="x"),
    ]


@pytest.mark.parametrize(
    ("data", "variable"),
    [
        pytest.param({}, Variable(type=None, required=True), id="nothing said"),
        pytest.param({"default": "x"}, Variable(required=False, default="x"), id="a default makes it optional"),
        pytest.param({"default": False}, Variable(required=False, default=False), id="false is a default"),
        pytest.param({"default": 0}, Variable(required=False, default=0), id="0 is a default"),
        pytest.param({"default": ""}, Variable(required=False, default=""), id="empty text is a default"),
        pytest.param({"default": None}, Variable(required=True), id="null is no default"),
        pytest.param({"required": False}, Variable(required=False), id="optional without a default"),
    ],
)
def test_variables(data: dict[str, Any], variable: Variable):
    assert Variable.model_validate(data) == variable


MESSAGE = {"role": "human", "template": "x"}


@pytest.mark.parametrize(
    ("fields", "place", "message"),
    [
        pytest.param({"kind": "text"}, ("kind",), "Input should be 'string' or 'chat'", id="kind"),
        pytest.param({"template_format": "jinja"}, ("template_format",), "'plain'", id="template_format"),
        pytest.param({"template": 1}, ("template",), "valid string", id="a number as template"),
        pytest.param({"tmplate": "x"}, ("tmplate",), "Extra inputs are not permitted", id="unknown field"),
        pytest.param({"metadata": {"titel": "x"}}, ("metadata", "titel"), "Extra inputs", id="unknown field at depth"),
        pytest.param({"metadata": {"tags": "a"}}, ("metadata", "tags"), "valid list", id="text where a list is meant"),
        pytest.param({"metadata": {"labels": {"a": 1}}}, ("metadata", "labels", "a"), "valid string", id="label value"),
        pytest.param({"metadata": {"user_version": "latest"}}, ("metadata", "user_version"), "not usable", id="latest"),
        pytest.param({"metadata": {"user_version": "rev:1"}}, ("metadata", "user_version"), "not usable", id="rev:1"),
        pytest.param({"metadata": {"user_version": "a b"}}, ("metadata", "user_version"), "not usable", id="space"),
        pytest.param({"metadata": {"user_version": 1.0}}, ("metadata", "user_version"), "valid string", id="number"),
        pytest.param(
            {"messages": [{"role": "bot", "template": "x"}]}, ("messages", 0, "message", "role"), "'ai'", id="role"
        ),
        pytest.param(
            {"messages": [{"role": "ai"}]}, ("messages", 0, "message", "template"), "required", id="no template"
        ),
        pytest.param({"messages": [{**MESSAGE, "role_name": "x"}]}, ("messages", 0, "message"), "only", id="role_name"),
        pytest.param(
            {"messages": [{**MESSAGE, "role": "generic"}]},
            ("messages", 0, "message"),
            "needs a 'role_name'",
            id="generic",
        ),
        pytest.param(
            {"messages": [{"variable_name": "h", "optionl": True}]},
            ("messages", 0, "placeholder", "optionl"),
            "Extra",
            id="placeholder",
        ),
        pytest.param(
            {"messages": [{**MESSAGE, "variable_name": "h"}]},
            ("messages", 0, "message", "variable_name"),
            "Extra",
            id="both",
        ),
        pytest.param({"messages": ["x"]}, ("messages", 0, "message"), "valid dictionary", id="text as a message"),
        pytest.param(
            {"variables": {"a": {"type": "text"}}}, ("variables", "a", "type"), "'messages'", id="variable type"
        ),
        pytest.param({"variables": {"a": {"enum": []}}}, ("variables", "a", "enum"), "at least 1", id="empty enum"),
        pytest.param(
            {"variables": {"a": {"default": 1, "required": True}}},
            ("variables", "a"),
            "cannot be 'required: true'",
            id="required",
        ),
        pytest.param(
            {"variables": {"a": {"required": "no"}}}, ("variables", "a", "required"), "boolean", id="text as boolean"
        ),
        pytest.param({"few_shot": {}}, ("few_shot", "examples"), "required", id="few_shot without examples"),
        pytest.param(
            {"few_shot": {"examples": ["x"]}}, ("few_shot", "examples", 0), "valid dictionary", id="text as example"
        ),
        pytest.param(
            {"assets": [{"path": "a", "kind": "file", "digest": "x"}]},
            ("assets", 0, "kind"),
            "'attachment'",
            id="asset kind",
        ),
        pytest.param({"model": []}, ("model",), "valid dictionary", id="a list as model"),
        pytest.param({"tools": {}}, ("tools",), "valid list", id="an object as tools"),
        pytest.param({"includes": {"a": None}}, ("includes", "a"), "valid string", id="include without text"),
    ],
)
def test_validation_refuses(fields: dict[str, Any], place: tuple[str | int, ...], message: str):
    with pytest.raises(ValidationError) as caught:
        spec(**fields)
    [error] = caught.value.errors()
    assert error["loc"] == place
    assert message in error["msg"]


def test_kind_is_inferred_and_equal_to_the_one_that_is_told():
    chat = {"messages": [{"role": "user", "template": "x"}]}
    for kind, fields in {"string": {"template": "x"}, "chat": chat}.items():
        assert PromptSpec(**fields) == PromptSpec(kind=kind, **fields)
        assert PromptSpec(**fields).digest() == PromptSpec(kind=kind, **fields).digest()


def test_a_spec_is_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        spec().template = "other"  # type: ignore[misc]


def test_an_error_does_not_repeat_the_value():
    """Values can be secrets."""
    with pytest.raises(ValidationError) as caught:
        spec(template=["s3cret"])
    assert "s3cret" not in str(caught.value)


def test_the_template_formats_are_those_of_the_page():
    assert TEMPLATE_FORMATS == ("f-string", "jinja2", "mustache", "plain")


FULL: dict[str, Any] = {
    "kind": "chat",
    "template_format": "jinja2",
    "messages": [
        {"role": "system", "template": "a", "name": "n", "additional_kwargs": {"k": [1.5, None]}},
        {"role": "generic", "role_name": "judge", "template": [{"type": "text", "text": "b"}]},
        {"variable_name": "history", "optional": True},
    ],
    "variables": {"x": {"type": "integer", "default": 3, "enum": [1, 3], "description": "d"}},
    "partial_variables": {"p": {"q": [True]}},
    "few_shot": {"examples": [{"a": 1}], "chat_messages": [{"role": "human", "template": "c"}], "insert_at": 1},
    "model": {"temperature": 0.2, "big": 10**40},
    "tools": [{"name": "f"}],
    "response_schema": {"type": "object"},
    "assets": [{"path": "a.csv", "kind": "snapshot", "digest": "sha256:" + "1" * 64}],
    "includes": {"_shared/a.md": "text\n"},
    "metadata": {"title": "é", "tags": ["t"], "owners": ["o"], "labels": {"a": "b"}, "user_version": "1.0"},
}


@pytest.mark.parametrize("data", [STRING, FULL], ids=["smallest", "every field"])
@pytest.mark.parametrize("convert", [bytes, bytes.decode], ids=["from bytes", "from text"])
def test_a_stored_spec_reads_back(data: dict[str, Any], convert: Any):
    original = PromptSpec.model_validate(data)
    again = PromptSpec.from_canonical(convert(original.canonical()))
    assert type(again) is PromptSpec
    assert again == original
    assert again.canonical() == original.canonical()


@pytest.mark.slow
@given(string_prompts() | chat_prompts())
def test_any_stored_spec_reads_back(original: PromptSpec):
    again = PromptSpec.from_canonical(original.canonical())
    assert again == original
    assert again.canonical() == original.canonical()


@pytest.mark.slow
@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers())
def test_a_stored_number_reads_back(number: float):
    original = spec(model={"n": number})
    assert PromptSpec.from_canonical(original.canonical()).digest() == original.digest()


def stored(**changes: Any) -> str:
    data = json.loads(DEFAULTS)
    data.update(changes)
    return json.dumps({key: value for key, value in data.items() if value != "REMOVED"})


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param("", "at the top", id="nothing"),
        pytest.param("{", "at the top", id="cut short"),
        pytest.param("[]", "at the top", id="not an object"),
        pytest.param(stored(scheme=2), "at scheme", id="a newer scheme"),
        pytest.param(stored(scheme="REMOVED"), "at scheme", id="no scheme"),
        pytest.param(stored(kind="agent"), "at kind", id="a newer kind"),
        pytest.param(stored(added=1), "at added", id="a newer field"),
        pytest.param(stored(metadata={"added": 1}), "at metadata.added", id="a newer field at depth"),
    ],
)
def test_what_is_not_a_stored_spec_is_an_integrity_failure(text: str, place: str):
    with pytest.raises(IntegrityFailure) as caught:
        PromptSpec.from_canonical(text)
    assert caught.value.message.startswith("a stored spec cannot be read: ")
    assert caught.value.message.endswith(place)
    assert caught.value.hint is not None
    assert "upgrade promptdb" in caught.value.hint
