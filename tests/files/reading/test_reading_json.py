"""JSON, strictly, each problem at its place."""

import json
from typing import Any

import pytest
from hypothesis import given
from specs import json_data

from promptdb.files.findings import Unreadable
from promptdb.files.reading.json import read_json
from promptdb.files.reading.json_nodes import compose_json
from promptdb.files.reading.yaml import MAX_DEPTH, MAX_DIGITS, node_at
from promptdb.problems import Code


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param(
            '{"a": [1, 2.5, true, false, null, "x"]}', {"a": [1, 2.5, True, False, None, "x"]}, id="all types"
        ),
        pytest.param(' \n\t{ "a" :\t1 }\r\n', {"a": 1}, id="white space"),
        pytest.param('"\\u00e9\\n\\/\\"\\\\"', 'é\n/"\\', id="escapes"),
        pytest.param('"\\ud83d\\ude00"', "😀", id="a character in two halves"),
        pytest.param('"\\\\u0000 \\\\ud800"', "\\u0000 \\ud800", id="text about escapes"),
        pytest.param('"\\\\\\\\u0000"', "\\\\u0000", id="text about escapes, twice"),
        pytest.param('{"\\\\u0000": 1}', {"\\u0000": 1}, id="text about escapes as a key"),
        pytest.param('"\u2028\u0085\x7f"', "\u2028\u0085\x7f", id="characters that YAML would not take"),
        pytest.param("-0", 0, id="minus zero"),
        pytest.param("1E3", 1000.0, id="exponent"),
        pytest.param("9" * MAX_DIGITS, int("9" * MAX_DIGITS), id="300 digits"),
        pytest.param('{"": {"": 1}}', {"": {"": 1}}, id="empty keys"),
        pytest.param('{"a": 1, "A": 2}', {"a": 1, "A": 2}, id="keys that differ in case"),
        pytest.param(
            '{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}',
            {"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]},
            id="one key in several objects",
        ),
    ],
)
def test_reads(text: str, value: Any):
    assert read_json(text) == value


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "fragment"),
    [
        pytest.param("", Code.SYNTAX, 1, 1, "not valid JSON", id="nothing"),
        pytest.param("{", Code.SYNTAX, 1, 2, "not valid JSON", id="cut short"),
        pytest.param('{\n  "a" 1\n}', Code.SYNTAX, 2, 7, "not valid JSON", id="a missing colon"),
        pytest.param("{'a': 1}", Code.SYNTAX, 1, 2, "not valid JSON", id="single quotes"),
        pytest.param("{a: 1}", Code.SYNTAX, 1, 2, "not valid JSON", id="a bare key"),
        pytest.param('{"a": 1} x', Code.SYNTAX, 1, 10, "not valid JSON", id="something behind"),
        pytest.param('{"a": 1 // x\n}', Code.SYNTAX, 1, 9, "not valid JSON", id="a comment"),
        pytest.param('"a\nb"', Code.SYNTAX, 1, 3, "not valid JSON", id="a line break in text"),
        pytest.param('{"a": 01}', Code.SYNTAX, 1, 8, "not valid JSON", id="a leading zero"),
        pytest.param('{"a": "\\x41"}', Code.SYNTAX, 1, 8, "not valid JSON", id="unknown escape"),
        pytest.param('{"a": 1,\n "a": 2}', Code.DUPLICATE_KEY, 2, 2, "the key 'a' appears twice", id="duplicate key"),
        pytest.param(
            '{"a": 1, "a": 2, "b": {"a": 3}}',
            Code.DUPLICATE_KEY,
            1,
            10,
            "the key 'a' appears twice",
            id="and the key elsewhere",
        ),
        pytest.param(
            '{"b": {"a": 3}, "c":\t{"a": 1,\t"a": 2}}',
            Code.DUPLICATE_KEY,
            1,
            31,
            "the key 'a'",
            id="at depth, with tabs",
        ),
        pytest.param(
            '{"a": "x", "\\u0061": 2}', Code.DUPLICATE_KEY, 1, 12, "the key 'a'", id="a key written in another way"
        ),
        pytest.param('{"😀": 1, "\\ud83d\\ude00": 2}', Code.DUPLICATE_KEY, 1, 10, "the key '😀'", id="a key in halves"),
        pytest.param('{"a":\n [NaN]}', Code.WRONG_VALUE, 2, 3, "NaN is not a JSON number", id="NaN"),
        pytest.param('{"a": -Infinity}', Code.WRONG_VALUE, 1, 7, "-Infinity is not a JSON number", id="infinity"),
        pytest.param('{"a":\n 1e400}', Code.WRONG_VALUE, 2, 2, "1e400 is too large", id="a float beyond all floats"),
        pytest.param(
            '{"a":\n ' + "9" * 5000 + "}", Code.WRONG_VALUE, 2, 2, "more than 300 digits", id="a huge integer"
        ),
        pytest.param('{"a": "\\u0000"}', Code.BAD_CHARACTER, 1, 8, "U+0000", id="an escaped NUL"),
        pytest.param('{"a\\u0000": 1}', Code.BAD_CHARACTER, 1, 4, "U+0000", id="an escaped NUL in a key"),
        pytest.param('{"a": "x\\ud800"}', Code.BAD_CHARACTER, 1, 9, "half a character", id="half a character"),
        pytest.param(
            '{"a": "\\udc00\\ud800"}', Code.BAD_CHARACTER, 1, 8, "half a character", id="halves in the wrong order"
        ),
        pytest.param(
            '{"a": "\\ud83d\\ude00",\n"b": "\\ud800"}',
            Code.BAD_CHARACTER,
            2,
            7,
            "half a character",
            id="behind a whole one",
        ),
        pytest.param(
            '{"a": "\\\\u0000", "b": "\\u0000"}', Code.BAD_CHARACTER, 1, 24, "U+0000", id="behind text about escapes"
        ),
        pytest.param("[" * 65 + "1" + "]" * 65, Code.TOO_COMPLEX, 1, 1, "nested deeper than 64 levels", id="65 lists"),
        pytest.param("[" * 65 + "]" * 65, Code.TOO_COMPLEX, 1, 1, "nested deeper than 64 levels", id="65 empty lists"),
        pytest.param("[" * 100_000, Code.TOO_COMPLEX, 1, 1, "nested deeper than 64 levels", id="100,000 lists"),
        pytest.param('{"a":' * 100_000, Code.TOO_COMPLEX, 1, 1, "nested deeper than 64 levels", id="100,000 objects"),
        pytest.param("[" * 500 + "]" * 500, Code.TOO_COMPLEX, 1, 1, "nested deeper than 64 levels", id="500 lists"),
    ],
)
def test_refuses_at_the_place(text: str, code: Code, line: int, column: int, fragment: str):
    with pytest.raises(Unreadable) as caught:
        read_json(text)
    [finding] = caught.value.findings
    assert (finding.code, finding.line, finding.column) == (code, line, column)
    assert fragment in finding.message


