"""Which parts of a prompt differ: what `plan` and `diff` say of an update."""

from typing import Any

import pytest

from promptdb.domain.changes import PARTS, changed_parts
from promptdb.domain.spec import PromptSpec

STRING = {"kind": "string", "template": "Hi {name}"}
EXAMPLES = {"examples": [{"q": "1"}], "string_template": "{q}"}
ASSET = {"path": "a.csv", "kind": "attachment", "digest": "sha256:" + "0" * 64}


def test_every_field_of_a_spec_is_in_exactly_one_part():
    listed = [name for fields in PARTS.values() for name in fields]
    assert sorted(listed) == sorted(PromptSpec.model_fields)


def test_the_parts_are_those_of_the_plan():
    assert tuple(PARTS) == ("template", "variables", "config", "assets", "metadata")


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        pytest.param({}, (), id="nothing"),
        pytest.param({"template": "Hello {name}"}, ("template",), id="template"),
        pytest.param({"template_format": "jinja2"}, ("template",), id="template_format"),
        pytest.param(
            {"kind": "chat", "template": None, "messages": [{"role": "human", "template": "Hi"}]},
            ("template",),
            id="kind",
        ),
        pytest.param({"few_shot": EXAMPLES}, ("template",), id="few_shot"),
        pytest.param({"includes": {"_a.md": "x"}}, ("template",), id="includes"),
        pytest.param({"variables": {"name": {"type": "string"}}}, ("variables",), id="variables"),
        pytest.param({"variables": {}}, ("variables",), id="variables declared as none"),
        pytest.param({"partial_variables": {"name": "Ann"}}, ("variables",), id="partial_variables"),
        pytest.param({"model": {"temperature": 0.1}}, ("config",), id="model"),
        pytest.param({"tools": [{"name": "f"}]}, ("config",), id="tools"),
        pytest.param({"response_schema": {}}, ("config",), id="response_schema"),
        pytest.param({"assets": [ASSET]}, ("assets",), id="assets"),
        pytest.param({"metadata": {"tags": ["a"]}}, ("metadata",), id="metadata"),
        pytest.param(
            {"metadata": {"title": "T"}, "template": "x", "model": {"a": 1}},
            ("template", "config", "metadata"),
            id="several, in the order of PARTS",
        ),
    ],
)
def test_changed_parts(change: dict[str, Any], parts: tuple[str, ...]):
    old, new = PromptSpec.model_validate(STRING), PromptSpec.model_validate({**STRING, **change})
    assert changed_parts(old, new) == parts
    assert changed_parts(new, old) == parts


@pytest.mark.parametrize("name", sorted(PromptSpec.model_fields))
def test_each_field_counts(name: str):
    spec = PromptSpec.model_validate(STRING)
    other = spec.model_copy(update={name: "something else"})
    assert changed_parts(spec, other) == tuple(part for part, fields in PARTS.items() if name in fields)


def test_no_part_differs_exactly_when_the_digests_are_equal():
    one = PromptSpec.model_validate({**STRING, "model": {"a": 1, "b": 2.0}})
    same = PromptSpec.model_validate({**STRING, "model": {"b": 2, "a": 1.0}})
    assert one.digest() == same.digest()
    assert changed_parts(one, same) == ()
