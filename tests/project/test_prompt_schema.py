"""The schema for editors: it takes what a check takes, and refuses what the shape of fields rules out."""

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import pytest

from promptdb.domain.file_rules import TextDefaults
from promptdb.domain.suffixes import STRUCTURED, file_suffix
from promptdb.files.reading.document import Document
from promptdb.files.reading.fields import validate_fields
from promptdb.files.reading.formats import read_document
from promptdb.files.reading.parse import parse_document
from promptdb.files.tree import WorkTree
from promptdb.project.prompt_schema import DIALECT, prompt_schema

SCHEMA = prompt_schema()
VALIDATOR = jsonschema_rs.Draft202012Validator(SCHEMA)
REPOSITORY = Path(__file__).parents[2]

WORDS = {"$schema", "$ref", "$defs", "title", "description", "type", "enum", "default", "properties", "required"} | {
    *("additionalProperties", "items", "minItems", "maxItems", "minLength", "anyOf", "oneOf")
}
"""Words that 2020-12 and draft-07 have in common, and `$defs`."""

BASES: list[dict[str, Any]] = [
    {
        "$schema": "../schema.json",
        "kind": "string",
        "template_format": "jinja2",
        "undefined": "lenient",
        "template": "{{ x }}",
        "variables": {"x": {"type": "string", "description": "d", "enum": ["a", 1]}, "y": {"default": 1}, "z": {}},
        "partial_variables": {"p": 1},
        "few_shot": {"examples": [{"a": 1}], "string_template": "{a}", "insert_at": "x", "example_separator": "\n"},
        "model": {"name": "m"},
        "tools": [{"name": "t"}],
        "response_schema": {"type": "object"},
        "assets": [{"path": "a.png", "kind": "attachment"}],
        "tests": [{"name": "one", "variables": {"x": "a"}, "expect": {"contains": ["a"], "not_contains": "b"}}],
        "metadata": {
            "title": "T",
            "description": "D",
            "tags": ["t"],
            "owners": ["o"],
            "labels": {"k": "v"},
            "user_version": "1.0",
        },
        "renamed_from": ["a/old"],
    },
    {
        "messages": [
            {"role": "user", "template": "x", "name": "n", "additional_kwargs": {"k": 1}},
            {"role": "generic", "role_name": "r", "template": [{"type": "text", "text": "x"}]},
            {"role": "system", "template_file": "_x.md"},
            {"variable_name": "history", "optional": True},
        ],
        "few_shot": {"examples_file": "e.jsonl", "chat_messages": [{"role": "ai", "template": "x"}], "insert_at": 1},
        "tests": [{"name": "one", "expect": {"messages": [{"role": "human", "content": "x"}]}}],
    },
    {"template_file": "_x.md", "input_variables": ["a"], "optional_variables": ["b"]},
]
VALUES: list[Any] = [1, 1.5, True, None, "", "text", [], ["a"], [1], [{}], {}, {"other": 1}]

BEYOND = re.compile(
    "goes with role|needs a 'role_name'|template' is missing|give one of|expect at least one|cannot be 'required: true'"
    "|not usable as a selector|none of 'template'"
)
"""Rules between fields, and of names, which a check has and an editor does not show."""


def nodes(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    yield path, data
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield from nodes(value, (*path, key))


def at(data: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


def changed(base: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Documents that differ from a valid one in one place: a value, a field less, or a field more."""
    for path, value in nodes(base):
        if path:
            for other in VALUES:
                found = copy.deepcopy(base)
                at(found, path[:-1])[path[-1]] = other
                yield found
            found = copy.deepcopy(base)
            del at(found, path[:-1])[path[-1]]
            yield found
        if isinstance(value, dict):
            found = copy.deepcopy(base)
            at(found, path)["unknown"] = 1
            yield found


def problems_of(data: dict[str, Any]) -> list[str]:
    return [problem.message for problem in validate_fields(Document("a.yaml", copy.deepcopy(data), ""))[1]]


@pytest.mark.parametrize("base", BASES)
def test_it_agrees_with_a_check_about_each_change_of_a_field(base: dict[str, Any]) -> None:
    assert problems_of(base) == []
    different = []
    for data in [base, *changed(base)]:
        problems = problems_of(data)
        is_valid = VALIDATOR.is_valid(data)
        if is_valid != (not problems) and not (is_valid and BEYOND.search(" ".join(problems))):
            different.append((data, problems))
    assert different == []


def test_the_prompts_of_this_repository_are_valid() -> None:
    seen = 0
    for root in ("prompts", "examples"):
        for file in (REPOSITORY / root).rglob("*"):
            if file_suffix(file.name) not in STRUCTURED or any(part.startswith("_") for part in file.parts):
                continue
            data = read_document(file.name, file_suffix(file.name), file.read_bytes(), TextDefaults()).data
            if "template" in data or "messages" in data or "template_file" in data:
                assert [error.message for error in VALIDATOR.iter_errors(data)] == [], file
                seen += 1
    assert seen > 5


def test_front_matter_may_have_a_role() -> None:
    assert VALIDATOR.is_valid({"role": "assistant"})
    assert not VALIDATOR.is_valid({"role": "none"})


def test_it_is_a_schema_in_the_words_of_older_editors() -> None:
    assert SCHEMA["$schema"] == DIALECT
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert words(SCHEMA) <= WORDS


def words(schema: Any, *, are_names: bool = False) -> set[str]:
    if isinstance(schema, list):
        return {word for item in schema for word in words(item)}
    if not isinstance(schema, dict):
        return set()
    own = set() if are_names else set(schema)
    inner = {
        word
        for key, value in schema.items()
        if key not in ("default", "enum")
        for word in words(value, are_names=key in ("properties", "$defs") and not are_names)
    }
    return own | inner


def test_each_field_is_explained() -> None:
    for name, part in {"": SCHEMA, **SCHEMA["$defs"]}.items():
        for field, rule in part.get("properties", {}).items():
            assert rule.get("description", "").endswith("."), (name, field)


def test_the_field_that_names_it_is_no_part_of_a_prompt() -> None:
    with_it, without = ({**names, "template": "x"} for names in ({"$schema": "../schema.json"}, {}))
    tree = WorkTree(REPOSITORY)
    found = [parse_document(Document("a.yaml", data, ""), tree).prompt for data in (with_it, without)]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0].spec.digest() == found[1].spec.digest()
