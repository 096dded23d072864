"""Reads a registry: versions, aliases, history and assets."""

from dataclasses import replace
from functools import cached_property
from typing import BinaryIO, Literal, Self

import sqlalchemy as sa

from promptdb.db.engine import reading
from promptdb.db.lookup import existing_name, find_version
from promptdb.db.repository import PromptRepository
from promptdb.db.retry import retried
from promptdb.domain.prompt_id import PromptId
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
from promptdb.registry.asset_rows import recorded_assets
from promptdb.registry.assets import RecordedAssets, open_asset
from promptdb.registry.stores import Registry, Sharing, registry_of
from promptdb.settings import AppSettings


class RegistryReader:
    """Answers questions about one database and one blob store. Thread-safe; connections are pooled.

    Args:
        registry: the stores. Nothing is connected before the first question.
    """

    def __init__(self, registry: Registry) -> None:
        self.stores = registry

    @classmethod
    def of(cls, settings: AppSettings, sharing: Sharing | None = None) -> Self:
        """Make a reader of the stores that the settings name.

        Args:
            settings: name the database and the blob store.
            sharing: called when the first write begins in a blob store that other registries have marked.

        Raises:
            ConfigError: a setting is wrong.
        """
        return cls(registry_of(settings, sharing))

    @cached_property
    def registry(self) -> Registry:
        """The stores, ready. Errors as in `Registry.ready`."""
        return self.stores.ready()

    def close(self) -> None:
        """Return the database connections."""
        self.stores.close()

    @retried
    def find(self, ref: PromptRef) -> StoredVersion:
        """Find the recorded version that a reference names.

        Raises:
            NotFound: there is no such prompt or version; the hint says what there is.
        """
        with reading(self.registry.engine) as connection:
            found = find_version(connection, ref)
        return replace(found, assets=RecordedAssets(self.registry, found.view))

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

    def blob_state(self, asset: AssetView) -> Literal["present", "missing", "wrong size"]:
        """Compare the size of a stored blob with its row."""
        size = self.stores.blobs.size(asset.digest)
        return "missing" if size is None else "present" if size == asset.byte_size else "wrong size"

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
