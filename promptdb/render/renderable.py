"""A prompt ready to render as text, messages, LangChain objects and requests for providers."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from promptdb.domain.digest import SHORT_DIGEST, digest_of
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.spec import PromptSpec, Variable
from promptdb.render.compiled import CompiledPrompt
from promptdb.render.messages import RenderedMessage
from promptdb.render.providers.anthropic import anthropic_request
from promptdb.render.providers.openai import openai_request, openai_tool, schema_name
from promptdb.render.providers.parts import model_settings

if TYPE_CHECKING:
    from langchain_core.prompt_values import PromptValue
    from langchain_core.prompts import ChatPromptTemplate, FewShotPromptTemplate, PromptTemplate
    from langchain_core.runnables import RunnableConfig


@dataclass(frozen=True, kw_only=True)
class RenderablePrompt:
    """A prompt from a lookup or a file. Methods take values as the mapping `variables` or as keywords, which win.

    Raises:
        MissingVariables: required values are missing. The message names all of them.
        UnknownVariables: the prompt does not have these variables. The message names all of them.
        RenderError: a value does not fit the contract or the template.
        StorageError, IntegrityFailure: an asset that is rendered, such as an image, cannot be read.
    """

    prompt: PromptId
    spec_json: str = field(repr=False)
    _compiled: CompiledPrompt = field(repr=False, compare=False)
    _ignores_extra: bool = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.prompt)!r}, {self._digest[:SHORT_DIGEST]})"

    @cached_property
    def spec(self) -> PromptSpec:
        """All fields of the prompt: a copy of this object's own, so that changes reach no other lookup."""
        return PromptSpec.from_canonical(self.spec_json)

    @property
    def variables(self) -> dict[str, Variable]:
        """The contract: the variables that a caller must or may give."""
        contract = self._compiled.inputs.contract
        return {name: variable.model_copy(deep=True) for name, variable in contract.items()}

    @property
    def names(self) -> frozenset[str]:
        """The names that a caller may give: the contract, and names that a mustache section may look up."""
        return self._compiled.inputs.names

    @property
    def trace_metadata(self) -> dict[str, Any]:
        """Prompt and digest for traces. The values are text and numbers."""
        return {"promptdb_prompt": str(self.prompt), "promptdb_digest": self._digest}

    def ignoring_extra(self) -> Self:
        """Return the same prompt, which ignores values that it has no variable for."""
        return replace(self, _ignores_extra=True)

    # Rendering

    def render_text(self, variables: Mapping[str, Any] | None = None, /, **more: Any) -> str:
        """Render the prompt as one text. A chat becomes lines of `Speaker: content`."""
        # Templates get a dictionary of their own.
        values = {**variables, **more} if variables else more
        return self._compiled.render_text(values, ignore_extra=self._ignores_extra)

    def render_messages(self, variables: Mapping[str, Any] | None = None, /, **more: Any) -> list[RenderedMessage]:
        """Render the prompt as messages. A string prompt becomes one human message."""
        values = {**variables, **more} if variables else more
        return self._compiled.render_messages(values, ignore_extra=self._ignores_extra)

    # LangChain

    def as_langchain(self) -> "PromptTemplate | FewShotPromptTemplate | ChatPromptTemplate":
        """Make a LangChain template that renders and refuses exactly what `render_*` does.

        Its `metadata` is `trace_metadata`, so that traces name the version.
        """
        # Imported here, since LangChain is optional and slow to import.
        from promptdb.render.langchain.templates import as_template

        name, metadata = str(self.prompt), self.trace_metadata
        return as_template(self._compiled, name=name, metadata=metadata, ignore_extra=self._ignores_extra)

    def invoke(
        self, variables: Mapping[str, Any] | None = None, config: "RunnableConfig | None" = None
    ) -> "PromptValue":
        """Render a LangChain prompt value, the input of LangChain's models. Short for `as_langchain().invoke`."""
        return self.as_langchain().invoke(dict(variables or {}), config)

    # Arguments of a model besides its messages

    @property
    def model_settings(self) -> dict[str, Any]:
        """The settings of `model` without `provider` and `name`: ready for `chat_model.bind(**prompt.model_settings)`."""
        return model_settings(self._compiled.spec.model)

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The tools in the form of OpenAI's API, ready for `chat_model.bind_tools(prompt.tools)` of any provider."""
        return [openai_tool(tool) for tool in self._compiled.spec.tools]

    @property
    def response_schema(self) -> dict[str, Any] | None:
        """The JSON Schema of the answer with a title, ready for `chat_model.with_structured_output`, or None."""
        schema = self._compiled.spec.response_schema
        return None if schema is None else {**deepcopy(schema), "title": schema_name(schema, self._identifier)}

    # Requests

    def to_openai(self, variables: Mapping[str, Any] | None = None, /, **more: Any) -> dict[str, Any]:
        """Render arguments for OpenAI's `chat.completions.create`: messages, tools, response format and model settings.

        Omits the settings of `model` if its `provider` is `anthropic`.
        """
        return openai_request(self._compiled.spec, self.render_messages(variables, **more), self._identifier)

    def to_anthropic(self, variables: Mapping[str, Any] | None = None, /, **more: Any) -> dict[str, Any]:
        """Render arguments for Anthropic's `messages.create`: system, messages, tools, output format and model settings.

        Omits the settings of `model` if its `provider` is not `anthropic`. The API requires `max_tokens`: set it in `model` or
        in the call.

        Raises:
            RenderError: as in the other methods, and for a role that the API does not have.
        """
        return anthropic_request(self._compiled.spec, self.render_messages(variables, **more))

    @property
    def _digest(self) -> str:
        return str(digest_of(self.spec_json.encode()))

    @property
    def _identifier(self) -> str:
        """The name of the prompt in characters that the name of a schema may have."""
        return "".join(c if c.isascii() and (c.isalnum() or c == "-") else "_" for c in str(self.prompt))[-64:]
