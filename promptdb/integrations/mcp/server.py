"""The handlers of MCP's requests, and the notices that the list of prompts has changed."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from threading import Event
from typing import Any, TypeVar

import anyio
from anyio import to_thread
from mcp.server import Server, ServerRequestContext
from mcp.server.lowlevel import NotificationOptions
from mcp.server.models import InitializationOptions
from mcp.server.session import ServerSession
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, PromptsListChanged
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CompleteRequestParams,
    CompleteResult,
    Completion,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    PaginatedRequestParams,
    PromptReference,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from promptdb.domain.nearest import nearest
from promptdb.errors import InvalidRef, PromptDBError, PromptNotFound, RenderError
from promptdb.integrations.mcp.arguments import MAX_VALUES, choices, values_of
from promptdb.integrations.mcp.catalog import Catalog
from promptdb.integrations.mcp.forms import listed, rendered
from promptdb.render.resolved import ResolvedPrompt
from promptdb.version import VERSION

_log = logging.getLogger("promptdb")

PAGE = 100
"""The most prompts of one answer."""
_PAUSE = 1.0
"""Seconds after a failure of the source."""
_MOST_SESSIONS = 1000

_Context = ServerRequestContext[Any]
_T = TypeVar("_T")


class _Server(Server[Any]):
    """A server that declares its notices also to clients of the older protocol, over any transport."""

    def create_initialization_options(
        self, notification_options: NotificationOptions | None = None, *args: Any, **kwargs: Any
    ) -> InitializationOptions:
        options = notification_options or NotificationOptions(prompts_changed=True)
        return super().create_initialization_options(options, *args, **kwargs)


class PromptServer:
    """Answers from a catalog, and reports its changes.

    A client of the protocol 2026-07-28 subscribes to them. An older one gets them once it has listed the prompts.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._bus = InMemorySubscriptionBus()
        self._sessions: dict[str | None, ServerSession] = {}
        self._is_failing = False
        self.server = _Server(
            "promptdb",
            version=VERSION,
            instructions=f"Prompts of a promptdb registry, at the versions of the alias {catalog.alias!r}.",
            on_list_prompts=self._list,
            on_get_prompt=self._get,
            on_completion=self._complete,
            on_subscriptions_listen=ListenHandler(self._bus),
        )

    async def _list(self, context: _Context, params: PaginatedRequestParams | None) -> ListPromptsResult:
        if context.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            self._remember(context)
        after = params.cursor if params is not None else None
        names = [name for name in self._catalog.names if after is None or name > after]
        shown = names[:PAGE]
        prompts = await _answered(lambda: [listed(self._find(name)) for name in shown])
        return ListPromptsResult(prompts=prompts, next_cursor=shown[-1] if len(names) > PAGE else None)

    async def _get(self, _: _Context, params: GetPromptRequestParams) -> GetPromptResult:
        def render() -> GetPromptResult:
            prompt = self._find(params.name)
            return rendered(prompt, prompt.render_messages(values_of(params.arguments or {}, prompt.variables)))

        return await _answered(render)

    async def _complete(self, _: _Context, params: CompleteRequestParams) -> CompleteResult:
        ref, argument = params.ref, params.argument

        def complete() -> list[str]:
            variable = self._find(ref.name).variables.get(argument.name) if isinstance(ref, PromptReference) else None
            return [] if variable is None else choices(variable, argument.value)

        found = await _answered(complete)
        completion = Completion(values=found[:MAX_VALUES], total=len(found), has_more=len(found) > MAX_VALUES)
        return CompleteResult(completion=completion)

    def _find(self, name: str) -> ResolvedPrompt:
        found = self._catalog.find(name)
        if found is None:
            near = nearest(name, self._catalog.names)
            hint = f"did you mean {near}?" if near is not None else "prompts/list has the names"
            raise PromptNotFound(f"there is no prompt {name} at {self._catalog.alias}", hint)
        return found

    # Notices

    def _remember(self, context: _Context) -> None:
        key = context.request.headers.get("mcp-session-id") if context.request is not None else None
        while len(self._sessions) >= _MOST_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        self._sessions[key] = context.session

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Follow the source, and report its changes, until the end of a `with` statement."""
        stopped = Event()
        following = asyncio.create_task(self._follow(stopped))
        try:
            yield
        finally:
            stopped.set()
            following.cancel()
            await asyncio.wait([following])

    async def _follow(self, stopped: Event) -> None:
        while True:
            try:
                await to_thread.run_sync(self._catalog.wait, stopped.is_set, abandon_on_cancel=True)
                if await to_thread.run_sync(self._catalog.refresh):
                    await self._report()
                self._is_failing = False
            except PromptDBError as error:
                if not self._is_failing:
                    _log.warning("the source fails; the prompts stay as they are: %s", error.message)
                self._is_failing = True
                await anyio.sleep(_PAUSE)

    async def _report(self) -> None:
        await self._bus.publish(PromptsListChanged())
        for key, session in list(self._sessions.items()):
            try:
                await session.send_prompt_list_changed()
            except (anyio.ClosedResourceError, anyio.BrokenResourceError):
                self._sessions.pop(key, None)


async def _answered(work: Callable[[], _T]) -> _T:
    """Answer in a thread, so that a large prompt holds no other client up. Errors become those of the protocol."""
    try:
        return await to_thread.run_sync(work)
    except PromptDBError as error:
        # Others are not the caller's fault, such as an asset that cannot be read.
        is_request = isinstance(error, InvalidRef | PromptNotFound | RenderError)
        said = error.message if error.hint is None else f"{error.message}: {error.hint}"
        raise MCPError(INVALID_PARAMS if is_request else INTERNAL_ERROR, said) from error
