"""What an author may write beyond the fields of a spec: shorthands, names of other files, golden tests."""

from typing import Any

import pytest
from pydantic import ValidationError

from promptdb.domain.prompt_file import AssetInFile, Expectation, PromptFile
from promptdb.domain.spec import PromptSpec

ONLY_IN_FILES = {"template_file", "input_variables", "optional_variables", "tests", "renamed_from"}
ONLY_IN_SPECS = {"includes"}


def test_a_file_has_the_fields_of_a_spec_and_those_that_are_resolved():
    assert set(PromptFile.model_fields) - set(PromptSpec.model_fields) == ONLY_IN_FILES
    assert set(PromptSpec.model_fields) - set(PromptFile.model_fields) == ONLY_IN_SPECS


def test_every_field_of_a_file_may_be_left_out():
    assert PromptFile.model_validate({}).model_fields_set == set()


def test_an_asset_is_an_attachment_if_nothing_is_said():
    assert AssetInFile(path="a.csv").kind == "attachment"


@pytest.mark.parametrize(
    "expect",
    [
        pytest.param({"equals": "x"}, id="equals"),
        pytest.param({"equals": ""}, id="equals empty text"),
        pytest.param({"contains": "x"}, id="contains one text"),
        pytest.param({"contains": ["x", "y"]}, id="contains several"),
        pytest.param({"not_contains": "x"}, id="not_contains"),
        pytest.param({"messages": [{"role": "human", "content": "x"}]}, id="messages"),
        pytest.param({"messages": [{"role": "human", "content": [{"type": "text"}]}]}, id="content parts"),
        pytest.param({"messages": []}, id="no messages"),
        pytest.param({"equals": "x", "contains": "x", "not_contains": ["y"]}, id="several at once"),
    ],
)
def test_an_expectation(expect: dict[str, Any]):
    assert Expectation.model_validate(expect).model_fields_set == set(expect)


@pytest.mark.parametrize(
    "expect",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"equals": None}, id="equals null"),
        pytest.param({"contains": []}, id="contains none"),
        pytest.param({"not_contains": []}, id="not_contains none"),
        pytest.param({"messages": None}, id="messages null"),
        pytest.param({"contains": [""]}, id="contains empty text"),
        pytest.param({"contains": ""}, id="contains empty text, not in a list"),
        pytest.param({"equals": None, "contains": [], "not_contains": []}, id="all of them empty"),
    ],
)
def test_an_expectation_that_can_never_fail_is_refused(expect: dict[str, Any]):
    with pytest.raises(ValidationError, match=r"expect at least one of|at least 1"):
        Expectation.model_validate(expect)


@pytest.mark.parametrize(
    ("few_shot", "accepted"),
    [
        ({"examples": [{"a": 1}]}, True),
        ({"examples_file": "a.yaml"}, True),
        ({"examples_asset": "a.jsonl"}, True),
        ({"examples": [], "examples_file": "a.yaml"}, False),
        ({"examples_asset": "a.jsonl", "examples_file": "a.yaml"}, False),
        ({}, False),
        ({"string_template": "{a}"}, False),
    ],
)
def test_examples_have_one_source(few_shot: dict[str, Any], accepted: bool):
    if accepted:
        assert PromptFile.model_validate({"few_shot": few_shot}).few_shot is not None
    else:
        with pytest.raises(ValidationError, match="give one of 'examples', 'examples_file' and"):
            PromptFile.model_validate({"few_shot": few_shot})


def golden(name: str) -> dict[str, Any]:
    return {"name": name, "expect": {"contains": "x"}}


def test_tests_have_names_of_their_own():
    with pytest.raises(ValidationError, match="'same'"):
        PromptFile.model_validate({"template": "x", "tests": [golden("same"), golden("other"), golden("same")]})


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        pytest.param({"tests": [{"expect": {"equals": "x"}}]}, ("tests", 0, "name"), id="a test without a name"),
        pytest.param({"tests": [{"name": "a"}]}, ("tests", 0, "expect"), id="a test without an expectation"),
        pytest.param({"assets": [{"kind": "attachment"}]}, ("assets", 0, "path"), id="an asset without a path"),
        pytest.param({"assets": ["a.csv"]}, ("assets", 0), id="an asset that is only a path"),
        pytest.param({"input_variables": "name"}, ("input_variables",), id="text for a list"),
        pytest.param({"renamed_from": "a/b"}, ("renamed_from",), id="one earlier name outside a list"),
        pytest.param({"includes": {}}, ("includes",), id="includes are not written by hand"),
        pytest.param({"scheme": 1}, ("scheme",), id="nor is the scheme"),
    ],
)
def test_a_file_is_refused_with(fields: dict[str, Any], place: tuple[str | int, ...]):
    with pytest.raises(ValidationError) as caught:
        PromptFile.model_validate(fields)
    assert [error["loc"] for error in caught.value.errors()] == [place]
