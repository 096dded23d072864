"""The client of an application that runs on asyncio."""

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

from promptdb.client.client import PromptClient, listed

if TYPE_CHECKING:
    from promptdb.client.health import Listener
    from promptdb.client.sources.code import Fallback
    from promptdb.domain.delivery import Status
    from promptdb.domain.views import PromptVersionView
    from promptdb.render.resolved import PromptRenderResult, ResolvedPrompt
    from promptdb.settings import AppSettings

THREADS = 8
"""The most lookups that wait for the source at once. All others wait for them."""

_Arguments = ParamSpec("_Arguments")
_T = TypeVar("_T")


class AsyncPromptClient:
    """The lookups of `PromptClient` for asyncio, with the same arguments and errors. Use it with `async with`, or call `close`.

    A lookup whose answer is in memory does not wait. Any other waits in a thread, so that the event loop goes on.
    """

    def __init__(self, client: PromptClient) -> None:
        self._client = client
        self._threads: tuple[int, ThreadPoolExecutor] | None = None

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
        if self._threads is not None:
            self._threads[1].shutdown(wait=False)
            self._threads = None

    def status(self) -> "Status":
        """Report whether the source answers, and whether there is anything to serve."""
        return self._client.status()

    def on_change(self, listener: "Listener") -> None:
        """Call a function, in a thread of the client, whenever the status or an answer changes."""
        self._client.on_change(listener)

    async def wait_ready(self, timeout: float = 5.0) -> None:
        """Wait some seconds for the first answer of the source. Errors as in `PromptClient.wait_ready`."""
        await self._in_thread(self._client.wait_ready, timeout)

    async def get(self, ref: str, *, key: str | None = None, fallback: "Fallback | None" = None) -> "ResolvedPrompt":
        """Find the version that a reference names. Arguments and errors as in `PromptClient.get`."""
        found = self._client.at_hand(ref, key)
        if found is not None:
            return found
        return await self._in_thread(self._client.get, ref, key=key, fallback=fallback)

    async def resolve(self, ref: str) -> "PromptVersionView":
        """Find the version that a reference names now. Errors as in `get`."""
        return (await self.get(ref)).version

    async def get_many(self, refs: Iterable[str], *, key: str | None = None) -> "dict[str, ResolvedPrompt]":
        """Find the versions of several references. Arguments and errors as in `PromptClient.get_many`."""
        names = listed(refs)
        found = {ref: prompt for ref in names if (prompt := self._client.at_hand(ref, key)) is not None}
        return found if len(found) == len(set(names)) else await self._in_thread(self._client.get_many, names, key=key)

    async def preload(self, alias: str = "production", namespace: str | None = None) -> int:
        """Read the version of an alias for many prompts in one request. See `PromptClient.preload`."""
        return await self._in_thread(self._client.preload, alias, namespace)

    async def render(
        self, ref: str, variables: Mapping[str, Any] | None = None, /, **more: Any
    ) -> "PromptRenderResult":
        """Find and render a version. Arguments and errors as in `PromptClient.render`."""
        return (await self.get(ref)).render(variables, **more)

    async def _in_thread(
        self, work: Callable[_Arguments, _T], *args: _Arguments.args, **kwargs: _Arguments.kwargs
    ) -> _T:
        # Threads of its own: a registry that does not answer would take all those of the loop, which look up host names too.
        if self._threads is None or self._threads[0] != os.getpid():  # a forked child does not have its parent's
            self._threads = os.getpid(), ThreadPoolExecutor(THREADS, "promptdb-async")
        call = partial(copy_context().run, work, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._threads[1], call)
