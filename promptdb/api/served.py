"""The registry as one app serves it: its verbs, the answers it keeps, and its changes."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from anyio import CapacityLimiter
from fastapi import Request

from promptdb.api.answers import Answers
from promptdb.api.doorkeeper import Doorkeeper
from promptdb.api.event_streams import EventStreams
from promptdb.api.hub import Hub
from promptdb.api.snapshots import Snapshots
from promptdb.client.lookups import Lookups
from promptdb.client.sources.database import DatabaseSource
from promptdb.delivery.worker import WebhookWorker
from promptdb.domain.access import Grant
from promptdb.domain.delivery import Changes, Generation
from promptdb.domain.refs import ByLabel, Latest, PromptRef
from promptdb.domain.views import StoredVersion
from promptdb.registry.change_feed import ChangeFeed
from promptdb.registry.reader import RegistryReader
from promptdb.render.resolved import ResolvedPrompt, resolved
from promptdb.service import PromptService
from promptdb.settings import AppSettings

WRITERS = 4
"""The most writes at a time in one process. The others wait without a thread and a connection."""


class _Source(DatabaseSource):
    """The registry for the lookups of a server."""

    def __init__(self, settings: AppSettings, reader: RegistryReader, publish: Callable[[Generation], None]) -> None:
        super().__init__(settings, reader)
        self._publish = publish

    def find(self, ref: PromptRef) -> StoredVersion:
        # Without the repository around the server's folder, which is not a part of the registry.
        return self._reader.find(ref)

    def wait(self, since: Generation | None, seconds: float, stopped: Callable[[], bool]) -> None:
        # The lookups wait once they have replaced what changed. Who hears of it earlier could still get an older answer.
        if since is not None:
            self._publish(since)
        super().wait(since, seconds, stopped)


class Served:
    """The parts that the routes of one app use.

    `hub`, `streams` and `doorkeeper` belong to the event loop, the rest to any thread.

    Raises:
        ConfigError: a setting is wrong.
    """

    def __init__(self, settings: AppSettings) -> None:
        self.settings = settings
        self.service = PromptService(settings)
        self.reader = self.service.reader
        self.hub = Hub(asyncio.get_running_loop())
        self._source = _Source(settings, self.reader, self.hub.publish)
        self._lookups = Lookups(self._source, settings.cache_ttl, settings.max_stale)
        self.answers = Answers(self._lookups, self.reader)
        self.snapshots = Snapshots(self.reader)
        self.streams = EventStreams(self.hub, self.changes)
        # It sends in each process of a server, which share the work.
        self._webhooks = WebhookWorker(self.reader.stores, settings.webhook_networks)
        self._services: dict[str, PromptService] = {}
        self.writers = CapacityLimiter(WRITERS)
        self.doorkeeper = Doorkeeper(lambda: self.reader.registry)

    def start(self) -> None:
        """Begin to follow the changes of the registry, which may be unreachable, and to send webhooks."""
        self._lookups.start()
        self._webhooks.start()

    def begin_close(self) -> None:
        """Say goodbye to streams, and begin to send no more webhooks, while requests have time to end."""
        self.hub.close()
        self._webhooks.begin_stop()

    def close(self) -> None:
        """End the threads, and return the connections. Attempts to send that have begun are finished."""
        self._webhooks.stop()
        self._lookups.close()
        self._source.close()

    def confirm(self) -> None:
        """Replace what a write of this process has changed, so that its caller finds it."""
        self._lookups.confirm()

    def prompt(self, text: str, key: str | None = None) -> ResolvedPrompt:
        """Find the version of a reference, ready to render. Errors as in `PromptClient.get`."""
        ref = PromptRef.parse(text)
        if isinstance(ref.selector, ByLabel | Latest):
            return (
                self._lookups.at_hand(text) if key is None else self._lookups.at_hand_for(text, key)
            ) or self._lookups.fetch(text, key)
        return resolved(text, self.reader.find(ref))

    def service_for(self, grant: Grant) -> PromptService:
        """Return a service whose writes name the token of a grant as their author. It shares all connections."""
        if grant.actor is None:
            return self.service
        if (found := self._services.get(grant.actor)) is None:
            stores = self.reader.stores
            own = replace(stores, actor=grant.actor, open_blobs=lambda: stores.blobs)
            reader = RegistryReader(own, is_ready=self.reader.is_ready)
            found = self._services[grant.actor] = PromptService(self.settings, reader=reader)
        return found

    def changes(self, since: Generation | None) -> Changes:
        """Find the prompts that changed after a generation. Raise StorageError if the database fails."""
        found = ChangeFeed(self.reader).changes(since)
        if found.generation != self.hub.generation:
            # Otherwise a client that hears of a change could still get the answer from before, and keep it.
            self._lookups.confirm()
        return found


def served(request: Request) -> Served:
    """Return what the app of a request serves."""
    found: Served = request.app.state.served
    return found