def test_64_levels_are_enough():
    assert json.dumps(read_json("[" * MAX_DEPTH + "]" * MAX_DEPTH)) == "[" * MAX_DEPTH + "]" * MAX_DEPTH


def test_every_duplicate_key_is_told():
    with pytest.raises(Unreadable) as caught:
        read_json('{"a": 1, "a": 2,\n "a": 3, "b": {"c": 1, "c": 2}}')
    assert sorted((f.line, f.column) for f in caught.value.findings) == [(1, 10), (2, 2), (2, 24)]


@given(json_data())
@pytest.mark.slow
def test_what_is_written_reads_back(value: Any):
    assert read_json(json.dumps(value)) == value
    assert read_json(json.dumps(value, ensure_ascii=False, indent="\t")) == value


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        pytest.param('{"x": "\\ud83d\\ude00", "a": 1}', 1, 28, id="behind a character in halves"),
        pytest.param('{"x":\t1,\t"a":\t1}', 1, 15, id="behind tabs"),
        pytest.param('{\n\t"x": 1,\n\t"a": 1\n}', 3, 7, id="indented by tabs"),
        pytest.param('{"x": "\\/", "a": 1}', 1, 18, id="behind an escaped slash"),
        pytest.param('{"x": "\x7f", "a": 1}', 1, 17, id="behind a character that YAML does not take"),
        pytest.param('{"x": "\u2028\u0085", "a": 1}', 1, 18, id="behind a line separator"),
        pytest.param('{"' + "x" * 2000 + '": 0,\n"a": 1}', 2, 6, id="behind a long key"),
        pytest.param('{"x":1,"a":1}', 1, 12, id="without spaces"),
    ],
)
def test_nodes_of_json_are_where_they_are(text: str, line: int, column: int):
    node = node_at(compose_json(text), ("a",))
    assert node is not None
    assert (node.start_mark.line + 1, node.start_mark.column + 1) == (line, column)
