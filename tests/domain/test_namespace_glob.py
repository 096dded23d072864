"""Which namespaces a pattern covers."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptdb.domain.namespace_glob import NamespaceGlob
from promptdb.domain.prompt_id import MAX_IDENTITY
from promptdb.errors import InvalidRef


@pytest.mark.parametrize(
    ("pattern", "namespaces", "others"),
    [
        ("*", ["default", "support", "support/eu/north"], []),
        ("support", ["support", "support/eu", "support/eu/north"], ["Support", "support2", "sup", "eu/support"]),
        ("support/*", ["support/eu", "support/eu/north"], ["support", "sales/eu"]),
        ("*/eu", ["support/eu", "sales/eu/north"], ["eu", "support", "support/europe"]),
        ("team-*", ["team-a", "team-", "team-a/b"], ["team", "a/team-b"]),
        ("a*b*c", ["abc", "a1b2c", "abbc/x"], ["ab", "ac", "acb", "abcd"]),
        ("a*a", ["aa", "aba"], ["a", "ab"]),
        ("v1.0", ["v1.0"], ["v1x0"]),
        ("*-eu*", ["team-eu", "team-europe/x"], ["eu", "team"]),
    ],
)
def test_a_pattern_covers_what_matches_and_what_is_below(
    pattern: str, namespaces: list[str], others: list[str]
) -> None:
    glob = NamespaceGlob.parse(pattern)
    assert [name for name in namespaces if not glob.covers(name)] == []
    assert [name for name in others if glob.covers(name)] == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        "**",
        "a/**",
        "a/../b",
        ".",
        "a:b",
        "a b",
        "ä",
        "a\n",
        "?",
        "[a]",
        "a" * 513,
        "a**b",
        "-a",
        "**a",
    ],
)
def test_what_no_namespace_could_match_is_refused(text: str) -> None:
    with pytest.raises(InvalidRef, match="is not a pattern of namespaces"):
        NamespaceGlob.parse(text)


@given(
    st.from_regex(r"[ab*]{1,6}(/[ab*]{1,4})?", fullmatch=True),
    st.from_regex(r"[ab]{1,6}(/[ab]{1,4}){0,2}", fullmatch=True),
)
def test_the_match_is_that_of_the_regular_expression(pattern: str, namespace: str) -> None:
    pattern = re.sub(r"\*+", "*", pattern)
    expected = re.fullmatch(pattern.replace("*", "[^/]*") + "(/.*)?", namespace) is not None
    assert NamespaceGlob.parse(pattern).covers(namespace) == expected


def test_many_stars_take_no_time() -> None:
    glob = NamespaceGlob.parse("a*" * (MAX_IDENTITY // 2 - 1) + "b")
    assert not glob.covers("a" * MAX_IDENTITY)
