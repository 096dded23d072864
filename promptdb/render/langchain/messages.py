"""Rendered messages as LangChain's."""

from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage
from pydantic import ValidationError

from promptdb.errors import RenderError
from promptdb.render.messages import RenderedMessage

_PLAIN: dict[str, type[BaseMessage]] = {"system": SystemMessage, "human": HumanMessage, "ai": AIMessage}


def as_message(message: RenderedMessage) -> BaseMessage:
    """The same role, content, name and further fields. `tool_calls` in OpenAI's form become those of an AIMessage.

    Raises:
        RenderError: LangChain refuses what a prompt file put into `additional_kwargs`.
    """
    try:
        return _made(message)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise RenderError(f"LangChain refuses a message of role {message.role}: {place}: {first['msg']}") from error


def _made(message: RenderedMessage) -> BaseMessage:
    kwargs = dict(message.additional_kwargs)
    fields: dict[str, Any] = {"content": message.content, "name": message.name, "additional_kwargs": kwargs}
    if message.role == "generic":
        return ChatMessage(role=message.role_name, **fields)
    if message.role == "tool":
        return ToolMessage(tool_call_id=kwargs.pop("tool_call_id", None) or "", **fields)
    return _PLAIN[message.role](**fields)
