"""What can be looked up in a registry. `PromptService` adds what changes it."""

from functools import cached_property
from typing import BinaryIO

import sqlalchemy as sa

from promptdb.blobs.store import BlobStore
from promptdb.db.engine import reading
from promptdb.db.lookup import existing_name
from promptdb.db.migrate import ensure_schema
from promptdb.db.repository import PromptRepository
from promptdb.db.retry import retried
from promptdb.domain.identity import PromptId
from promptdb.domain.refs import PromptRef, parse_alias
from promptdb.domain.views import (
    AliasEventView,
    AliasView,
    AssetView,
    LogEntry,
    PromptSummary,
    PromptVersionView,
    StoredVersion,
)
from promptdb.render.resolved import ResolvedPrompt, resolved
from promptdb.settings import AppSettings, load_settings
from promptdb.sync.assets import open_asset
from promptdb.sync.blob_rows import recorded_assets
from promptdb.sync.lookup import find
from promptdb.sync.registry import Registry, Sharing, registry_of


class PromptLookups:
    """One database and one blob store, for who reads. Thread-safe; connections are pooled.

    Args:
        settings: by default those of the current folder.
        sharing: is told when the first write begins in a blob store that other registries have marked.

    Raises:
        ConfigError: a setting is wrong. The database is opened, and its schema checked, at the first use.
    """

    def __init__(self, settings: AppSettings | None = None, sharing: Sharing | None = None) -> None:
        self.settings = settings or load_settings()
        self._registry = registry_of(self.settings, sharing)
        self.engine: sa.Engine = self._registry.engine
        self.blobs: BlobStore = self._registry.blobs

    @cached_property
    def registry(self) -> Registry:
        """The stores, ready: an empty SQLite database has its schema from here on.

        Raises:
            ConfigError: the schema is missing or not of this release.
        """
        ensure_schema(self.engine)
        return self._registry

    def close(self) -> None:
        self.engine.dispose()

    def resolve(self, ref: str) -> ResolvedPrompt:
        """The version a reference names, ready to render.

        Raises:
            InvalidRef: the text is not a reference.
            NotFound: there is no such prompt or version; the hint says what there is.
        """
        return resolved(ref, self.find(PromptRef.parse(ref)))

    @retried
    def find(self, ref: PromptRef) -> StoredVersion:
        """The same, as it is stored. What `git:` names and no sync has recorded comes from the repository around us."""
        return find(self.registry, self.settings, ref)

    @retried
    def list_prompts(self, pattern: str | None = None, *, archived: bool = False) -> list[PromptSummary]:
        """All prompts by name.

        Args:
            pattern: a namespace, or `namespace/name` where `*` stands for anything.
            archived: the archived ones too.
        """
        with reading(self.registry.engine) as connection:
            return PromptRepository(connection).summaries(pattern, archived=archived)

    @retried
    def list_versions(self, prompt: str, limit: int | None = None) -> list[PromptVersionView]:
        """The versions of a prompt, the newest first.

        Raises:
            InvalidRef: not a name.
            PromptNotFound: there is no such prompt.
        """
        with reading(self.registry.engine) as connection:
            return PromptRepository(connection).versions(self._name(connection, prompt), limit)

    @retried
    def log(self, prompt: str, limit: int | None = None) -> list[LogEntry]:
        """The versions of a prompt with their sources and aliases, the newest first. Errors as in `list_versions`."""
        with reading(self.registry.engine) as connection:
            repository = PromptRepository(connection)
            name = self._name(connection, prompt)
            views = repository.versions(name, limit)
            sources = repository.provenance([view.id for view in views])
            pointing = [(alias.version_id, alias.alias) for alias in repository.aliases(name)]
        return [
            LogEntry(view, sources.get(view.id), tuple(alias for key, alias in pointing if key == view.id))
            for view in views
        ]

    @retried
    def assets(self, version: PromptVersionView) -> list[AssetView]:
        """The blobs of a version, its bundle first. It is an `IntegrityFailure` if their rows do not fit the version."""
        with reading(self.registry.engine) as connection:
            return recorded_assets(connection, version)

    def asset(self, version: PromptVersionView, path: str) -> BinaryIO:
        """A stream of the bytes of an asset, which checks them. Close it, or use it in a `with`.

        Args:
            version: one that is recorded. The assets of others are read with `resolve(ref).asset(path)`.
            path: as the prompt file names it.

        Raises:
            AssetNotFound, StorageError, IntegrityFailure: as in `ResolvedPrompt.asset`.
        """
        return open_asset(self.registry, version, path)

    @retried
    def aliases(self, prompt: str | None = None) -> list[AliasView]:
        """The aliases of one prompt, or of all."""
        with reading(self.registry.engine) as connection:
            name = self._name(connection, prompt) if prompt is not None else None
            return PromptRepository(connection).aliases(name)

    @retried
    def alias_log(self, prompt: str, alias: str | None = None) -> list[AliasEventView]:
        """The moves of a prompt's aliases, the newest first."""
        with reading(self.registry.engine) as connection:
            name = self._name(connection, prompt)
            return PromptRepository(connection).alias_events(name, None if alias is None else parse_alias(alias))

    def _name(self, connection: sa.Connection, prompt: str) -> PromptId:
        return existing_name(connection, PromptId.parse(prompt))
