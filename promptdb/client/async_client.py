"""The client of an application that runs on asyncio."""

import asyncio
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from promptdb.client.client import PromptClient

if TYPE_CHECKING:
    from promptdb.client.health import Listener
    from promptdb.client.sources.code import Fallback
    from promptdb.domain.delivery import Status
    from promptdb.domain.views import PromptVersionView
    from promptdb.render.resolved import PromptRenderResult, ResolvedPrompt
    from promptdb.settings import AppSettings


class AsyncPromptClient:
    """`PromptClient` for asyncio, with the same arguments and errors. Use it with `async with`, or call `close`.

    A lookup whose answer is in memory does not wait. Any other waits in a thread, so that the event loop goes on.
    """

    def __init__(self, client: PromptClient) -> None:
        self._client = client

    @classmethod
    def from_env(cls) -> Self:
        """Make a client for the settings of the environment and the current folder."""
        return cls(PromptClient.from_env())

    @classmethod
    def from_settings(cls, settings: "AppSettings | None") -> Self:
        """Make a client for these settings, or for those of `from_env` if None."""
        return cls(PromptClient.from_settings(settings))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the thread, and release the connections of the source."""
        await asyncio.to_thread(self._client.close)

    def status(self) -> "Status":
        """Report whether the source answers, and whether there is anything to serve."""
        return self._client.status()

    def on_change(self, listener: "Listener") -> None:
        """Call a function, in a thread of the client, whenever the status or an answer changes."""
        self._client.on_change(listener)

    async def wait_ready(self, timeout: float = 5.0) -> None:
        """Wait some seconds for the first answer of the source. Errors as in `PromptClient.wait_ready`."""
        await asyncio.to_thread(self._client.wait_ready, timeout)

    async def get(self, ref: str, *, fallback: "Fallback | None" = None) -> "ResolvedPrompt":
        """Find the version that a reference names. Arguments and errors as in `PromptClient.get`."""
        found = self._client.at_hand(ref)
        return found if found is not None else await asyncio.to_thread(self._client.get, ref, fallback=fallback)

    async def resolve(self, ref: str) -> "PromptVersionView":
        """Find the version that a reference names now. Errors as in `get`."""
        return (await self.get(ref)).version

    async def get_many(self, refs: Iterable[str]) -> "dict[str, ResolvedPrompt]":
        """Find the versions of several references. Errors as in `get`."""
        names = list(refs)
        found = {ref: prompt for ref in names if (prompt := self._client.at_hand(ref)) is not None}
        return found if len(found) == len(set(names)) else await asyncio.to_thread(self._client.get_many, names)

    async def preload(self, alias: str = "production", namespace: str | None = None) -> int:
        """Read the version of an alias for many prompts in one request. See `PromptClient.preload`."""
        return await asyncio.to_thread(self._client.preload, alias, namespace)

    async def render(
        self, ref: str, variables: Mapping[str, Any] | None = None, /, **more: Any
    ) -> "PromptRenderResult":
        """Find and render a version. Arguments and errors as in `PromptClient.render`."""
        return (await self.get(ref)).render(variables, **more)
