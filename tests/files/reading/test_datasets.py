"""Assets that become a part of the prompt: what a check says of their content, with its place."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from promptdb.problems import Code, Problem
from promptdb.render.assets import MAX_DATASET_BYTES, MAX_IMAGE_BYTES

OneProblem = Callable[..., Problem]
STRING = """\
template: "{examples} {q}"
few_shot: {string_template: "{a}={b:d}", examples_asset: _rows.jsonl}
assets: [{path: _rows.jsonl, kind: example_dataset}]
"""
IMAGE = """\
messages:
- role: human
  template:
  - {type: image_url, image_url: {url: "asset:NAME"}}
assets: [{path: _dot.png}, {path: _notes.txt}]
"""
FILES = {"_dot.png": "x", "_notes.txt": "x", "_rows.jsonl": '{"a": 1, "b": 2}\n'}


@pytest.mark.parametrize(
    ("rows", "line", "code", "message"),
    [
        ("", 2, Code.FEW_SHOT, "the dataset has no examples"),
        ('{"a": 1, "b": 2}\n\n[1]\n', 3, Code.WRONG_VALUE, "example 2 is not a mapping of names to values"),
        ('{"a": 1, "b": 2}\n{"a": 1}\n', 2, Code.FEW_SHOT, "example 2 has no value for b"),
        ('{"a": 1, "b": "x"}\n', 1, Code.FEW_SHOT, "example 1 does not render"),
        ('{"a": 1, "a": 2, "b": 2}\n', 1, Code.DUPLICATE_KEY, "'a'"),
        ('{"a": 1,\n', 1, Code.SYNTAX, "not valid JSON"),
        (b"\n\xff\n", 2, Code.NOT_UTF8, "not UTF-8"),
    ],
    ids=["empty", "a list", "a value is missing", "a value does not fit", "twice", "syntax", "encoding"],
)
def test_a_dataset_is_checked_line_by_line(one_problem: OneProblem, rows: Any, line: int, code: Code, message: str):
    problem = one_problem("a.yaml", STRING, {"_rows.jsonl": rows})
    where = "a.yaml" if code is Code.FEW_SHOT and not rows else "_rows.jsonl"
    assert (problem.path, problem.line, problem.code) == (where, line, code)
    assert message in problem.message


def test_a_dataset_with_many_mistakes_is_told_up_to_20_of_them(parse: Callable[..., Any]):
    assert len(parse("a.yaml", STRING, {"_rows.jsonl": "1\n" * 100}).problems) == 20


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (STRING.replace("_rows.jsonl,", "_row.jsonl,").replace("asset: _rows", "asset: _row"), "there is no asset"),
        (STRING.replace(", kind: example_dataset", ""), "is of kind attachment"),
        (STRING.replace("_rows.jsonl", "_notes.txt"), "is not JSON Lines"),
        (IMAGE.replace("NAME", "dot.png"), "there is no asset 'dot.png'"),
        (IMAGE.replace("NAME", "_notes.txt"), "is not an image that models accept"),
        (IMAGE.replace("NAME", "{x}.png"), "the name of an asset contains a variable"),
    ],
    ids=["no dataset", "another kind", "another form", "no image", "no image type", "a variable"],
)
def test_a_name_that_is_no_fitting_asset(one_problem: OneProblem, text: str, message: str):
    text = text.replace("assets: [{path: _row.jsonl", "assets: [{path: _rows.jsonl")
    problem = one_problem("a.yaml", text, FILES)
    assert (problem.path, problem.line, problem.code) == ("a.yaml", 4 if "role" in text else 2, Code.ASSET)
    assert message in problem.message
    assert problem.hint


@pytest.mark.parametrize(
    ("text", "name", "limit"),
    [(STRING, "_rows.jsonl", MAX_DATASET_BYTES), (IMAGE.replace("NAME", "_dot.png"), "_dot.png", MAX_IMAGE_BYTES)],
    ids=["dataset", "image"],
)
def test_an_asset_that_is_too_large_for_a_prompt(
    parse: Callable[..., Any], tree: Path, text: str, name: str, limit: int
):
    (tree / name).touch()
    os.truncate(tree / name, limit + 1)
    [problem] = parse("a.yaml", text, {other: data for other, data in FILES.items() if other != name}).problems
    assert (problem.line, problem.code) == (4 if "role" in text else 2, Code.TOO_LARGE)
    assert f"larger than {limit // 1024**2} MiB" in problem.message
