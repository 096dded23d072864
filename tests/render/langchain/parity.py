"""The same prompt rendered by promptdb and as LangChain's template."""

from typing import Any

from langchain_core.messages import BaseMessage, ChatMessage, ToolMessage

from promptdb.domain.spec import PromptSpec
from promptdb.errors import PromptDBError
from promptdb.render.compiled import CompiledPrompt
from promptdb.render.langchain.templates import as_template
from promptdb.render.messages import RenderedMessage

ROLES = {"system": "system", "human": "human", "ai": "ai", "tool": "tool", "chat": "generic"}


def compiled(**fields: Any) -> CompiledPrompt:
    return CompiledPrompt(PromptSpec.model_validate(fields))


def template(prompt: CompiledPrompt) -> Any:
    return as_template(prompt, name="a/b", metadata={"promptdb_prompt": "a/b"})


def require_parity(prompt: CompiledPrompt, values: dict[str, Any]) -> PromptDBError | list[RenderedMessage]:
    """Both give the same messages and the same text, or both fail with the same error; which of them is returned."""
    ours, theirs = outcome(prompt, values), outcome(template(prompt), values)
    if isinstance(ours, PromptDBError) or isinstance(theirs, PromptDBError):
        assert described(ours) == described(theirs)
        return ours
    assert [read(message) for message in theirs.to_messages()] == ours
    if not any(message.additional_kwargs.get("tool_calls") for message in ours):  # LangChain appends those to the text
        assert theirs.to_string() == prompt.render_text(values)
    return ours


def outcome(renderer: Any, values: dict[str, Any]) -> Any:
    try:
        return renderer.render_messages(values) if isinstance(renderer, CompiledPrompt) else renderer.invoke(values)
    except PromptDBError as error:
        return error


def described(result: Any) -> Any:
    """For comparing errors; a result is equal to no error."""
    return (type(result), result.message, result.hint) if isinstance(result, PromptDBError) else result


def read(message: BaseMessage) -> RenderedMessage:
    """Written down field by field, so that the comparison does not rest on promptdb's own reader."""
    kwargs = dict(message.additional_kwargs)
    if isinstance(message, ToolMessage) and message.tool_call_id:
        kwargs["tool_call_id"] = message.tool_call_id
    role_name = message.role if isinstance(message, ChatMessage) else None
    return RenderedMessage(ROLES[message.type], message.content, role_name, message.name, kwargs)  # type: ignore[arg-type]
