"""Canonical JSON and digests. These bytes are stored and hashed: a change here re-versions every prompt of every user."""

import hashlib
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptdb.domain.digest import canonical_json, digest_of, normalized, parse_digest
from promptdb.errors import IntegrityFailure

JSON_DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(None, "null", id="null"),
        pytest.param([True, False], "[true,false]", id="booleans"),
        pytest.param({}, "{}", id="empty object"),
        pytest.param([], "[]", id="empty list"),
        pytest.param({"b": 1, "a": 2}, '{"a":2,"b":1}', id="sorted keys"),
        pytest.param({"a": 1, "B": 2, "_": 3}, '{"B":2,"_":3,"a":1}', id="sorted by code point"),
        pytest.param({"\uffff": 1, "\U0001f600": 2}, '{"\uffff":1,"\U0001f600":2}', id="sorted beyond the BMP"),
        pytest.param({"a": {"d": 1, "c": 2}}, '{"a":{"c":2,"d":1}}', id="sorted at depth"),
        pytest.param([2, 1], "[2,1]", id="lists keep their order"),
        pytest.param("é€😀", '"é€😀"', id="UTF-8, no escapes"),
        pytest.param('"\\/', '"\\"\\\\/"', id="quote and backslash escaped, slash not"),
        pytest.param("\b\f\n\r\t", '"\\b\\f\\n\\r\\t"', id="short escapes"),
        pytest.param("\x00\x1f\x7f", '"\\u0000\\u001f\x7f"', id="control characters"),
        pytest.param("\u2028\u2029\x85", '"\u2028\u2029\x85"', id="line separators as they are"),
        pytest.param("e\u0301", '"e\u0301"', id="no Unicode normalization"),
        pytest.param(10**40, "1" + "0" * 40, id="all digits of an integer"),
        pytest.param(-7, "-7", id="negative integer"),
        pytest.param(0.1, "0.1", id="fewest digits"),
        pytest.param(1e-7, "1e-07", id="small float as repr"),
        pytest.param(1e22, "1e+22", id="large float as repr"),
        pytest.param(5e-324, "5e-324", id="smallest float"),
        pytest.param(1.7976931348623157e308, "1.7976931348623157e+308", id="largest float"),
    ],
)
def test_canonical_json_of(value: Any, text: str):
    assert canonical_json(value) == text.encode()


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(math.nan, id="NaN"),
        pytest.param([math.inf], id="infinity"),
        pytest.param({"a": -math.inf}, id="negative infinity"),
        pytest.param("\ud800", id="lone surrogate"),
    ],
)
def test_canonical_json_refuses_what_json_cannot_hold(value: Any):
    with pytest.raises(ValueError, match=r"Out of range float|surrogates not allowed"):
        canonical_json(value)


@pytest.mark.parametrize(
    ("value", "folded"),
    [
        pytest.param(1.0, 1, id="no fraction"),
        pytest.param(-0.0, 0, id="negative zero"),
        pytest.param(-2.0, -2, id="negative"),
        pytest.param(1e3, 1000, id="exponent"),
        pytest.param(2.0**53, 2**53, id="the largest that is folded"),
        pytest.param(2.0**53 + 2, 2.0**53 + 2, id="beyond stays a float"),
        pytest.param(0.5, 0.5, id="fraction"),
        pytest.param(True, True, id="true is no number"),
        pytest.param(3, 3, id="integer"),
        pytest.param("1.0", "1.0", id="text"),
        pytest.param({"a": [1.0, {"b": 2.0}]}, {"a": [1, {"b": 2}]}, id="at depth"),
    ],
)
def test_normalized(value: Any, folded: Any):
    result = normalized(value)
    assert (result, repr(result)) == (folded, repr(folded))


@given(JSON_DATA)
@pytest.mark.slow
def test_canonical_json_reads_back_as_the_same_data(value: Any):
    folded = normalized(value)
    assert json.loads(canonical_json(folded)) == folded


@given(JSON_DATA)
@pytest.mark.slow
def test_folding_twice_changes_nothing(value: Any):
    once = normalized(value)
    assert repr(normalized(once)) == repr(once)


@given(JSON_DATA, st.randoms(use_true_random=False))
@pytest.mark.slow
def test_two_writers_of_the_same_data_agree(value: Any, random: Any):
    """Other key order, spaces and escapes, `1.0` for `1`: the canonical JSON is the same."""

    def rewritten(item: Any) -> Any:
        if isinstance(item, dict):
            pairs = list(item.items())
            random.shuffle(pairs)
            return {key: rewritten(inner) for key, inner in pairs}
        if isinstance(item, list):
            return [rewritten(inner) for inner in item]
        if isinstance(item, int) and not isinstance(item, bool) and abs(item) <= 2**53:
            return float(item)
        return item

    text = json.dumps(rewritten(value), indent=3, ensure_ascii=True)
    assert canonical_json(normalized(json.loads(text))) == canonical_json(normalized(value))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_keeps_its_exact_value(value: float):
    assert json.loads(canonical_json(normalized(value))) == value


def test_digest_of_is_sha256_in_lower_case_hex():
    assert digest_of(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert digest_of(b"abc") == "sha256:" + hashlib.sha256(b"abc").hexdigest()


def test_parse_digest_takes_a_full_digest():
    assert parse_digest(str(digest_of(b"abc"))) == digest_of(b"abc")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("sha256:ab12cd34", id="a prefix"),
        pytest.param("a" * 64, id="no scheme"),
        pytest.param("sha512:" + "a" * 64, id="another scheme"),
        pytest.param("sha256:" + "A" * 64, id="upper case"),
        pytest.param("sha256:" + "a" * 65, id="too long"),
        pytest.param("sha256:" + "a" * 63 + "\n", id="line break"),
        pytest.param("sha256:../../etc/passwd", id="a path"),
    ],
)
def test_parse_digest_refuses(text: str):
    with pytest.raises(IntegrityFailure, match="is not a sha256 digest"):
        parse_digest(text)
