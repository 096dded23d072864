"""The golden digests of tests/vectors/digest.yaml, and that files in every form agree with them."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from promptdb.domain.spec import TEMPLATE_FORMATS, PromptSpec
from promptdb.domain.suffixes import SUFFIXES
from promptdb.errors import ConfigError
from promptdb.files.editing.write import prompt_file_text

Parse = Callable[..., Any]

PAGE = yaml.safe_load((Path(__file__).parents[2] / "vectors" / "digest.yaml").read_text(encoding="utf-8"))
VECTORS: list[dict[str, Any]] = PAGE["vectors"]
SAME: list[dict[str, Any]] = PAGE["same"]

each_vector = pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])


def spec_of(parse: Parse, path: str, text: str, files: dict[str, str]) -> PromptSpec:
    result = parse(path, text, files)
    assert [problem for problem in result.problems if problem.is_error] == []
    spec: PromptSpec = result.prompt.spec
    return spec


@each_vector
def test_the_digest_of_a_prompt_is_what_it_always_was(parse: Parse, vector: dict[str, Any]):
    spec = spec_of(parse, "a.json", json.dumps(vector["fields"]), vector.get("files", {}))
    assert spec.digest() == vector["spec_hash"]


@pytest.mark.parametrize("vector", [v for v in VECTORS if "canonical" in v], ids=lambda vector: vector["name"])
def test_a_digest_can_be_made_from_the_page_alone(parse: Parse, vector: dict[str, Any]):
    assert "sha256:" + hashlib.sha256(vector["canonical"].encode()).hexdigest() == vector["spec_hash"]
    spec = spec_of(parse, "a.json", json.dumps(vector["fields"]), vector.get("files", {}))
    assert spec.canonical().decode() == vector["canonical"]


@each_vector
def test_the_stored_form_reads_back_with_the_same_digest(parse: Parse, vector: dict[str, Any]):
    spec = spec_of(parse, "a.json", json.dumps(vector["fields"]), vector.get("files", {}))
    assert PromptSpec.from_canonical(spec.canonical()).digest() == vector["spec_hash"]


@each_vector
def test_what_is_exported_reads_back_with_the_same_digest(parse: Parse, vector: dict[str, Any]):
    spec = spec_of(parse, "a.json", json.dumps(vector["fields"]), vector.get("files", {}))
    for suffix in (".yaml", ".json", ".md", ".j2", ".mustache"):
        text = exported(spec, suffix)
        if text is None:
            assert suffix not in (".yaml", ".json")
        else:
            again = spec_of(parse, "b" + suffix, text, vector.get("files", {}))
            assert again.digest() == vector["spec_hash"], suffix


def exported(spec: PromptSpec, suffix: str) -> str | None:
    """None where a text file cannot hold the prompt."""
    try:
        return prompt_file_text(spec, suffix)
    except ConfigError:
        return None


CASES = [(group, path) for group in SAME for path in group["files"] if not path.startswith("_")]


@pytest.mark.parametrize(("group", "path"), CASES, ids=[f"{group['name']}: {path}" for group, path in CASES])
def test_files_in_different_forms_have_one_digest(parse: Parse, group: dict[str, Any], path: str):
    files = dict(group["files"])
    assert spec_of(parse, path, files.pop(path), files).digest() == group["spec_hash"]


def test_vectors_differ_from_one_another():
    greetings = {"the smallest string prompt", "golden tests and earlier names are no part of a version"}
    hashes = [vector["spec_hash"] for vector in VECTORS]
    assert len(set(hashes)) == len(hashes) - len(greetings) + 1
    assert len({vector["spec_hash"] for vector in VECTORS if vector["name"] in greetings}) == 1


def test_the_vectors_have_every_format_field_and_suffix():
    text = json.dumps(VECTORS)
    assert [
        name for name in TEMPLATE_FORMATS if name != "f-string" and f'"template_format": "{name}"' not in text
    ] == []
    specs = [vector["fields"] for vector in VECTORS]
    used = {name for fields in specs for name in fields}
    assert set(PromptSpec.model_fields) - used - {"kind", "includes"} == set()
    assert {Path(path).suffix for group in SAME for path in group["files"]} >= SUFFIXES - {".mustache", ".yml"}
