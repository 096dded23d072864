"""A provider of OpenFeature (https://openfeature.dev), whose flags are prompts. Needs the extra `openfeature`."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn, TypeVar

from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEventDetails
from openfeature.exception import (
    ErrorCode,
    FlagNotFoundError,
    GeneralError,
    InvalidContextError,
    OpenFeatureError,
    ProviderFatalError,
    ProviderNotReadyError,
    TypeMismatchError,
)
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType
from openfeature.provider import AbstractProvider, Metadata

from promptdb.client.async_client import AsyncPromptClient
from promptdb.client.client import PromptClient
from promptdb.domain.delivery import ClientChange, Status
from promptdb.errors import ConfigError, InvalidRef, MissingVariables, NotFound, PromptDBError, StorageError
from promptdb.render.flag_form import (
    DEFAULT_ALIAS,
    TARGETING_KEY,
    flag_metadata,
    object_value,
    reference_of,
    split_key,
    text_value,
    variant_of,
)
from promptdb.render.resolved import ResolvedPrompt

_T = TypeVar("_T")
_Object = Sequence[FlagValueType] | Mapping[str, FlagValueType]
_Value = Callable[[ResolvedPrompt, Mapping[str, Any]], _T]


class PromptProvider(AbstractProvider):
    """Evaluates prompts as flags. A flag's key is a reference; without a selector, it means the alias `production`.

    Object evaluation gives `{"messages": [...]}`, and string evaluation the text of a string prompt. Both render the prompt
    with the attributes of the context. Its targeting key chooses an arm where the alias has a traffic split.

    Args:
        client: looks up the prompts. The provider closes it when OpenFeature shuts down.
        timeout: the seconds for which `initialize` waits for the first answer of the client's source.
    """

    def __init__(self, client: PromptClient, timeout: float = 5.0) -> None:
        super().__init__()
        self._client, self._timeout = client, timeout
        self._async_client = AsyncPromptClient(client)
        self._status = Status.NOT_READY
        self._is_initialized = False
        client.on_change(self._report)

    def get_metadata(self) -> Metadata:
        return Metadata("promptdb")

    def initialize(self, evaluation_context: EvaluationContext) -> None:
        """Wait for the first answer of the source.

        Raises:
            ProviderFatalError: a setting is wrong.
            ProviderNotReadyError: the source does not answer. The provider becomes ready as soon as it does.
        """
        try:
            self._client.wait_ready(self._timeout)
        except ConfigError as error:
            raise ProviderFatalError(_said(error)) from error
        except PromptDBError as error:
            raise ProviderNotReadyError(_said(error)) from error
        finally:
            self._status = self._client.status()
            self._is_initialized = True

    def shutdown(self) -> None:
        """Close the client."""
        # In a thread, because the caller may run an event loop already.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, self._async_client.close()).result()

    # Evaluation

    def resolve_object_details(
        self, flag_key: str, default_value: _Object, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[_Object]:
        """Render a prompt as `{"messages": [...]}`."""
        return self._evaluated(flag_key, evaluation_context, object_value)

    async def resolve_object_details_async(
        self, flag_key: str, default_value: _Object, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[_Object]:
        """Render as `resolve_object_details` does, without holding up the event loop for a lookup."""
        return await self._evaluated_async(flag_key, evaluation_context, object_value)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """Render a string prompt as text."""
        return self._evaluated(flag_key, evaluation_context, _string_value)

    async def resolve_string_details_async(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """Render as `resolve_string_details` does, without holding up the event loop for a lookup."""
        return await self._evaluated_async(flag_key, evaluation_context, _string_value)

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        _refuse(flag_key)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        _refuse(flag_key)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        _refuse(flag_key)

    def _evaluated(
        self, flag_key: str, context: EvaluationContext | None, value: _Value[_T]
    ) -> FlagResolutionDetails[_T]:
        attributes = _attributes(context)
        try:
            return _details(self._client.get(reference_of(flag_key), key=split_key(attributes)), attributes, value)
        except PromptDBError as error:
            raise self._as_openfeature(error) from error

    async def _evaluated_async(
        self, flag_key: str, context: EvaluationContext | None, value: _Value[_T]
    ) -> FlagResolutionDetails[_T]:
        attributes = _attributes(context)
        try:
            prompt = await self._async_client.get(reference_of(flag_key), key=split_key(attributes))
            return _details(prompt, attributes, value)
        except PromptDBError as error:
            raise self._as_openfeature(error) from error

    def _as_openfeature(self, error: PromptDBError) -> OpenFeatureError:
        if isinstance(error, InvalidRef | NotFound):
            return FlagNotFoundError(_said(error))
        if isinstance(error, MissingVariables):
            return InvalidContextError(f"{error.message}; give them as attributes of the context")
        if isinstance(error, StorageError) and self._client.status() in (Status.NOT_READY, Status.ERROR):
            return ProviderNotReadyError(_said(error))
        return GeneralError(_said(error))

    # Events

    def _report(self, change: ClientChange) -> None:
        """Emit the events of a change. OpenFeature itself emits that of `initialize`."""
        if not self._is_initialized:
            return
        if change.refs:
            self.emit_provider_configuration_changed(ProviderEventDetails(flags_changed=_keys(change.refs)))
        if change.status is self._status:
            return
        self._status = change.status
        if change.status is Status.READY:
            self.emit_provider_ready(ProviderEventDetails())
        elif change.status is Status.STALE:
            self.emit_provider_stale(ProviderEventDetails(message="the source fails; prompts come from memory"))
        else:
            message = "the source fails, and there are no prompts in memory"
            self.emit_provider_error(ProviderEventDetails(message=message, error_code=ErrorCode.GENERAL))


def _attributes(context: EvaluationContext | None) -> dict[str, Any]:
    if context is None:
        return {}
    attributes = dict(context.attributes)
    # A template may use it too, as over the remote protocol.
    return {**attributes, TARGETING_KEY: context.targeting_key} if context.targeting_key else attributes


def _string_value(prompt: ResolvedPrompt, attributes: Mapping[str, Any]) -> str:
    if prompt.spec.kind != "string":
        raise TypeMismatchError(f"{prompt.prompt} is a chat: evaluate it as an object")
    return text_value(prompt, attributes)


def _details(prompt: ResolvedPrompt, attributes: Mapping[str, Any], value: _Value[_T]) -> FlagResolutionDetails[_T]:
    return FlagResolutionDetails(
        value(prompt, attributes),
        reason=prompt.reason.value,
        variant=variant_of(prompt),
        flag_metadata=flag_metadata(prompt),
    )


def _refuse(flag_key: str) -> NoReturn:
    raise TypeMismatchError(f"{flag_key} is a prompt: evaluate it as a string or as an object")


def _keys(refs: Sequence[str]) -> list[str]:
    """List the flags of references. An application may name the default alias or leave it out."""
    return list(dict.fromkeys(key for ref in refs for key in (ref, ref.removesuffix(f":{DEFAULT_ALIAS}"))))


def _said(error: PromptDBError) -> str:
    return error.message if error.hint is None else f"{error.message}: {error.hint}"
