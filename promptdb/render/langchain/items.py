"""Items of a chat as parts of LangChain's ChatPromptTemplate.

Each item renders itself, so that it keeps its meaning when `+` or a slice takes the template apart.
"""

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.prompts import ChatPromptTemplate, FewShotChatMessagePromptTemplate, MessagesPlaceholder
from langchain_core.prompts.message import BaseMessagePromptTemplate
from pydantic import ConfigDict, Field, ValidationError

from promptdb.domain.spec import Variable
from promptdb.errors import RenderError
from promptdb.render.chat_items import CompiledExamples, CompiledItem, CompiledMessage, CompiledPlaceholder
from promptdb.render.inputs import Inputs
from promptdb.render.messages import RenderedMessage

_UNSEEN = Field(exclude=True, repr=False)
_PLAIN: dict[str, type[BaseMessage]] = {"system": SystemMessage, "human": HumanMessage, "ai": AIMessage}


class _Checked(BaseMessagePromptTemplate):
    """An item that checks its values, although LangChain may have put it into another template."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    inputs: Inputs = _UNSEEN

    @classmethod
    def is_lc_serializable(cls) -> bool:
        return False  # LangChain would load another template, without the contract

    @property
    def input_variables(self) -> list[str]:
        return sorted(self.inputs.required)

    def format_messages(self, **kwargs: Any) -> list[BaseMessage]:
        return self.rendered(self.inputs.complete(kwargs, ignore_extra=True))

    def rendered(self, values: Mapping[str, Any]) -> list[BaseMessage]:
        """Render checked values."""
        raise NotImplementedError


class MessageTemplate(_Checked):
    """A message of a prompt. `template` is its text, or its content parts, as written in the prompt file."""

    role: str
    template: str | list[Any]
    template_format: str
    compiled: CompiledMessage = _UNSEEN

    def rendered(self, values: Mapping[str, Any]) -> list[BaseMessage]:
        return [as_message(message) for message in self.compiled.render(values)]

    def pretty_repr(self, html: bool = False) -> str:  # noqa: ARG002, FBT001, FBT002  LangChain's signature
        return f"{f' {self.role} message '.title():=^80}\n\n{self.template}"


class Placeholder(_Checked, MessagesPlaceholder):
    """The place of the caller's messages, in any form that promptdb accepts. LangChain's messages stay the same objects."""

    compiled: CompiledPlaceholder = _UNSEEN

    def rendered(self, values: Mapping[str, Any]) -> list[BaseMessage]:
        return [
            given if isinstance(given, BaseMessage) else as_message(message)
            for given, message in self.compiled.given(values)
        ]


class Examples(FewShotChatMessagePromptTemplate):
    """The examples of a chat: the same in every call."""

    compiled: CompiledExamples = _UNSEEN

    def format_messages(self, **kwargs: Any) -> list[BaseMessage]:
        return self.rendered(kwargs)

    async def aformat_messages(self, **kwargs: Any) -> list[BaseMessage]:
        return self.rendered(kwargs)

    def rendered(self, values: Mapping[str, Any]) -> list[BaseMessage]:
        return [as_message(message) for message in self.compiled.render(values)]


ChatItem = MessageTemplate | Placeholder | Examples


def as_item(item: CompiledItem, inputs: Inputs, template_format: str) -> ChatItem:
    """Make the item for LangChain. `inputs` are those of the whole prompt."""
    own = inputs.only(item.names)
    if isinstance(item, CompiledPlaceholder):
        name = item.placeholder.variable_name
        return Placeholder(variable_name=name, optional=name not in own.required, compiled=item, inputs=own)
    if isinstance(item, CompiledMessage):
        return _message(item, own, template_format)
    messages = []
    for message in item.messages:
        # The values of an example come from the example alone, so that each name is required.
        required = Inputs(
            {name: Variable(required=name not in message.optional) for name in message.variables}, {}, message.mentions
        )
        messages.append(_message(message, required, template_format))
    examples = [dict(example) for example in item.examples]
    return Examples(examples=examples, example_prompt=ChatPromptTemplate(messages), compiled=item)


def _message(item: CompiledMessage, inputs: Inputs, template_format: str) -> MessageTemplate:
    message = item.message
    return MessageTemplate(
        role=message.role_name or message.role,
        template=message.template,
        template_format=template_format,
        compiled=item,
        inputs=inputs,
    )


def as_message(message: RenderedMessage) -> BaseMessage:
    """Convert a rendered message to LangChain's class for its role.

    Raises:
        RenderError: LangChain refuses a field in the `additional_kwargs` of a prompt file.
    """
    kwargs = dict(message.additional_kwargs)
    fields: dict[str, Any] = {"content": message.content, "name": message.name, "additional_kwargs": kwargs}
    try:
        if message.role == "generic":
            return ChatMessage(role=message.role_name, **fields)
        if message.role == "tool":
            return ToolMessage(tool_call_id=kwargs.pop("tool_call_id", None) or "", **fields)
        # AIMessage itself reads `tool_calls` in OpenAI's form from additional_kwargs.
        return _PLAIN[message.role](**fields)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise RenderError(f"LangChain refuses a message of role {message.role}: {place}: {first['msg']}") from error
