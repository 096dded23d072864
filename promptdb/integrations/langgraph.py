"""A LangGraph node that looks up its prompt in every call, so that promotions reach running applications."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass
from inspect import isawaitable
from typing import Annotated, Any, NotRequired

from langchain_core.messages import AnyMessage, BaseMessage
from langchain_core.runnables import RunnableConfig
from pydantic import BaseModel

# pydantic accepts only this TypedDict before Python 3.12.
from typing_extensions import TypedDict

from promptdb.client.client import PromptClient
from promptdb.errors import ConfigError, RenderError
from promptdb.render.resolved import ResolvedPrompt

Reader = Callable[[Any], Any]
"""A function from the state to the value of a variable."""


class PromptUse(TypedDict):
    """A rendered version. `alias` is None if the reference has none, and `commit` if none is recorded."""

    prompt: str
    revision: int
    digest: str
    alias: str | None
    commit: str | None


def used_versions(earlier: Sequence[PromptUse] | None, later: Sequence[PromptUse] | None) -> list[PromptUse]:
    """Reduce `prompt_versions` to each version once, in the order of first use."""
    found: list[PromptUse] = []
    for use in (*(earlier or ()), *(later or ())):
        if use not in found:
            found.append(use)
    return found


class PromptState(TypedDict):
    """The channels that the node writes. The state of a graph inherits them, or has channels of the same names."""

    prompt: NotRequired[list[AnyMessage]]
    prompt_versions: NotRequired[Annotated[list[PromptUse], used_versions]]


class PromptNode:
    """A node that renders a prompt from the state: messages to the channel `prompt`, the version to `prompt_versions`.

    Each variable gets the value of the channel of the same name, unless `inputs` says otherwise. A channel with None counts
    as missing. Inputs without a variable are ignored, because a version that is promoted later may have fewer variables.

    Args:
        client: looks up the prompt in every call.
        ref: `namespace/name[:selector]`, such as `support/triage:production`.
        inputs: maps a variable to the name of another channel, or to a function of the state.
        output: the channel for the messages.
        versions: the channel for the version.
    """

    def __init__(
        self,
        client: PromptClient,
        ref: str,
        *,
        inputs: Mapping[str, str | Reader] | None = None,
        output: str = "prompt",
        versions: str = "prompt_versions",
    ) -> None:
        self._client = client
        self.ref = ref
        self._inputs = dict(inputs or {})
        self._output = output
        self._versions = versions

    def __call__(self, state: Any, config: RunnableConfig | None = None) -> dict[str, Any]:
        """Render the prompt and return the changed channels.

        Raises:
            NotFound: the prompt or version does not exist.
            MissingVariables: neither the state nor `inputs` has all variables.
            RenderError: a value does not fit.
        """
        prompt = self._client.get(self.ref)
        messages: list[BaseMessage] = prompt.invoke(self._values(prompt, state), config).to_messages()
        use = PromptUse(
            prompt=str(prompt.prompt),
            revision=prompt.version.revision,
            digest=str(prompt.version.spec_hash),
            alias=prompt.alias,
            commit=prompt.commit_id,
        )
        return {self._output: messages, self._versions: [use]}

    def _values(self, prompt: ResolvedPrompt, state: Any) -> dict[str, Any]:
        channels = _channels(state)
        values = {name: channels.get(name) for name in prompt.names}
        for name, source in self._inputs.items():
            values[name] = source(state) if callable(source) else channels.get(source)
        if late := sorted(name for name, value in values.items() if isawaitable(value)):
            raise RenderError(f"the input {late[0]!r} is asynchronous", "give a function that returns the value")
        return {name: value for name, value in values.items() if name in prompt.names and value is not None}


def _channels(state: Any) -> Mapping[str, Any]:
    """Read the channels of a state: a mapping, a dataclass or a pydantic model."""
    if isinstance(state, Mapping):
        return state
    if isinstance(state, BaseModel):
        return {name: getattr(state, name) for name in type(state).model_fields}
    if is_dataclass(state):
        return vars(state)
    raise ConfigError(f"the state is a {type(state).__name__}", "use a TypedDict, a dataclass or a pydantic model")
