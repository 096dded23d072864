"""Identities: which paths may be prompts, and what they are called."""

import pytest

from promptdb.domain.prompt_id import MAX_IDENTITY, MAX_SEGMENT, PromptId
from promptdb.errors import InvalidRef


@pytest.mark.parametrize(
    ("text", "namespace", "name"),
    [
        pytest.param("support/triage", "support", "triage", id="one folder"),
        pytest.param("support/eu/triage", "support/eu", "triage", id="the name is the last segment"),
        pytest.param("triage", "default", "triage", id="no folder"),
        pytest.param("default/triage", "default", "triage", id="the default namespace spelled out"),
        pytest.param("a.b/c-d_e.v2", "a.b", "c-d_e.v2", id="dots, dashes, underscores"),
        pytest.param("0/9", "0", "9", id="digits"),
        pytest.param("Support/Triage", "Support", "Triage", id="case is kept"),
        pytest.param(f"n/{'x' * MAX_SEGMENT}", "n", "x" * MAX_SEGMENT, id="longest segment"),
    ],
)
def test_parse_splits_at_the_last_slash(text: str, namespace: str, name: str):
    assert PromptId.parse(text) == PromptId(namespace, name)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        pytest.param("", "''", id="nothing"),
        pytest.param("/triage", "''", id="leading slash"),
        pytest.param("support/", "''", id="trailing slash"),
        pytest.param("a//b", "''", id="double slash"),
        pytest.param("_shared/tone", "'_shared'", id="leading underscore"),
        pytest.param("a/.hidden", "'.hidden'", id="leading dot"),
        pytest.param("a/-x", "'-x'", id="leading dash"),
        pytest.param("../x", "'..'", id="parent folder"),
        pytest.param("a/b c", "'b c'", id="space"),
        pytest.param("a/b\n", r"'b\n'", id="line break at the end"),
        pytest.param("a\\b", r"'a\\b'", id="backslash"),
        pytest.param("a/caf\u00e9", "'caf\u00e9'", id="letter outside ASCII"),
        pytest.param("a/\u0661", "'\u0661'", id="digit outside ASCII"),
        pytest.param(f"a/{'x' * (MAX_SEGMENT + 1)}", "xxx", id="segment too long"),
    ],
)
def test_parse_refuses_a_bad_segment_and_names_it(text: str, named: str):
    with pytest.raises(InvalidRef, match="is not a valid name segment") as caught:
        PromptId.parse(text)
    assert named in caught.value.message
    assert caught.value.hint is not None
    assert f"at most {MAX_SEGMENT} characters" in caught.value.hint


@pytest.mark.parametrize("text", ["a/b:c", "a/b:rev:3", "a/b:", "b:git:v1/2"])
def test_parse_refuses_a_reference_and_says_what_to_leave_out(text: str):
    with pytest.raises(InvalidRef, match="the name of a prompt is needed") as caught:
        PromptId.parse(text)
    assert caught.value.hint == f"omit {text[text.index(':') :]}"


def test_a_whole_identity_may_have_512_characters():
    segments = ["x" * 127] * 4
    assert len(str(PromptId.from_segments(segments))) == MAX_IDENTITY - 1
    assert len(str(PromptId.from_segments([*segments[:3], "x" * 128]))) == MAX_IDENTITY


def test_a_longer_identity_is_refused():
    with pytest.raises(InvalidRef, match="is too long"):
        PromptId.from_segments(["x" * 128, "x" * 127, "x" * 127, "x" * 128])


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("a", True),
        ("A.b_c-9", True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("", False),
        ("a/b", False),
        ("a\n", False),
    ],
)
def test_a_segment_starts_with_a_letter_or_digit_and_has_no_other_signs(text: str, accepted: bool):
    if accepted:
        assert PromptId.from_segments([text]).name == text
        return
    with pytest.raises(InvalidRef, match="is not a valid name segment"):
        PromptId.from_segments([text])


def test_str_reads_back():
    prompt = PromptId("support/eu", "triage")
    assert str(prompt) == "support/eu/triage"
    assert PromptId.parse(str(prompt)) == prompt


def test_folded_is_equal_for_what_a_case_insensitive_file_system_mixes_up():
    assert PromptId("Support", "TRIAGE").folded == PromptId("support", "triage").folded == "support/triage"
    assert PromptId("support", "triage1").folded != PromptId("support", "triage2").folded


def test_identities_can_be_sorted():
    given = [PromptId("b", "a"), PromptId("a", "b"), PromptId("a", "a")]
    assert [str(prompt) for prompt in sorted(given)] == ["a/a", "a/b", "b/a"]
