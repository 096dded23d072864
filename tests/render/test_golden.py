"""Golden tests: what they accept, and how they say what differs."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from specs import texts

from promptdb.domain.prompt_file import GoldenTest
from promptdb.domain.spec import PromptSpec
from promptdb.problems import Code
from promptdb.render.compiled import CompiledPrompt
from promptdb.render.golden import rewrites, run_tests
from promptdb.render.validation import SpecProblem

STRING = {"kind": "string", "template": "Hi {name},\nhow are you?"}
CHAT = {
    "kind": "chat",
    "messages": [
        {"role": "system", "template": "Be kind."},
        {"role": "generic", "role_name": "judge", "template": "{name}"},
        {"role": "human", "template": [{"type": "text", "text": "Look, {name}"}]},
    ],
}


def run(spec: dict[str, Any], expect: dict[str, Any], variables: dict[str, Any] | None = None) -> list[SpecProblem]:
    test = {"name": "greets", "variables": {"name": "Ann"} if variables is None else variables, "expect": expect}
    return list(run_tests(CompiledPrompt(PromptSpec.model_validate(spec)), [GoldenTest.model_validate(test)]))


@pytest.mark.parametrize(
    ("spec", "expect"),
    [
        pytest.param(STRING, {"equals": "Hi Ann,\nhow are you?"}, id="equals"),
        pytest.param(STRING, {"contains": "Hi Ann"}, id="contains one"),
        pytest.param(STRING, {"contains": ["Hi", "Ann,\nhow"]}, id="contains several"),
        pytest.param(STRING, {"not_contains": ["{name}", "Bob"]}, id="not_contains"),
        pytest.param(
            STRING, {"messages": [{"role": "human", "content": "Hi Ann,\nhow are you?"}]}, id="messages of a string"
        ),
        pytest.param(
            STRING, {"messages": [{"role": "user", "content": "Hi Ann,\nhow are you?"}]}, id="a synonym of a role"
        ),
        pytest.param(
            CHAT,
            {
                "messages": [
                    {"role": "system", "content": "Be kind."},
                    {"role": "judge", "content": "Ann"},
                    {"role": "human", "content": [{"type": "text", "text": "Look, Ann"}]},
                ]
            },
            id="messages of a chat, content parts, a role_name",
        ),
        pytest.param(CHAT, {"equals": "System: Be kind.\njudge: Ann\nHuman: Look, Ann"}, id="a chat as text"),
        pytest.param(CHAT, {"contains": ["System: Be kind.", "Look, Ann"]}, id="contains, in any message"),
        pytest.param(
            STRING, {"equals": "Hi Ann,\nhow are you?", "contains": "Ann", "not_contains": "Bob"}, id="all of them"
        ),
    ],
)
def test_what_comes_out_as_expected_finds_nothing(spec: dict[str, Any], expect: dict[str, Any]):
    assert run(spec, expect) == []


@pytest.mark.parametrize(
    ("spec", "expect", "field", "message"),
    [
        pytest.param(
            STRING,
            {"equals": "Hi Ann,\nhow is it?"},
            "equals",
            "test 'greets': line 2, column 5: expected 'is it?', got 'are you?'",
            id="equals",
        ),
        pytest.param(
            STRING,
            {"equals": "Hi Ann"},
            "equals",
            "test 'greets': line 1, column 7: expected '', got ',\\nhow are you?'",
            id="equals, cut short",
        ),
        pytest.param(
            STRING,
            {"contains": ["Hi", "Bob"]},
            "contains",
            "test 'greets': 'Bob' is not in 'Hi Ann,\\nhow are you?'",
            id="contains",
        ),
        pytest.param(
            STRING,
            {"not_contains": ["Bob", "how"]},
            "not_contains",
            "test 'greets': 'how' is in line 2",
            id="not_contains",
        ),
        pytest.param(
            STRING, {"messages": []}, "messages", "test 'greets': expected 0 messages, got 1", id="number of messages"
        ),
        pytest.param(
            STRING,
            {"messages": [{"role": "ai", "content": "Hi Ann,\nhow are you?"}]},
            "messages",
            "test 'greets': message 1: expected role ai, got human",
            id="role",
        ),
        pytest.param(
            STRING,
            {"messages": [{"role": "human", "content": "Hi Bob"}]},
            "messages",
            "test 'greets': message 1: line 1, column 4: expected 'Bob', got 'Ann,",
            id="content",
        ),
    ],
)
def test_what_comes_out_otherwise_is_told(spec: dict[str, Any], expect: dict[str, Any], field: str, message: str):
    [finding] = run(spec, expect)
    assert (finding.code, finding.path) == (Code.TEST_FAILED, ("tests", 0, "expect", field))
    assert finding.message.startswith(message)


def test_the_place_of_a_difference_behind_an_empty_line():
    [finding] = run({"kind": "string", "template": "\n\n{name}"}, {"equals": "\n\nAnd"})
    assert finding.message == "test 'greets': line 3, column 3: expected 'd', got 'n'"


def test_everything_that_differs_is_told():
    found = run(STRING, {"equals": "x", "contains": ["q", "z"], "not_contains": "Hi"})
    assert [finding.path[-1] for finding in found] == ["equals", "contains", "contains", "not_contains"]


@pytest.mark.parametrize(
    ("variables", "path", "message"),
    [
        pytest.param({}, ("tests", 0), "test 'greets' does not render: missing variable: name", id="missing"),
        pytest.param(
            {"name": "Ann", "nmae": 1},
            ("tests", 0, "variables", "nmae"),
            "test 'greets' gives nmae, which the prompt does not use",
            id="a name that the prompt does not have",
        ),
    ],
)
def test_a_test_that_cannot_be_right_is_broken(variables: dict[str, Any], path: tuple[str | int, ...], message: str):
    [finding] = run(STRING, {"contains": "Hi"}, variables)
    assert (finding.code, finding.path, finding.message) == (Code.TEST_BROKEN, path, message)
    assert finding.key is (len(path) > 2)


def test_a_value_that_does_not_fit_breaks_the_test():
    spec = {**STRING, "variables": {"name": {"type": "string"}}}
    [finding] = run(spec, {"contains": "Hi"}, {"name": 3})
    assert finding.code is Code.TEST_BROKEN
    assert finding.message.endswith("variable 'name': expected string, got integer")


def test_every_test_is_run_and_told_with_its_index():
    tests = [
        {"name": "one", "variables": {"name": "Ann"}, "expect": {"equals": "no"}},
        {"name": "two", "variables": {"name": "Ann"}, "expect": {"contains": "Ann"}},
        {"name": "three", "expect": {"contains": "Ann"}},
    ]
    found = run_tests(
        CompiledPrompt(PromptSpec.model_validate(STRING)), [GoldenTest.model_validate(test) for test in tests]
    )
    assert [(finding.code, finding.path[1]) for finding in found] == [(Code.TEST_FAILED, 0), (Code.TEST_BROKEN, 2)]


def test_names_that_belong_to_the_items_of_a_section_may_be_given():
    spec = {"kind": "string", "template": "{{#on}}{{name}}{{/on}}", "template_format": "mustache"}
    assert run(spec, {"equals": "Ann"}, {"on": True, "name": "Ann"}) == []


def test_a_long_text_is_shown_short():
    spec = {"kind": "string", "template": "x" * 10_000}
    [finding] = run(spec, {"contains": "y"}, {})
    assert len(finding.message) < 400


@pytest.mark.parametrize("word", ["text", "image_url"])
def test_the_type_of_a_content_part_is_not_searched(word: str):
    spec = {"kind": "chat", "messages": [{"role": "human", "template": [{"type": word, "text": "x"}]}]}
    assert run(spec, {"not_contains": word}, {}) == []


# Details


def test_a_text_of_several_lines_comes_with_a_diff():
    [finding] = run(STRING, {"equals": "Hi Ann,\nhow is it?"})
    assert "\n" not in finding.message
    assert finding.detail == "@@ -1,2 +1,2 @@\n Hi Ann,\n-how is it?\n+how are you?"


@pytest.mark.parametrize(
    "expect", [{"contains": "Bob"}, {"not_contains": "Ann"}, {"messages": [{"role": "ai", "content": "Hi Ann,\nhow are you?"}]}]
)  # fmt: skip
def test_where_a_line_says_it_all_there_is_no_diff(expect: dict[str, Any]):
    [finding] = run(STRING, expect)
    assert finding.detail is None


def test_a_message_of_several_lines_comes_with_the_diff_of_its_content():
    spec = {**CHAT, "messages": [CHAT["messages"][0], {"role": "human", "template": "{name},\nhello"}]}
    wanted = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Bob,\nhello"}]
    [finding] = run(spec, {"messages": wanted})
    assert finding.message == "test 'greets': message 2: line 1, column 1: expected 'Bob,\\nhello', got 'Ann,\\nhello'"
    assert finding.detail == "@@ -1,2 +1,2 @@\n-Bob,\n+Ann,\n hello"


def test_content_parts_are_compared_line_by_line():
    parts = [{"type": "text", "text": "Look, Bob"}]
    wanted = [("system", "Be kind."), ("judge", "Ann"), ("human", parts)]
    [finding] = run(CHAT, {"messages": [{"role": role, "content": content} for role, content in wanted]})
    assert finding.detail is not None
    assert '-    "text": "Look, Bob",\n+    "text": "Look, Ann",\n' in finding.detail


def test_another_number_of_messages_is_told_once_with_both_lists():
    wanted = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "x" * 200}]
    [finding] = run(CHAT, {"messages": wanted})
    assert finding.message == "test 'greets': expected 2 messages, got 3"
    assert (finding.detail or "").split("\n") == [
        "@@ -1,2 +1,3 @@",
        " system: 'Be kind.'",
        f"-human: '{'x' * 57}...'",
        "+judge: 'Ann'",
        '+human: \'[{"text": "Look, Ann", "type": "text"}]\'',
    ]


# What they would have to expect


def rewritten(spec: dict[str, Any], expect: dict[str, Any], variables: dict[str, Any] | None = None) -> dict[str, Any]:
    test = {"name": "greets", "variables": {"name": "Ann"} if variables is None else variables, "expect": expect}
    found = list(rewrites(CompiledPrompt(PromptSpec.model_validate(spec)), [GoldenTest.model_validate(test)]))
    assert all((rewrite.test, rewrite.path[:3]) == ("greets", ("tests", 0, "expect")) for rewrite in found)
    return {rewrite.field: rewrite.value for rewrite in found}


PARTS = [{"type": "text", "text": "Look, Ann"}]


@pytest.mark.parametrize(
    ("spec", "expect", "values"),
    [
        pytest.param(STRING, {"equals": "x"}, {"equals": "Hi Ann,\nhow are you?"}, id="equals"),
        pytest.param(STRING, {"equals": "Hi Ann,\nhow are you?"}, {}, id="what holds stays"),
        pytest.param(STRING, {"contains": "x", "not_contains": "Ann"}, {}, id="what cannot be derived"),
        pytest.param(
            STRING, {"equals": "x", "contains": "y"}, {"equals": "Hi Ann,\nhow are you?"}, id="what can be, beside that"
        ),
        pytest.param(
            STRING,
            {"messages": [{"role": "user", "content": "x"}]},
            {"messages": [{"role": "user", "content": "Hi Ann,\nhow are you?"}]},
            id="a role that fits stays as written",
        ),
        pytest.param(
            STRING,
            {"messages": [{"role": "ai", "content": "x"}]},
            {"messages": [{"role": "human", "content": "Hi Ann,\nhow are you?"}]},
            id="one that does not fit",
        ),
        pytest.param(
            CHAT,
            {"messages": [{"role": "user", "content": "x"}]},
            {
                "messages": [
                    {"role": "system", "content": "Be kind."},
                    {"role": "judge", "content": "Ann"},
                    {"role": "user", "content": PARTS},
                ]
            },
            id="the author's word at another place",
        ),
        pytest.param(
            CHAT,
            {"messages": [{"role": role, "content": "x"} for role in ("developer", "generic", "human")]},
            {
                "messages": [
                    {"role": "developer", "content": "Be kind."},
                    {"role": "generic", "content": "Ann"},
                    {"role": "human", "content": PARTS},
                ]
            },
            id="generic, and a synonym of another role",
        ),
    ],
)
def test_what_a_test_would_have_to_expect(spec: dict[str, Any], expect: dict[str, Any], values: dict[str, Any]):
    assert rewritten(spec, expect) == values


def test_where_no_message_comes_out_none_is_expected():
    spec = {"kind": "chat", "messages": [{"variable_name": "history", "optional": True}]}
    assert rewritten(spec, {"messages": [{"role": "user", "content": "x"}]}, {}) == {"messages": []}


def test_a_role_name_that_means_another_role_is_written_as_generic():
    spec = {"kind": "chat", "messages": [{"role": "generic", "role_name": "user", "template": "x"}]}
    assert rewritten(spec, {"messages": []}, {}) == {"messages": [{"role": "generic", "content": "x"}]}


@pytest.mark.parametrize("variables", [{}, {"name": "Ann", "nmae": 1}], ids=["missing", "a name too many"])
def test_of_a_broken_test_nothing_is_derived(variables: dict[str, Any]):
    assert rewritten(STRING, {"equals": "x"}, variables) == {}


@given(st.lists(st.tuples(st.sampled_from(["system", "human", "ai"]), texts()), min_size=1, max_size=3), texts())
def test_what_is_derived_makes_the_test_pass(messages: list[tuple[str, str]], text: str):
    spec = {
        "kind": "chat",
        "template_format": "plain",
        "messages": [{"role": role, "template": content} for role, content in messages],
    }
    expect: dict[str, Any] = {"equals": text, "messages": [{"role": "developer", "content": text}]}
    assert run(spec, expect | rewritten(spec, expect, {}), {}) == []
