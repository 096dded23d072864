"""Rendered messages as LangChain's."""

from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage

from promptdb.render.messages import RenderedMessage

_PLAIN: dict[str, type[BaseMessage]] = {"system": SystemMessage, "human": HumanMessage, "ai": AIMessage}


def as_message(message: RenderedMessage) -> BaseMessage:
    """The same role, content, name and further fields. `tool_calls` in OpenAI's form become those of an AIMessage."""
    kwargs = dict(message.additional_kwargs)
    fields: dict[str, Any] = {"content": message.content, "name": message.name, "additional_kwargs": kwargs}
    if message.role == "generic":
        return ChatMessage(role=message.role_name, **fields)
    if message.role == "tool":
        return ToolMessage(tool_call_id=kwargs.pop("tool_call_id", None) or "", **fields)
    return _PLAIN[message.role](**fields)
