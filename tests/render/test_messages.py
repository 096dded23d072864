"""Messages: what a caller may put into a placeholder, and a chat as one text."""

from types import MappingProxyType
from typing import Any

import pytest

from promptdb.errors import RenderError
from promptdb.render.messages import RenderedMessage, as_text, message_from

READY = RenderedMessage("ai", "x", name="bot")
PARTS = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "u"}}, {"type": "text", "text": "b"}]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param(READY, READY, id="a rendered message"),
        pytest.param(("human", "x"), RenderedMessage("human", "x"), id="a pair"),
        pytest.param(["ai", "x"], RenderedMessage("ai", "x"), id="a pair as a list, as JSON has it"),
        pytest.param({"role": "system", "content": "x"}, RenderedMessage("system", "x"), id="an object"),
        pytest.param(
            MappingProxyType({"role": "ai", "content": "x"}), RenderedMessage("ai", "x"), id="another mapping"
        ),
        pytest.param({"role": "tool", "content": "x"}, RenderedMessage("tool", "x"), id="tool"),
        pytest.param(("user", "x"), RenderedMessage("human", "x"), id="user"),
        pytest.param(("assistant", "x"), RenderedMessage("ai", "x"), id="assistant"),
        pytest.param({"role": "developer", "content": "x"}, RenderedMessage("system", "x"), id="developer"),
        pytest.param({"role": "human", "content": PARTS}, RenderedMessage("human", PARTS), id="content parts"),
        pytest.param({"role": "human", "content": ""}, RenderedMessage("human", ""), id="empty"),
        pytest.param(
            {"role": "generic", "role_name": "judge", "content": "x"},
            RenderedMessage("generic", "x", role_name="judge"),
            id="generic",
        ),
        pytest.param(
            {"role": "human", "content": "x", "name": "ann"}, RenderedMessage("human", "x", name="ann"), id="name"
        ),
        pytest.param(
            {"role": "tool", "content": "x", "tool_call_id": "7", "additional_kwargs": {"a": 1}},
            RenderedMessage("tool", "x", additional_kwargs={"a": 1, "tool_call_id": "7"}),
            id="other fields are kept",
        ),
        pytest.param(
            {"role": "ai", "content": "x", "name": None, "additional_kwargs": None},
            RenderedMessage("ai", "x"),
            id="nulls",
        ),
    ],
)
def test_a_message_may_be_given_as(given: object, message: RenderedMessage):
    assert message_from(given, "history[0]") == message


@pytest.mark.parametrize(
    "given",
    [
        pytest.param("text", id="text"),
        pytest.param("ab", id="text of two characters"),
        pytest.param(None, id="null"),
        pytest.param(3, id="a number"),
        pytest.param((), id="an empty tuple"),
        pytest.param(("human",), id="a role alone"),
        pytest.param(("human", "x", "y"), id="three"),
        pytest.param(("human", None), id="no content"),
        pytest.param({"role": "human"}, id="an object without content"),
        pytest.param({"content": "x"}, id="an object without a role"),
        pytest.param({"role": "human", "content": 3}, id="a number as content"),
        pytest.param({"role": None, "content": "x"}, id="null as role"),
    ],
)
def test_what_is_no_message_is_refused_with_its_place(given: object):
    with pytest.raises(RenderError) as caught:
        message_from(given, "history[2]")
    assert caught.value.message == "history[2] is not a message"
    assert caught.value.hint is not None
    assert '{"role": "human", "content": "..."}' in caught.value.hint


@pytest.mark.parametrize(
    ("given", "role"),
    [
        pytest.param(("bot", "x"), "'bot'", id="unknown"),
        pytest.param(("System", "x"), "'System'", id="another case"),
        pytest.param(("", "x"), "''", id="empty"),
        pytest.param(("generic", "x"), "'generic'", id="generic without a name"),
        pytest.param(
            {"role": "human", "role_name": "x", "content": ""}, "'human'", id="a role_name that is not wanted"
        ),
        pytest.param({"role": "generic", "role_name": 1, "content": ""}, "'generic'", id="a number as role_name"),
    ],
)
def test_a_bad_role_is_refused_with_the_good_ones(given: object, role: str):
    with pytest.raises(RenderError) as caught:
        message_from(given, "history[0]")
    assert caught.value.message == f"history[0] has a bad role {role}"
    assert caught.value.hint == (
        "roles are system, human, ai, generic, tool, user, assistant, developer; generic needs a role_name"
    )


@pytest.mark.parametrize("field", [{"name": 3}, {"additional_kwargs": [1]}], ids=["name", "additional_kwargs"])
def test_a_bad_field_is_refused(field: dict[str, Any]):
    with pytest.raises(RenderError, match=r"history\[0\] has a bad field"):
        message_from({"role": "human", "content": "x", **field}, "history[0]")


@pytest.mark.parametrize(
    ("message", "text"),
    [
        pytest.param(RenderedMessage("system", "x"), "System: x", id="system"),
        pytest.param(RenderedMessage("human", "x"), "Human: x", id="human"),
        pytest.param(RenderedMessage("ai", "x"), "AI: x", id="ai"),
        pytest.param(RenderedMessage("tool", "x"), "Tool: x", id="tool"),
        pytest.param(RenderedMessage("generic", "x", role_name="judge"), "judge: x", id="generic"),
        pytest.param(RenderedMessage("human", PARTS), "Human: ab", id="the texts among content parts"),
        pytest.param(RenderedMessage("human", []), "Human: ", id="no parts"),
    ],
)
def test_a_message_as_a_line_of_text(message: RenderedMessage, text: str):
    assert as_text([message]) == text


def test_a_chat_is_one_line_for_each_message():
    assert as_text([RenderedMessage("system", "a"), RenderedMessage("human", "b\nc")]) == "System: a\nHuman: b\nc"
    assert as_text([]) == ""


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        pytest.param(
            RenderedMessage("human", ""), {"role": "human", "content": ""}, id="the two that are always there"
        ),
        pytest.param(
            RenderedMessage("generic", "x", "judge", "ann", {"a": 1}),
            {"role": "generic", "role_name": "judge", "name": "ann", "content": "x", "additional_kwargs": {"a": 1}},
            id="all",
        ),
    ],
)
def test_a_message_for_json(message: RenderedMessage, fields: dict[str, Any]):
    assert message.as_dict() == fields
    assert message_from(message.as_dict(), "here") == message
