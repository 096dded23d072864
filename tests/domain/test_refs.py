"""References and selectors, aliases and labels."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import (
    MAX_LABEL,
    ByCommit,
    ByDigest,
    ByLabel,
    ByRevision,
    ByVersionId,
    Latest,
    PromptRef,
    Selector,
    is_label,
    parse_alias,
    parse_selector,
)
from promptdb.errors import InvalidRef, PromptDBError

UUID_TEXT = "6f0a5c0e-3f0b-5d3c-9a65-0d5f3f2b7c11"
HEX_64 = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "selector"),
    [
        pytest.param("latest", Latest(), id="latest"),
        pytest.param(UUID_TEXT, ByVersionId(UUID(UUID_TEXT)), id="UUID"),
        pytest.param(UUID_TEXT.upper(), ByVersionId(UUID(UUID_TEXT)), id="UUID in upper case"),
        pytest.param("rev:1", ByRevision(1), id="first revision"),
        pytest.param("rev:2147483647", ByRevision(2**31 - 1), id="greatest revision"),
        pytest.param("sha256:ab12cd34", ByDigest("ab12cd34"), id="shortest digest"),
        pytest.param("sha256:AB12CD34", ByDigest("ab12cd34"), id="digest in upper case"),
        pytest.param(f"sha256:{HEX_64}", ByDigest(HEX_64), id="whole digest"),
        pytest.param("git:v1.2.0", ByCommit("v1.2.0"), id="tag"),
        pytest.param("git:feature/a:b", ByCommit("feature/a:b"), id="the rest after git: is one name"),
        pytest.param("git:HEAD~1", ByCommit("HEAD~1"), id="commit expression"),
        pytest.param("production", ByLabel("production"), id="alias"),
        pytest.param("v1.0", ByLabel("v1.0"), id="user_version"),
        pytest.param("2026-04-01", ByLabel("2026-04-01"), id="user_version like a date"),
        pytest.param("Latest", ByLabel("Latest"), id="only lower-case latest is special"),
        pytest.param("rev", ByLabel("rev"), id="a kind without a colon is a label"),
        pytest.param("été", ByLabel("été"), id="label outside ASCII"),
        pytest.param("deadbeef", ByLabel("deadbeef"), id="hex without sha256: is a label"),
        pytest.param(UUID_TEXT[:-1], ByLabel(UUID_TEXT[:-1]), id="a UUID cut short is a label"),
        pytest.param("x" * MAX_LABEL, ByLabel("x" * MAX_LABEL), id="longest label"),
    ],
)
def test_parse_selector_tells_the_kinds_apart(text: str, selector: Selector):
    assert parse_selector(text) == selector


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "'' is not a selector", id="nothing"),
        pytest.param("two words", "'two words' is not a selector", id="space"),
        pytest.param("a\u00a0b", "is not a selector", id="no-break space"),
        pytest.param("a\tb", "is not a selector", id="tab"),
        pytest.param("a\n", "is not a selector", id="line break"),
        pytest.param("x" * (MAX_LABEL + 1), "is not a selector", id="label too long"),
        pytest.param("rev:", "'' is not a revision", id="rev: alone"),
        pytest.param("rev:0", "'0' is not a revision", id="revision 0"),
        pytest.param("rev:-1", "'-1' is not a revision", id="negative revision"),
        pytest.param("rev:+1", "'+1' is not a revision", id="signed revision"),
        pytest.param("rev:1.5", "'1.5' is not a revision", id="fraction"),
        pytest.param("rev:x", "'x' is not a revision", id="text as revision"),
        pytest.param("rev:\u0663", "is not a revision", id="revision in Arabic digits"),
        pytest.param("rev:2147483648", "'2147483648' is not a revision", id="revision beyond 31 bits"),
        pytest.param("rev:" + "9" * 5000, "is not a revision", id="revision of 5,000 digits"),
        pytest.param("sha256:", "'' is not a digest", id="sha256: alone"),
        pytest.param("sha256:ab12cd3", "'ab12cd3' is not a digest", id="7 hex digits"),
        pytest.param("sha256:zzzzzzzz", "'zzzzzzzz' is not a digest", id="no hex digits"),
        pytest.param(f"sha256:{HEX_64}0", "is not a digest", id="65 hex digits"),
        pytest.param("git:", "'' is not a commit, tag or branch", id="git: alone"),
        pytest.param("git:--upload-pack=x", "is not a commit, tag or branch", id="an option for git"),
        pytest.param("git:a b", "'a b' is not a commit, tag or branch", id="space in a branch"),
        pytest.param("git:a\0", "is not a commit, tag or branch", id="NUL in a branch"),
    ],
)
def test_parse_selector_refuses(text: str, message: str):
    with pytest.raises(InvalidRef) as caught:
        parse_selector(text)
    assert message in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "prompt", "selector"),
    [
        pytest.param("support/triage", "support/triage", Latest(), id="without a selector"),
        pytest.param("support/triage:production", "support/triage", ByLabel("production"), id="alias"),
        pytest.param("support/eu/triage:rev:3", "support/eu/triage", ByRevision(3), id="split at the first colon"),
        pytest.param("triage:latest", "default/triage", Latest(), id="default namespace"),
        pytest.param("a/b:git:x:y", "a/b", ByCommit("x:y"), id="colons in a git name"),
    ],
)
def test_parse_a_reference(text: str, prompt: str, selector: Selector):
    ref = PromptRef.parse(text)
    assert (str(ref.prompt), ref.selector, str(ref)) == (prompt, selector, text)


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        pytest.param("", "'' is not a valid name segment", id="nothing"),
        pytest.param(":production", "'' is not a valid name segment", id="no name"),
        pytest.param("a b/c:latest", "'a b' is not a valid name segment", id="bad name"),
        pytest.param("a/b:", "'' is not a selector", id="colon without a selector"),
        pytest.param("a/b:rev:zero", "'zero' is not a revision", id="bad selector"),
    ],
)
def test_a_bad_reference_is_told_whole_and_in_part(text: str, fragment: str):
    with pytest.raises(InvalidRef) as caught:
        PromptRef.parse(text)
    assert caught.value.message.startswith(f"{text!r} is not a reference: ")
    assert fragment in caught.value.message


@pytest.mark.parametrize("text", ["a/" + "b" * 10_000, "a/b:" + "c!" * 5_000, "a/b:rev:" + "1" * 10_000, "a b" * 9_000])
def test_a_message_does_not_repeat_a_text_without_end(text: str):
    with pytest.raises(InvalidRef) as caught:
        PromptRef.parse(text)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("selector", "pinned"),
    [
        ("rev:3", True),
        (UUID_TEXT, True),
        (f"sha256:{HEX_64}", True),  # a later revision may have the same content
        (f"git:{HEX_64}", True),
        ("git:0123456", False),  # a branch may have this name
        ("git:v1.2.0", False),
        ("production", False),
        ("latest", False),
    ],
)
def test_only_an_answer_that_never_changes_is_pinned(selector: str, pinned: bool):
    assert PromptRef.parse(f"a/b:{selector}").is_pinned is pinned


@pytest.mark.parametrize(
    "name", ["production", "a", "v1.2.3", "eu-west_1", "x" * 128, "rev", "sha256", "latest2", "git.main"]
)
def test_an_alias_may_be(name: str):
    assert parse_alias(name) == name


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="nothing"),
        pytest.param("latest", id="latest"),
        pytest.param("Production", id="upper case"),
        pytest.param("1st", id="leading digit"),
        pytest.param("-x", id="leading dash"),
        pytest.param("a b", id="space"),
        pytest.param("a/b", id="slash"),
        pytest.param("rev:3", id="like a revision"),
        pytest.param("sha256:ab12cd34", id="like a digest"),
        pytest.param("git:main", id="like a commit"),
        pytest.param("abcdef01-3f0b-5d3c-9a65-0d5f3f2b7c11", id="like a UUID that starts with a letter"),
        pytest.param("x" * 129, id="too long"),
        pytest.param("production\n", id="line break at the end"),
        pytest.param("é", id="outside ASCII"),
    ],
)
def test_an_alias_may_not_be(name: str):
    with pytest.raises(InvalidRef, match="cannot be an alias"):
        parse_alias(name)


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("1.0", True),
        ("Release-7", True),
        ("v:1", True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("", False),
        ("latest", False),
        ("rev:1", False),
        ("sha256:ab12cd34", False),
        ("git:x", False),
        (UUID_TEXT, False),
        ("a b", False),
        ("a\u2003b", False),
        ("a\x07", False),
    ],
)
def test_is_label(text: str, accepted: bool):
    assert is_label(text) is accepted


@given(st.text(max_size=40) | st.from_regex(r"(rev|sha256|git|latest|[a-f0-9-]{36}):?[\w:.-]*", fullmatch=True))
@pytest.mark.slow
def test_any_text_is_a_selector_or_refused_as_invalid(text: str):
    try:
        selector = parse_selector(text)
    except InvalidRef:
        assert not is_label(text)
    except PromptDBError as error:  # pragma: no cover
        pytest.fail(f"{type(error).__name__} for {text!r}")
    else:
        assert isinstance(selector, ByLabel) == is_label(text)


@given(
    st.from_regex(r"[a-z0-9]{1,8}(/[a-z0-9]{1,8}){0,3}", fullmatch=True), st.from_regex(r"[a-z]{1,9}", fullmatch=True)
)
@pytest.mark.slow
def test_an_identity_and_a_label_put_together_come_apart_again(identity: str, label: str):
    ref = PromptRef.parse(f"{identity}:{label}")
    assert ref.prompt == PromptId.parse(identity)
    assert ref.selector == parse_selector(label)
