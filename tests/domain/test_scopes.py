"""Scopes: what each permits, and everything that none permits."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptdb.domain.namespace_glob import NamespaceGlob
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.scopes import Action, Scope, allows
from promptdb.errors import ConfigError, InvalidRef

TRIAGE = PromptId("support", "triage")
READ, WRITE, PROMOTE, ADMIN = Action

segments = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,5}", fullmatch=True)
namespaces = st.lists(segments, min_size=1, max_size=3).map("/".join)
prompts = st.builds(PromptId, namespaces, segments)
patterns = st.none() | st.lists(segments | st.just("*"), min_size=1, max_size=3).map("/".join).map(NamespaceGlob.parse)
aliases = st.sampled_from(["production", "staging", "canary"])
scopes = st.builds(
    lambda action, alias, pattern: Scope(action, alias if action is PROMOTE else None, pattern),
    st.sampled_from(Action),
    aliases | st.just("*"),
    patterns,
)


def may(text: str, action: Action, prompt: str | None = None, alias: str | None = None) -> bool:
    name = PromptId.parse(prompt) if prompt is not None else None
    return allows([Scope.parse(scope) for scope in text.split()], action, name, alias)


@pytest.mark.parametrize(
    ("scope", "read", "write", "production", "staging", "admin"),
    [
        ("", False, False, False, False, False),
        ("read", True, False, False, False, False),
        ("write", True, True, False, False, False),
        ("promote:production", True, False, True, False, False),
        ("promote:*", True, False, True, True, False),
        ("admin", True, True, True, True, True),
        ("write promote:staging", True, True, False, True, False),
    ],
)
@pytest.mark.parametrize("where", ["support/triage", None])
def test_what_each_scope_includes(
    scope: str, read: bool, write: bool, production: bool, staging: bool, admin: bool, where: str | None
) -> None:
    found = (
        *(may(scope, READ, where), may(scope, WRITE, where), may(scope, PROMOTE, where, "production")),
        *(may(scope, PROMOTE, where, "staging"), may(scope, ADMIN, where)),
    )
    assert found == (read, write, production, staging, admin)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("scope", ["read@support", "write@support", "promote:*@support", "admin@support"])
def test_a_limited_scope_permits_nothing_outside_and_nothing_for_the_whole_registry(scope: str, action: Action) -> None:
    assert may(scope, READ, "support/triage")
    assert not may(scope, action, None, "production")
    assert not may(scope, action, "legal/triage", "production")


@pytest.mark.parametrize(
    ("scope", "inside", "outside"),
    [
        (
            "read@support",
            ["support/a", "support/eu/a"],
            ["supportive/a", "default/support", "x/support", "x/support/a"],
        ),
        ("read@support/eu", ["support/eu/a", "support/eu/north/a"], ["support/a", "support/eu", "support/eu2/a"]),
        ("read@support/*", ["support/eu/a"], ["support/a", "default/support"]),
        ("read@*/eu", ["support/eu/a"], ["support/a", "eu/a"]),
        ("read@Support", ["Support/a"], ["support/a", "SUPPORT/a"]),
        ("read@v1.0", ["v1.0/a"], ["v1x0/a"]),
        ("read@default", ["default/a", "a"], ["defaults/a"]),
        ("read@*", ["a", "a/b", "a/b/c"], []),
    ],
)
def test_a_namespace_covers_its_prompts_and_what_is_below(scope: str, inside: list[str], outside: list[str]) -> None:
    assert [name for name in inside if not may(scope, READ, name)] == []
    assert [name for name in outside if may(scope, READ, name)] == []


@pytest.mark.parametrize(
    "name",
    [
        "support/../legal/a",
        "../support/a",
        "support/./a",
        "support%2Fa",
        "support%2e%2e/a",
        "support\\a/b",
        "support /a",
    ],
)
def test_a_name_that_could_lead_out_of_a_namespace_is_refused_before_any_scope_is_asked(name: str) -> None:
    with pytest.raises(InvalidRef):
        PromptId.parse(name)


@pytest.mark.parametrize(
    "text",
    [
        *("", "Read", "READ", "reads", "read:", "read:x", "write:production", "admin:x", "promote", "promote:"),
        *("promote:latest", "promote:Prod", "promote:a/b", "promote:prod*", "promote:**", "read@", "@support"),
        *("read:support", "read support", "read@a@b", "read,write", "*", "promote:rev:3", "read@support:production"),
        *("read@/", "read@/a", "read@a/", "read@a//b", "read@a/../b", "read@..", "read@.a", "read@a%2Fb", "read@a\\b"),
        *("read@**", "read@a/**", "read@[a]", "read@?", "read@!a", "read@{a,b}", "read@a\n", "read@a\0", "read@ä"),
        "read@" + "x" * 513,
    ],
)
def test_text_that_is_not_a_scope(text: str) -> None:
    with pytest.raises(ConfigError):
        Scope.parse(text)


@given(scopes)
def test_the_text_of_a_scope_is_read_back(scope: Scope) -> None:
    assert Scope.parse(str(scope)) == scope


@given(st.lists(scopes, max_size=3), st.sampled_from(Action), st.none() | prompts, aliases)
def test_only_a_scope_that_includes_an_action_allows_it(
    held: list[Scope], action: Action, prompt: PromptId | None, alias: str
) -> None:
    """Said again in other words: an action needs a scope of its own kind or admin, whose namespaces have the prompt."""
    fitting = [
        scope
        for scope in held
        if (action is READ or scope.action in (ADMIN, action))
        and (scope.action is not PROMOTE or action is READ or scope.alias in ("*", alias))
        and (scope.namespaces is None or (prompt is not None and scope.namespaces.covers(prompt.namespace)))
    ]
    assert allows(held, action, prompt, alias) == bool(fitting)


@given(st.lists(scopes, max_size=3), scopes, st.sampled_from(Action), st.none() | prompts, aliases)
def test_a_further_scope_takes_nothing_away_and_a_limit_gives_nothing(
    held: list[Scope], more: Scope, action: Action, prompt: PromptId | None, alias: str
) -> None:
    if allows(held, action, prompt, alias):
        assert allows([*held, more], action, prompt, alias)
    if allows([more], action, prompt, alias):
        assert allows([replace(more, namespaces=None)], action, prompt, alias)
