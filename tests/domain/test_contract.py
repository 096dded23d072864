"""Contracts: which values a caller must or may give, and which of them fit."""

from collections import OrderedDict
from typing import Any

import pytest

from promptdb.domain.contract import contract, placeholders, value_problem
from promptdb.domain.spec import Placeholder, PromptSpec, Variable

VALUES: dict[str, Any] = {
    "text": "a",
    "empty text": "",
    "true": True,
    "integer": 3,
    "float": 1.5,
    "float without fraction": 2.0,
    "list": ["a"],
    "tuple": ("a",),
    "dict": {"a": 1},
    "other mapping": OrderedDict(a=1),
    "null": None,
    "bytes": b"a",
    "set": {1},
}
FITTING: dict[str, set[str]] = {
    "string": {"text", "empty text"},
    "integer": {"integer"},
    "number": {"integer", "float", "float without fraction"},
    "boolean": {"true"},
    "array": {"list", "tuple"},
    "object": {"dict", "other mapping"},
    "messages": {"list", "tuple"},
}


@pytest.mark.parametrize(("type_", "name"), [(type_, name) for type_ in FITTING for name in VALUES])
def test_a_value_fits_a_type_or_not(type_: str, name: str):
    variable = Variable.model_validate({"type": type_})
    assert (value_problem(variable, VALUES[name]) is None) is (name in FITTING[type_])


@pytest.mark.parametrize("name", VALUES)
def test_without_a_type_every_value_fits(name: str):
    assert value_problem(Variable(), VALUES[name]) is None


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, "null"),
        (True, "boolean"),
        (3, "integer"),
        (1.5, "number"),
        ([], "array"),
        ({}, "object"),
        (b"", "bytes"),
    ],
)
def test_a_misfit_says_what_was_expected_and_what_was_found(value: Any, found: str):
    assert value_problem(Variable(type="string"), value) == f"expected string, got {found}"


@pytest.mark.parametrize(
    ("enum", "value", "fits"),
    [
        pytest.param(["low", "high"], "low", True, id="one of the texts"),
        pytest.param(["low", "high"], "LOW", False, id="another case"),
        pytest.param([1, 2], 2, True, id="one of the numbers"),
        pytest.param([1], True, False, id="true is not 1"),
        pytest.param([True], 1, False, id="1 is not true"),
        pytest.param([0], False, False, id="false is not 0"),
        pytest.param([1], 1.0, True, id="1.0 is 1"),
        pytest.param([None], None, True, id="null"),
        pytest.param([[1]], [1], True, id="a list"),
        pytest.param([{"a": 1}], {"a": 1}, True, id="an object"),
    ],
)
def test_an_enum_compares_as_json_does(enum: list[Any], value: Any, fits: bool):
    assert (value_problem(Variable(enum=enum), value) is None) is fits


@pytest.mark.parametrize(
    ("enum", "value"),
    [
        pytest.param([[1]], [True], id="true in a list is not 1"),
        pytest.param([{"a": 0}], {"a": False}, id="false in an object is not 0"),
        pytest.param([[1]], 1, id="a number is not a list of it"),
        pytest.param([1], [1], id="a list is not the number in it"),
        pytest.param([[1, 2]], [1], id="a shorter list"),
        pytest.param([{"a": 1}], {"a": 1, "b": 2}, id="an object with more keys"),
        pytest.param([{"a": 1}], "a", id="text is not an object"),
    ],
)
def test_an_enum_compares_as_json_does_at_depth(enum: list[Any], value: Any):
    assert value_problem(Variable(enum=enum), value) is not None


def test_an_enum_misfit_lists_what_is_allowed():
    assert value_problem(Variable(type="string", enum=["low", "high"]), "mid") == "not one of 'low', 'high'"


def test_a_wrong_type_is_told_before_the_enum():
    assert value_problem(Variable(type="string", enum=["low"]), 1) == "expected string, got integer"


def chat(**fields: Any) -> PromptSpec:
    return PromptSpec.model_validate(
        {"kind": "chat", "messages": [{"role": "human", "template": "x"}, {"variable_name": "history"}], **fields}
    )


def test_placeholders_come_with_their_index():
    spec = chat(
        messages=[{"variable_name": "a"}, {"role": "ai", "template": "x"}, {"variable_name": "b", "optional": True}]
    )
    assert list(placeholders(spec)) == [
        (0, Placeholder(variable_name="a")),
        (2, Placeholder(variable_name="b", optional=True)),
    ]


@pytest.mark.parametrize(
    ("spec", "used", "expected"),
    [
        pytest.param(
            PromptSpec(kind="string", template="x"),
            ["b", "a"],
            {"b": Variable(), "a": Variable()},
            id="inferred from use, in order of use",
        ),
        pytest.param(
            PromptSpec(
                kind="string",
                template="x",
                variables={"a": Variable(type="string"), "c": Variable(default=1, required=False)},
            ),
            ["a"],
            {"a": Variable(type="string"), "c": Variable(default=1, required=False)},
            id="declared ones only",
        ),
        pytest.param(PromptSpec(kind="string", template="x", variables={}), ["a"], {}, id="declared as none"),
        pytest.param(
            PromptSpec(kind="string", template="x", partial_variables={"a": 1}),
            ["a", "b"],
            {"a": Variable(required=False), "b": Variable()},
            id="a stored value makes an inferred one optional",
        ),
        pytest.param(
            PromptSpec(
                kind="string", template="x", variables={"a": Variable(type="string")}, partial_variables={"a": "v"}
            ),
            ["a"],
            {"a": Variable(type="string", required=False)},
            id="a stored value makes a declared one optional",
        ),
        pytest.param(chat(), [], {"history": Variable(type="messages")}, id="placeholder"),
        pytest.param(
            chat(messages=[{"variable_name": "history", "optional": True}]),
            [],
            {"history": Variable(type="messages", required=False)},
            id="optional placeholder",
        ),
        pytest.param(
            chat(variables={}), [], {"history": Variable(type="messages")}, id="a placeholder need not be declared"
        ),
        pytest.param(
            chat(variables={"history": Variable(type="messages", required=False, description="so far")}),
            [],
            {"history": Variable(type="messages", required=False, description="so far")},
            id="a declared placeholder",
        ),
    ],
)
def test_contract(spec: PromptSpec, used: list[str], expected: dict[str, Variable]):
    found = contract(spec, dict.fromkeys(used))
    assert found == expected
    assert list(found) == list(expected)


def test_contract_leaves_the_spec_alone():
    spec = PromptSpec(kind="string", template="x", variables={"a": Variable()}, partial_variables={"a": 1})
    before = spec.canonical()
    contract(spec, {"a": None})["b"] = Variable()
    assert spec.canonical() == before


def test_a_string_prompt_has_no_placeholders():
    assert list(placeholders(PromptSpec(kind="string", template="x"))) == []
