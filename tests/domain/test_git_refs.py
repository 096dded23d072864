"""Which refs may be synced, which aliases they move, and what their heads are recorded under."""

import pytest

from promptdb.domain.git_refs import RefRules, parse_git_ref
from promptdb.errors import InvalidRef

RULES = RefRules.of(
    {
        "*": ["any"],
        "release/*": ["candidate"],
        "release/eu-*": ["eu"],
        "main": ["staging", "canary"],
        "mai?": [],
        "tags/v*": ["production"],
        "tags/v1.0": ["old"],
    }
)


@pytest.mark.parametrize(
    ("ref", "aliases", "head"),
    [
        ("main", ("staging", "canary"), "main"),
        ("mail", (), "mail"),
        ("feature", ("any",), "feature"),
        ("release/1.2", ("candidate",), "release/1.2"),
        ("release/de/1.2", ("candidate",), "release/de/1.2"),
        ("release/eu-1", ("eu",), "release/eu-1"),
        ("tags/v2", ("production",), "tags/v*"),
        ("tags/v1.0", ("old",), "tags/v1.0"),
        ("tags/x", ("any",), "*"),
        ("MAIN", ("any",), "MAIN"),
    ],
)
def test_the_own_name_comes_first_then_the_longest_pattern(ref: str, aliases: tuple[str, ...], head: str) -> None:
    assert (RULES.allow(ref), RULES.aliases_of(ref), RULES.head_name(ref)) == (True, aliases, head)


def test_a_detached_head_falls_under_no_pattern() -> None:
    assert (RULES.allow(None), RULES.aliases_of(None), RULES.head_name(None)) == (False, (), "HEAD")


@pytest.mark.parametrize("ref", [None, "main", "tags/v1"])
def test_without_rules_every_ref_is_allowed_and_moves_nothing(ref: str | None) -> None:
    rules = RefRules()
    assert (rules.allow(ref), rules.aliases_of(ref), rules.head_name(ref)) == (True, (), ref or "HEAD")


def test_a_ref_that_no_pattern_fits_is_not_allowed() -> None:
    rules = RefRules.of({"release/*": ["candidate"]})
    assert (rules.allow("main"), rules.aliases_of("main"), rules.head_name("tags/v1")) == (False, (), "tags/v1")


def test_the_pattern_that_moves_an_alias_is_known() -> None:
    assert (RULES.moving("production"), RULES.moving("nothing")) == ("tags/v*", None)


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("main", "main"),
        ("refs/heads/release/1.2", "release/1.2"),
        ("refs/heads/tags/odd", "tags/odd"),
        ("tags/v1.0", "tags/v1.0"),
        ("refs/tags/v1.0", "tags/v1.0"),
        ("refs/pull/7/merge", "pull/7/merge"),
        ("grün", "grün"),
    ],
)
def test_refs_are_called_as_git_abbreviates_them(text: str, ref: str) -> None:
    assert parse_git_ref(text) == ref


@pytest.mark.parametrize("text", ["", "HEAD", "-x", "/x", "a b", "a..b", "a:b", "a*", "refs/heads/", "a\nb", "x" * 256])
def test_what_git_would_not_take_is_refused(text: str) -> None:
    with pytest.raises(InvalidRef, match="is not the name of a branch or tag"):
        parse_git_ref(text)
