"""A prompt that is ready to render, wherever it was read: text, messages, LangChain objects and requests to providers."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from promptdb.domain.digest import digest_of
from promptdb.domain.identity import PromptId
from promptdb.domain.spec import PromptSpec, Variable
from promptdb.render.messages import RenderedMessage
from promptdb.render.prompt import CompiledPrompt

if TYPE_CHECKING:
    from langchain_core.prompt_values import PromptValue
    from langchain_core.prompts import ChatPromptTemplate, FewShotPromptTemplate, PromptTemplate
    from langchain_core.runnables import RunnableConfig


@dataclass(frozen=True, kw_only=True)
class RenderablePrompt:
    """Methods that take values take them by name: `variables` as a mapping, and `more` as keywords, which win.

    All of them raise the same errors: `MissingVariables` naming all that are missing, `UnknownVariables` naming all that
    the prompt does not have, and `RenderError` for a value that does not fit. Where an asset is rendered, such as an image,
    that may fail with `StorageError` or `IntegrityFailure`.
    """

    prompt: PromptId
    spec_json: str = field(repr=False)
    _compiled: CompiledPrompt = field(repr=False, compare=False)
    _ignores_extra: bool = False

    @cached_property
    def spec(self) -> PromptSpec:
        """All fields of the prompt. Made for this object: what a caller does to it reaches no other lookup."""
        return PromptSpec.from_canonical(self.spec_json)

    @property
    def variables(self) -> dict[str, Variable]:
        """The contract: what a caller must or may give."""
        contract = self._compiled.inputs.contract
        return {name: variable.model_copy(deep=True) for name, variable in contract.items()}

    @property
    def names(self) -> frozenset[str]:
        """What a caller can usefully give: the contract, and names that a section of a mustache template may look up."""
        return self._compiled.inputs.names

    @property
    def trace_metadata(self) -> dict[str, Any]:
        """What traces should say about where a text came from: prompt and digest. The values are text and numbers."""
        return {"promptdb_prompt": str(self.prompt), "promptdb_digest": str(digest_of(self.spec_json.encode()))}

    def ignoring_extra(self) -> Self:
        """The same prompt, to which values may be given that it has no variable for: they are left out."""
        return replace(self, _ignores_extra=True)

    # Rendering

    def render_text(self, variables: Mapping[str, Any] | None = None, /, **more: Any) -> str:
        """The prompt as one text; a chat as lines of `Speaker: content`."""
        return self._compiled.render_text(_values(variables, more), ignore_extra=self._ignores_extra)

    def render_messages(self, variables: Mapping[str, Any] | None = None, /, **more: Any) -> list[RenderedMessage]:
        """The prompt as messages; a string prompt as one human message."""
        return self._compiled.render_messages(_values(variables, more), ignore_extra=self._ignores_extra)

    # LangChain

    def as_langchain(self) -> "PromptTemplate | FewShotPromptTemplate | ChatPromptTemplate":
        """A template of LangChain that renders exactly what `render_*` renders, and refuses what they refuse.

        Its `metadata` is `trace_metadata`, so that traces name the version.
        """
        from promptdb.render.langchain.templates import as_template  # LangChain is loaded by those who use it

        name, metadata = str(self.prompt), self.trace_metadata
        return as_template(self._compiled, name=name, metadata=metadata, ignore_extra=self._ignores_extra)

    def invoke(
        self, variables: Mapping[str, Any] | None = None, config: "RunnableConfig | None" = None
    ) -> "PromptValue":
        """What `as_langchain().invoke` gives: a prompt value, which LangChain's models take as their input."""
        return self.as_langchain().invoke(dict(variables or {}), config)

    # What a model needs besides the messages

    @property
    def model_settings(self) -> dict[str, Any]:
        """The settings of `model` without `provider` and `name`: ready for `chat_model.bind(**prompt.model_settings)`."""
        settings = {key: value for key, value in self._compiled.spec.model.items() if key not in ("provider", "name")}
        return deepcopy(settings)

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The tools in the form of OpenAI's API: ready for `chat_model.bind_tools(prompt.tools)` of any provider."""
        from promptdb.render.providers.openai import openai_tool

        return [openai_tool(tool) for tool in self._compiled.spec.tools]

    @property
    def response_schema(self) -> dict[str, Any] | None:
        """The JSON Schema of the answer, with a title: ready for `chat_model.with_structured_output`. None if there is none."""
        from promptdb.render.providers.openai import schema_name

        schema = self._compiled.spec.response_schema
        return None if schema is None else {**deepcopy(schema), "title": schema_name(schema, self._identifier)}

    # Requests

    def to_openai(self, variables: Mapping[str, Any] | None = None, /, **more: Any) -> dict[str, Any]:
        """Arguments for `chat.completions.create` of OpenAI's API: messages, tools, response format and model settings.

        The settings of `model` are left out if its `provider` is one whose models this API does not have.
        """
        from promptdb.render.providers.openai import openai_request

        return openai_request(self._compiled.spec, self.render_messages(variables, **more), self._identifier)

    def to_anthropic(self, variables: Mapping[str, Any] | None = None, /, **more: Any) -> dict[str, Any]:
        """Arguments for `messages.create` of Anthropic's API: system, messages, tools, output format and model settings.

        The settings of `model` are left out if its `provider` is another one. The API needs `max_tokens`: give it there, or
        in the call.

        Raises:
            RenderError: as in the other methods, and for a role that the API does not have.
        """
        from promptdb.render.providers.anthropic import anthropic_request

        return anthropic_request(self._compiled.spec, self.render_messages(variables, **more))

    @property
    def _identifier(self) -> str:
        """The name of the prompt, of letters that names of schemas may have."""
        return "".join(c if c.isascii() and (c.isalnum() or c == "-") else "_" for c in str(self.prompt))[-64:]


def _values(variables: Mapping[str, Any] | None, more: Mapping[str, Any]) -> dict[str, Any]:
    return {**(variables or {}), **more}
