"""Names of types, from names of prompts."""

import pytest

from promptdb.codegen.names import MAX_NAME, Names, camel, spellings
from promptdb.domain.prompt_id import PromptId


def stems(*prompts: str) -> dict[str, str]:
    ids = [PromptId.parse(prompt) for prompt in prompts]
    return {str(prompt): stem for prompt, stem in Names(["TakenVariables"]).stems(ids).items()}


@pytest.mark.parametrize(
    ("prompt", "stem"),
    [
        ("support/triage", "SupportTriage"),
        ("support/eu/data-request", "SupportEuDataRequest"),
        ("translate", "Translate"),
        ("default/translate", "Translate"),
        ("data/sqlFromQuestion", "DataSqlFromQuestion"),
        ("v1.2/a_b", "V12AB"),
        ("2024/review", "P2024Review"),
        ("class", "Class"),
        ("None", "None"),
    ],
)
def test_a_prompt_has_a_name_that_reads_like_it(prompt: str, stem: str) -> None:
    assert list(stems(prompt).values()) == [stem]


@pytest.mark.parametrize(
    "prompts",
    [
        ("support/eu-triage", "support/eu/triage", "support.eu/triage"),
        ("a/b", "a-b", "default/a.b"),
        ("taken", "a"),
        ("x" * 100 + "/a", "x" * 100 + "/b"),
    ],
)
def test_no_two_prompts_share_a_name_and_none_depends_on_the_order(prompts: tuple[str, ...]) -> None:
    found = stems(*prompts)
    assert len(set(found.values())) == len(prompts)
    assert stems(*reversed(prompts)) == found
    assert all(stem.isidentifier() and len(stem) < MAX_NAME for stem in found.values())


def test_a_name_stays_where_a_prompt_comes_that_would_share_another() -> None:
    before, after = stems("a/b", "c/d"), stems("a/b", "c/d", "a-b")
    assert before["c/d"] == after["c/d"] == "CD"
    assert before["a/b"] == "AB"
    assert after["a/b"] != after["default/a-b"] != "AB"


def test_the_name_of_one_prompt_does_not_meet_a_type_of_another() -> None:
    names = Names()
    assert names.stems([PromptId("a", "b")])[PromptId("a", "b")] == "AB"
    assert names.take("ABAnswer", "another") not in ("ABAnswer", "ABVariables", "ABPrompt")
    assert names.take("ABAnswerX", "x") == "ABAnswerX"


def test_only_the_default_namespace_may_be_left_out() -> None:
    assert spellings(PromptId.parse("a")) == ("a", "default/a")
    assert spellings(PromptId.parse("b/a")) == ("b/a",)


def test_a_key_gives_a_name_of_ascii() -> None:
    assert [camel(text) for text in ("e-mail address", "naïve", "名前", "")] == ["EMailAddress", "NaVe", "", ""]
