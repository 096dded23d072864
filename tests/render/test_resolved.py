"""What a lookup gives."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from promptdb.domain.digest import Digest, digest_of
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.spec import PromptSpec, Variable
from promptdb.domain.views import PromptVersionView, StoredVersion
from promptdb.errors import IntegrityFailure, MissingVariables
from promptdb.render.messages import RenderedMessage
from promptdb.render.resolved import PromptRenderResult, ResolvedPrompt, resolved

SPEC = PromptSpec.model_validate(
    {"kind": "string", "template": "Hi {name}, {self}", "partial_variables": {"self": "me"}}
)
VIEW = PromptVersionView(
    UUID(int=1), PromptId("a", "b"), 1, SPEC.digest(), None, "ann", datetime(2026, 4, 1, tzinfo=UTC)
)


def lookup(spec: PromptSpec = SPEC) -> ResolvedPrompt:
    return resolved("a/b:latest", StoredVersion(VIEW, spec.canonical().decode()))


def test_it_knows_its_reference_version_and_spec():
    prompt = lookup()
    assert (prompt.ref, prompt.version, prompt.spec) == ("a/b:latest", VIEW, SPEC)


def test_variables_are_the_contract_and_a_copy_of_it():
    prompt = lookup()
    assert prompt.variables == {"name": Variable(), "self": Variable(required=False)}
    prompt.variables.clear()
    assert list(prompt.variables) == ["name", "self"]


def test_render_text_takes_a_mapping_or_names_and_names_win():
    prompt = lookup()
    assert prompt.render_text({"name": "Ann"}) == "Hi Ann, me"
    assert prompt.render_text(name="Ann") == "Hi Ann, me"
    assert prompt.render_text({"name": "Ann"}, name="Bob") == "Hi Bob, me"


def test_names_may_be_those_of_the_method_itself():
    assert lookup().render_text(name="Ann", self="you") == "Hi Ann, you"


def test_render_messages():
    assert lookup().render_messages(name="Ann") == [RenderedMessage("human", "Hi Ann, me")]


def test_render_gives_both_with_the_version():
    assert lookup().render(name="Ann") == PromptRenderResult(
        VIEW, "Hi Ann, me", (RenderedMessage("human", "Hi Ann, me"),)
    )


@pytest.mark.parametrize("method", ["render_text", "render_messages", "render"])
def test_missing_variables(method: str):
    with pytest.raises(MissingVariables, match="missing variable: name"):
        getattr(lookup(), method)()


def test_one_content_is_compiled_once():
    one, other = lookup(), resolved("a/b:production", StoredVersion(VIEW, SPEC.canonical().decode()))
    assert one._compiled is other._compiled


def test_what_a_caller_does_to_a_prompt_reaches_no_other_lookup():
    spec = PromptSpec.model_validate(
        {
            "kind": "chat",
            "messages": [{"variable_name": "history"}, {"role": "human", "template": "{x}"}],
            "model": {"name": "m"},
            "variables": {"x": {"default": ["A"]}, "history": {"type": "messages"}},
            "partial_variables": {"history": [{"role": "ai", "content": [{"type": "text", "text": "hi"}]}]},
        }
    )
    stored = StoredVersion(replace(VIEW, spec_hash=spec.digest()), spec.canonical().decode())
    one = resolved("a/b", stored)
    one.spec.model.pop("name")
    one.variables["x"].default.append("B")
    one.render_messages()[0].content.append("more")
    other = resolved("a/b", stored)
    assert other.spec.digest() == spec.digest()
    assert other.variables["x"].default == ["A"]
    assert other.render_messages()[0].content == [{"type": "text", "text": "hi"}]
    assert other.render_messages()[1].content == "['A']"


@pytest.mark.parametrize(
    ("text", "digest", "message"),
    [
        pytest.param("{}", VIEW.spec_hash, "does not have its digest", id="changed by hand"),
        pytest.param("{}", digest_of(b"{}"), "a stored spec cannot be read", id="not a spec"),
    ],
)
def test_a_stored_spec_that_is_not_what_was_stored(text: str, digest: Digest, message: str):
    with pytest.raises(IntegrityFailure, match=message):
        resolved("a/b", StoredVersion(replace(VIEW, spec_hash=digest), text))


def test_the_digest_of_the_version_is_that_of_the_spec():
    assert lookup().version.spec_hash == digest_of(SPEC.canonical())


def test_results_are_short_to_read():
    prompt = lookup()
    result, digest = prompt.render(name="Jo"), SPEC.digest()[:15]
    assert (str(prompt), str(VIEW), str(result)) == ("a/b:rev:1", "a/b:rev:1", "Hi Jo, me")
    assert repr(VIEW) == f"PromptVersionView('a/b:rev:1', {digest})"
    assert repr(prompt) == f"ResolvedPrompt('a/b:latest', {VIEW!r})"
    assert repr(result) == "PromptRenderResult('a/b:rev:1', 'Hi Jo, me')"
    assert len(repr(prompt.render(name="x" * 1000))) < 150
    assert repr(SPEC) == "PromptSpec(template='Hi {name}, {self}', partial_variables={'self': 'me'})"
    [message] = result.messages
    assert (repr(message), str(message)) == ("RenderedMessage(role='human', content='Hi Jo, me')", "Human: Hi Jo, me")
