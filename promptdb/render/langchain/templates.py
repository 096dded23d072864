"""Subclasses of LangChain's prompt templates that promptdb renders."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Literal

from langchain_core import prompts
from langchain_core.messages import BaseMessage
from langchain_core.prompt_values import ChatPromptValue, PromptValue, StringPromptValue
from langchain_core.prompts.base import BasePromptTemplate
from langchain_core.prompts.message import BaseMessagePromptTemplate
from langchain_core.runnables import RunnableConfig
from pydantic import BaseModel, Field, model_validator

from promptdb.domain.spec import PromptSpec, VariableType
from promptdb.errors import RenderError
from promptdb.render.compiled import CompiledPrompt
from promptdb.render.langchain.items import ChatItem, as_item

_TYPES: dict[VariableType, Any] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "array": list,
    "object": dict,
    "messages": list,
}


class _Strict(BasePromptTemplate[Any]):
    """The base of all three: checks values as promptdb does, and skips LangChain's own parsing."""

    compiled: CompiledPrompt = Field(exclude=True, repr=False)
    ignore_extra: bool = False

    @classmethod
    def is_lc_serializable(cls) -> bool:
        return False  # LangChain would load a template of its own, without the contract

    @model_validator(mode="after")
    def validate_variable_names(self) -> "_Strict":
        return self  # LangChain's validator refuses a variable named `stop`

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        return BasePromptTemplate.get_input_schema(self, config)

    def _format_prompt_with_error_handling(self, inner_input: Any) -> PromptValue:
        return self._value(self._given(inner_input))

    async def _aformat_prompt_with_error_handling(self, inner_input: Any) -> PromptValue:
        return self._value(self._given(inner_input))

    def _given(self, given: Any) -> Mapping[str, Any]:
        if isinstance(given, Mapping):
            return given
        # As in LangChain, any other value is the one of the only variable.
        if len(self.input_variables) == 1:
            return {self.input_variables[0]: given}
        hint = f"its variables: {', '.join(self.input_variables) or 'none'}"
        raise RenderError(f"expected values by name, got {type(given).__name__}", hint)

    def _complete(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Add the values of `partial`, which may be functions."""
        partials = {name: value() if callable(value) else value for name, value in self.partial_variables.items()}
        return {**partials, **given}

    def _value(self, given: Mapping[str, Any]) -> PromptValue:
        raise NotImplementedError


class _StrictText(_Strict):
    def format(self, **kwargs: Any) -> str:
        return self._text(kwargs)

    async def aformat(self, **kwargs: Any) -> str:
        return self._text(kwargs)

    def _text(self, given: Mapping[str, Any]) -> str:
        return self.compiled.render_text(self._complete(given), ignore_extra=self.ignore_extra)

    def _value(self, given: Mapping[str, Any]) -> PromptValue:
        return StringPromptValue(text=self._text(given))


class PromptTemplate(_StrictText, prompts.PromptTemplate):
    """A string prompt. One of format `plain` is shown as an f-string with doubled braces."""

    @model_validator(mode="before")
    @classmethod
    def pre_init_validation(cls, values: dict[str, Any]) -> Any:
        return values  # LangChain's validator parses the template itself


class FewShotPromptTemplate(_StrictText, prompts.FewShotPromptTemplate):
    """A string prompt with examples. `suffix` is the whole template, which has a variable for the examples."""

    template_format: Literal["f-string", "jinja2", "mustache"] = "f-string"  # type: ignore[assignment]

    @model_validator(mode="after")
    def template_is_valid(self) -> "FewShotPromptTemplate":
        return self  # LangChain's validator parses the template itself


class ChatPromptTemplate(_Strict, prompts.ChatPromptTemplate):
    """A chat. Messages added later are LangChain's own, and render unchecked values."""

    @model_validator(mode="before")
    @classmethod
    def validate_input_variables(cls, values: dict[str, Any]) -> Any:
        return values  # LangChain's validator reads the variables from the messages

    def format_messages(self, **kwargs: Any) -> list[BaseMessage]:
        return self._messages(kwargs)

    async def aformat_messages(self, **kwargs: Any) -> list[BaseMessage]:
        return self._messages(kwargs)

    def _value(self, given: Mapping[str, Any]) -> ChatPromptValue:
        return ChatPromptValue(messages=self._messages(given))

    def _messages(self, given: Mapping[str, Any]) -> list[BaseMessage]:
        values = self._complete(given)
        inputs = self.compiled.inputs
        added = _names_of_others(self.messages)
        # The names of added messages are not extra values of the prompt.
        own = {name: value for name, value in values.items() if name in inputs.names or name not in added}
        checked = inputs.complete(own, ignore_extra=self.ignore_extra)
        messages: list[BaseMessage] = []
        for item in self.messages:
            if isinstance(item, ChatItem):
                messages += item.rendered(checked)
            elif isinstance(item, BaseMessage):
                messages.append(item)
            else:
                messages += item.format_messages(**values)
        return messages


def as_template(
    compiled: CompiledPrompt, *, name: str, metadata: dict[str, Any], ignore_extra: bool = False
) -> PromptTemplate | FewShotPromptTemplate | ChatPromptTemplate:
    """Make the LangChain template of a prompt. `name` and `metadata` describe its runs in traces."""
    inputs, spec = compiled.inputs, compiled.spec
    common: dict[str, Any] = {
        "compiled": compiled,
        "ignore_extra": ignore_extra,
        "name": name,
        "metadata": metadata,
        "input_variables": sorted(inputs.required),
        "optional_variables": sorted(inputs.contract.keys() - inputs.required),
        "partial_variables": deepcopy(dict(inputs.fallbacks)),
        "input_types": {key: _TYPES[var.type] if var.type else Any for key, var in inputs.contract.items()},
    }
    if spec.kind == "chat":
        items = [as_item(item, inputs, spec.template_format) for item in compiled.items]
        return ChatPromptTemplate(messages=items, **common)
    template, template_format = spec.template or "", spec.template_format
    if template_format == "plain":
        template, template_format = template.replace("{", "{{").replace("}", "}}"), "f-string"
    if spec.few_shot is None:
        return PromptTemplate(template=template, template_format=template_format, **common)
    return FewShotPromptTemplate(
        examples=[dict(example) for example in compiled.assets.examples],
        example_prompt=_example_prompt(spec),
        example_separator=spec.few_shot.example_separator,
        suffix=template,
        template_format=template_format,
        **common,
    )


def _example_prompt(spec: PromptSpec) -> PromptTemplate:
    """Make a prompt of the template of one example."""
    fields = {
        "kind": "string",
        "template_format": spec.template_format,
        "includes": spec.includes,
        "undefined": spec.undefined,
    }
    text = spec.few_shot.string_template if spec.few_shot is not None else None
    compiled = CompiledPrompt(PromptSpec.model_validate({**fields, "template": text}))
    template = as_template(compiled, name="example", metadata={}, ignore_extra=True)
    assert isinstance(template, PromptTemplate)  # noqa: S101  a string prompt without examples
    return template


def _names_of_others(messages: list[Any]) -> set[str]:
    """Collect the variables of messages that were added to a chat later."""
    others = [
        item
        for item in messages
        if isinstance(item, BaseMessagePromptTemplate | BasePromptTemplate) and not isinstance(item, ChatItem)
    ]
    names = {name for item in others for name in item.input_variables}
    return names | {item.variable_name for item in others if isinstance(item, prompts.MessagesPlaceholder)}
