"""The items of a chat as parts of a ChatPromptTemplate. Each renders itself, so that they keep their meaning when
LangChain's own operations (`+`, slices) take the template apart.
"""

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.prompts import ChatPromptTemplate, FewShotChatMessagePromptTemplate, MessagesPlaceholder
from langchain_core.prompts.message import BaseMessagePromptTemplate
from pydantic import ConfigDict, Field

from promptdb.domain.spec import Variable
from promptdb.render.chat import CompiledExamples, CompiledItem, CompiledMessage, CompiledPlaceholder
from promptdb.render.inputs import Inputs
from promptdb.render.langchain.messages import as_message

_AS_WRITTEN = Field(exclude=True, repr=False)


class MessageTemplate(BaseMessagePromptTemplate):
    """A message of a prompt. `template` is its text, or its content parts, as the prompt file has it."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    role: str
    template: str | list[Any]
    template_format: str
    compiled: CompiledMessage = _AS_WRITTEN
    inputs: Inputs = _AS_WRITTEN

    @classmethod
    def is_lc_serializable(cls) -> bool:
        return False  # what LangChain would load again is not ours

    @property
    def input_variables(self) -> list[str]:
        return sorted(self.inputs.required)

    def format_messages(self, **kwargs: Any) -> list[BaseMessage]:
        return self.rendered(self.inputs.complete(kwargs, ignore_extra=True))

    def rendered(self, values: Mapping[str, Any]) -> list[BaseMessage]:
        """From values that were checked."""
        return [as_message(message) for message in self.compiled.render(values)]

    def pretty_repr(self, html: bool = False) -> str:  # noqa: ARG002, FBT001, FBT002  LangChain's signature
        return f"{f' {self.role} message '.title():=^80}\n\n{self.template}"


class Placeholder(MessagesPlaceholder):
    """Where the caller's messages go: in any of the forms that promptdb takes. LangChain's messages stay what they are."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    compiled: CompiledPlaceholder = _AS_WRITTEN
    inputs: Inputs = _AS_WRITTEN

    @classmethod
    def is_lc_serializable(cls) -> bool:
        return False

    @property
    def input_variables(self) -> list[str]:
        return sorted(self.inputs.required)

    def format_messages(self, **kwargs: Any) -> list[BaseMessage]:
        return self.rendered(self.inputs.complete(kwargs, ignore_extra=True))

    def rendered(self, values: Mapping[str, Any]) -> list[BaseMessage]:
        """From values that were checked."""
        return [
            given if isinstance(given, BaseMessage) else as_message(message)
            for given, message in self.compiled.given(values)
        ]


class Examples(FewShotChatMessagePromptTemplate):
    """The examples of a chat: the same in every call."""

    compiled: CompiledExamples = _AS_WRITTEN

    def format_messages(self, **kwargs: Any) -> list[BaseMessage]:
        return self.rendered(kwargs)

    async def aformat_messages(self, **kwargs: Any) -> list[BaseMessage]:
        return self.rendered(kwargs)

    def rendered(self, values: Mapping[str, Any]) -> list[BaseMessage]:
        return [as_message(message) for message in self.compiled.render(values)]


ChatItem = MessageTemplate | Placeholder | Examples


def as_item(item: CompiledItem, inputs: Inputs, template_format: str) -> ChatItem:
    """One item.

    Args:
        item: compiled.
        inputs: those of the whole prompt.
        template_format: of the prompt.
    """
    own = inputs.only(item.names)
    if isinstance(item, CompiledPlaceholder):
        name = item.placeholder.variable_name
        return Placeholder(variable_name=name, optional=name not in own.required, compiled=item, inputs=own)
    if isinstance(item, CompiledMessage):
        return _message(item, own, template_format)
    needs_all = [_message(message, _needed(message), template_format) for message in item.messages]
    return Examples(
        examples=[dict(example) for example in item.examples],
        example_prompt=ChatPromptTemplate(needs_all),
        compiled=item,
    )


def _message(item: CompiledMessage, inputs: Inputs, template_format: str) -> MessageTemplate:
    message = item.message
    return MessageTemplate(
        role=message.role_name or message.role,
        template=message.template,
        template_format=template_format,
        compiled=item,
        inputs=inputs,
    )


def _needed(item: CompiledMessage) -> Inputs:
    """Of a message whose values come from an example."""
    return Inputs({name: Variable() for name in item.variables}, {}, item.mentions)
