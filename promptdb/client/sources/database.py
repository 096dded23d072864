"""Reads prompts straight from the registry's database."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import cached_property
from typing import TYPE_CHECKING

from promptdb.client.forks import sqlite_calls
from promptdb.client.source import one_by_one
from promptdb.domain.delivery import Changes, Generation
from promptdb.domain.refs import ByCommit, PromptRef
from promptdb.domain.views import PromptVersionView, StoredVersion
from promptdb.errors import NotFound, PromptDBError
from promptdb.registry.change_feed import Calls, ChangeFeed
from promptdb.registry.reader import RegistryReader
from promptdb.settings import AppSettings, load_settings

if TYPE_CHECKING:
    from promptdb.service import PromptService


class DatabaseSource:
    """A registry, to read and to write.

    Args:
        settings: name the database and the blob store; by default those of the current folder.
        reader: a reader of the same stores, by default a new one.

    Raises:
        ConfigError: a setting is wrong.
    """

    name = "database"
    is_at_hand = False

    def __init__(self, settings: AppSettings | None = None, reader: RegistryReader | None = None) -> None:
        self._settings = settings or load_settings()
        self._open(reader or RegistryReader.of(self._settings))

    def _open(self, reader: RegistryReader) -> None:
        self._reader = reader
        self._calls: Calls = sqlite_calls if reader.stores.engine.dialect.name == "sqlite" else nullcontext
        self._feed = ChangeFeed(reader, self._calls)

    @cached_property
    def service(self) -> "PromptService":
        # Writes need the parser and git. Lookups do not.
        from promptdb.service import PromptService

        return PromptService(self._settings, reader=self._reader)

    def find(self, ref: PromptRef) -> StoredVersion:
        """Find a version. Reads a commit that no sync has recorded from the repository around the current folder."""
        try:
            with self._calls():
                return self._reader.find(ref)
        except NotFound:
            if not isinstance(ref.selector, ByCommit):
                raise
        return self.service.find(ref)

    def find_many(self, refs: Sequence[PromptRef]) -> list[StoredVersion | PromptDBError]:
        with self._calls():
            found = self._reader.find_many(refs)
        for at, ref in enumerate(refs):
            if isinstance(found[at], NotFound) and isinstance(ref.selector, ByCommit):
                found[at : at + 1] = one_by_one(self.service.find, [ref])
        return found

    def find_all(self, alias: str, namespace: str | None) -> list[StoredVersion]:
        with self._calls():
            return self._reader.find_all(alias, namespace)

    def changes(self, since: Generation | None) -> Changes:
        return self._feed.changes(since)

    def wait(self, since: Generation | None, seconds: float, stopped: Callable[[], bool]) -> None:
        self._feed.wait(since, seconds, stopped)

    def list_versions(self, prompt: str, limit: int | None = None) -> list[PromptVersionView]:
        with self._calls():
            return self._reader.list_versions(prompt, limit)

    def after_fork(self) -> None:
        self._feed.after_fork()
        self._reader.stores.after_fork()
        if not self._reader.is_ready:
            # The parent may be at its first connection, which SQLAlchemy makes under a lock. The child would wait for it.
            self.__dict__.pop("service", None)
            self._open(RegistryReader.of(self._settings))

    def close(self) -> None:
        self._feed.close()
        self._reader.close()
