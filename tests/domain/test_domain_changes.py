"""What differs between two versions, and in which files: what `plan` and `diff` say of an update."""

from typing import Any

import pytest

from promptdb.domain.changes import PARTS, ChangedFile, changed_files, changed_parts
from promptdb.domain.field_path import FieldPath
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


def spec_with(includes: dict[str, str] | None = None, **fields: Any) -> PromptSpec:
    return PromptSpec.model_validate({**STRING, "includes": includes or {}, **fields})


@pytest.mark.parametrize(
    ("old", "new", "files"),
    [
        pytest.param({"a": "1"}, {"a": "1"}, [], id="nothing"),
        pytest.param({"a": "1"}, {"a": "2"}, [("a", "changed")], id="changed"),
        pytest.param({}, {"a": "1"}, [("a", "added")], id="added"),
        pytest.param({"a": "1"}, {}, [("a", "removed")], id="removed"),
        pytest.param(
            {"a": "1", "b": "1", "d": "1", "e": "1"},
            {"a": "2", "c": "1", "d": "1", "f": "1"},
            [("a", "changed"), ("b", "removed"), ("c", "added"), ("e", "removed"), ("f", "added")],
            id="all of it, by name",
        ),
        pytest.param({"a": "1"}, {"./a": "1"}, [], id="another name for the same"),
        pytest.param({"./a": "1"}, {"x/../a": "2"}, [("a", "changed")], id="another name, changed"),
    ],
)
def test_changed_fragments(old: dict[str, str], new: dict[str, str], files: list[tuple[str, Any]]):
    assert changed_files(spec_with(old), spec_with(new), {}) == tuple(ChangedFile(*file) for file in files)


SYSTEM = {"role": "system", "template": "Be kind."}


def test_fragments_are_told_by_their_files():
    old, new = spec_with({"tone.md": "1", "same.md": "x"}), spec_with({"tone.md": "2", "same.md": "x"})
    places = {("includes", "tone.md"): "app/tone.md", ("includes", "same.md"): "app/same.md"}
    assert changed_files(old, new, places) == (ChangedFile("app/tone.md", "changed"),)


FEW_SHOT = {"few_shot": EXAMPLES}
OTHER_EXAMPLES = {"few_shot": {**EXAMPLES, "examples": []}}
OTHER_STRING_TEMPLATE = {"few_shot": {**EXAMPLES, "string_template": "-{q}"}}


@pytest.mark.parametrize(
    ("old", "new", "texts", "paths"),
    [
        pytest.param({}, {"template": "x"}, {("template",): "t.md"}, ["t.md"], id="template_file"),
        pytest.param({}, {"template": "x"}, {}, [], id="a text of its own"),
        pytest.param({}, {"model": {"a": 1}}, {("template",): "t.md"}, [], id="something else"),
        pytest.param(FEW_SHOT, OTHER_EXAMPLES, {("few_shot", "examples"): "e.json"}, ["e.json"], id="examples_file"),
        pytest.param(
            FEW_SHOT, OTHER_STRING_TEMPLATE, {("few_shot", "examples"): "e.json"}, [], id="how examples are written"
        ),
        pytest.param({}, FEW_SHOT, {("few_shot", "examples"): "e.json"}, ["e.json"], id="examples at all"),
        pytest.param(
            {"kind": "chat", "template": None, "messages": [SYSTEM]},
            {"kind": "chat", "template": None, "messages": [{"role": "ai", "template": "new"}, SYSTEM]},
            {("messages", 0, "template"): "new.md", ("messages", 1, "template"): "system.md"},
            ["new.md"],
            id="the file of a message that has moved",
        ),
        pytest.param(
            {"template": "Be kind."},
            {"kind": "chat", "template": None, "messages": [SYSTEM]},
            {("messages", 0, "template"): "system.md"},
            [],
            id="a text that becomes a message",
        ),
        pytest.param(
            FEW_SHOT,
            {**OTHER_EXAMPLES, "template": "x"},
            {("template",): "t.md", ("few_shot", "examples"): "e.json"},
            ["e.json", "t.md"],
            id="both, by name",
        ),
    ],
)
def test_files_that_hold_a_changed_text(
    old: dict[str, Any], new: dict[str, Any], texts: dict[FieldPath, str], paths: list[str]
):
    found = changed_files(spec_with(**old), spec_with(**new), texts)
    assert found == tuple(ChangedFile(path, "changed") for path in paths)
