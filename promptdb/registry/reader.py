"""Reads the versions, aliases, history and assets of a registry."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Literal, Self

import sqlalchemy as sa

from promptdb.db.alias_log import logged_moves
from promptdb.db.blame import blame
from promptdb.db.engine import reading
from promptdb.db.git_targets import read_aliases
from promptdb.db.lookup import current_name, existing_name, find_version, find_versions
from promptdb.db.lookup_many import find_each, find_revisions
from promptdb.db.repository import PromptRepository
from promptdb.db.retry import retried
from promptdb.db.split_arms import with_arms
from promptdb.db.sqlite_lookup import find_in_sqlite
from promptdb.domain.digest import Digest
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import PromptRef, parse_alias
from promptdb.domain.views import (
    AliasEventView,
    AliasView,
    AssetView,
    BlameEntry,
    LogEntry,
    PromptSummary,
    PromptVersionView,
    StoredVersion,
)
from promptdb.errors import PromptDBError
from promptdb.registry.asset_rows import recorded_assets
from promptdb.registry.stores import Registry, Sharing, registry_of
from promptdb.render.resolved import asset_not_found
from promptdb.settings import AppSettings


@dataclass(frozen=True, slots=True)
class RecordedAssets:
    """The assets of a recorded version, read from the blob store."""

    registry: Registry
    version: PromptVersionView

    def list(self) -> Sequence[AssetView]:
        with reading(self.registry.engine) as connection:
            found = recorded_assets(connection, self.version)
        return [asset for asset in found if asset.path is not None]

    def open(self, digest: Digest) -> BinaryIO:
        return self.registry.blobs.open(digest)


class RegistryReader:
    """Reads one database and one blob store. Thread-safe; connections are pooled, and opened at the first use."""

    def __init__(self, registry: Registry, *, is_ready: bool = False) -> None:
        self.stores = registry
        self.is_ready = is_ready

    @classmethod
    def of(cls, settings: AppSettings, sharing: Sharing | None = None) -> Self:
        """Make a reader of the stores that the settings name. Arguments and errors as in `registry_of`."""
        return cls(registry_of(settings, sharing))

    @property
    def registry(self) -> Registry:
        """The stores, with their schema checked once. Errors as in `Registry.ready`."""
        # A cached property has a lock in Python 3.11. A child that is forked meanwhile would wait for it for ever.
        if not self.is_ready:
            self.stores.ready()
            self.is_ready = True
        return self.stores

    @property
    def compared(self) -> Registry:
        """The stores to plan against. Errors as in `Registry.compared`."""
        return self.stores if self.is_ready else self.stores.compared()

    @property
    def created(self) -> Registry:
        """The stores for a first write, which creates a missing SQLite database. Errors as in `Registry.created`.

        A database that was there before and is missing now is not created: a new one would hide that it is gone.
        """
        if not self.is_ready:
            self.stores.created()
            self.is_ready = True
        return self.stores

    def close(self) -> None:
        """Return the database connections."""
        self.stores.close()

    @retried
    def current_name(self, prompt: PromptId) -> PromptId | None:
        """Find the name that a prompt has now, after renames. None if there was never such a prompt."""
        with reading(self.registry.engine) as connection:
            return current_name(connection, prompt)

    @retried
    def find(self, ref: PromptRef) -> StoredVersion:
        """Find the recorded version that a reference names.

        Raises:
            NotFound: the prompt or version does not exist. The hint lists what does.
        """
        found = find_in_sqlite(self.registry.engine, ref, self._assets)
        if found is not None and found.split is None:
            return found
        with reading(self.registry.engine) as connection:
            found = found or find_version(connection, ref, self._assets)
            return self._whole(connection, [found])[0]

    @retried
    def find_many(self, refs: Sequence[PromptRef]) -> list[StoredVersion | PromptDBError]:
        """Find the recorded version of each reference, or the reason why there is none, in one state of the registry."""
        with reading(self.registry.engine) as connection:
            return with_arms(connection, find_each(connection, refs, self._assets), self._assets)

    @retried
    def find_revisions(self, prompt: PromptId, revisions: Collection[int]) -> list[StoredVersion]:
        """Find some revisions of a prompt by its present name. Revisions that do not exist are left out."""
        with reading(self.registry.engine) as connection:
            return find_revisions(connection, prompt, revisions, self._assets)

    @retried
    def find_all(self, alias: str, namespace: str | None = None) -> list[StoredVersion]:
        """Find the version of an alias, or of `latest`, for all prompts that have it, in or below a namespace."""
        with reading(self.registry.engine) as connection:
            return self._whole(connection, find_versions(connection, alias, namespace, self._assets))

    @retried
    def list_prompts(self, pattern: str | None = None, *, archived: bool = False) -> list[PromptSummary]:
        """List the prompts, sorted by name.

        Args:
            pattern: a namespace, or `namespace/name`. `*` matches any text.
            archived: include archived prompts.
        """
        with reading(self.registry.engine) as connection:
            return PromptRepository(connection).summaries(pattern, archived=archived)

    @retried
    def list_versions(self, prompt: str, limit: int | None = None) -> list[PromptVersionView]:
        """List the versions of a prompt, newest first.

        Raises:
            InvalidRef: `prompt` is malformed.
            PromptNotFound: the prompt does not exist.
        """
        with reading(self.registry.engine) as connection:
            return PromptRepository(connection).versions(self._name(connection, prompt), limit)

    @retried
    def log(self, prompt: str, limit: int | None = None) -> list[LogEntry]:
        """List the versions of a prompt with their sources and aliases, newest first. Errors as in `list_versions`."""
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
        """List the blobs of a version, its bundle first. Errors as in `recorded_assets`."""
        with reading(self.registry.engine) as connection:
            return recorded_assets(connection, version)

    def asset(self, version: PromptVersionView, path: str) -> BinaryIO:
        """Open an asset for reading. Close the stream, or use it in a `with` statement.

        Args:
            version: a recorded version. Use `resolve(ref).asset(path)` for others.
            path: the path of the asset, as written in the prompt file.

        Raises:
            AssetNotFound, StorageError, IntegrityFailure: as in `ResolvedPrompt.asset`.
        """
        assets = RecordedAssets(self.registry, version)
        digests = {asset.path or "": asset.digest for asset in assets.list()}
        if path not in digests:
            raise asset_not_found(version, path, list(digests))
        return assets.open(digests[path])

    def blob_state(self, asset: AssetView) -> Literal["present", "missing", "wrong size"]:
        """Compare the size of a stored blob with the size in its row."""
        size = self.stores.blobs.size(asset.digest)
        return "missing" if size is None else "present" if size == asset.byte_size else "wrong size"

    @retried
    def aliases(self, prompt: str | None = None) -> list[AliasView]:
        """List the aliases of one prompt, or of all prompts."""
        with reading(self.registry.engine) as connection:
            name = self._name(connection, prompt) if prompt is not None else None
            return read_aliases(connection, name)

    @retried
    def alias_log(self, prompt: str, alias: str | None = None) -> list[AliasEventView]:
        """List the moves of a prompt's aliases, newest first."""
        with reading(self.registry.engine) as connection:
            name = self._name(connection, prompt)
            return logged_moves(connection, name, None if alias is None else parse_alias(alias))

    @retried
    def blame(self, at: datetime | None = None, prompt: str | None = None) -> list[BlameEntry]:
        """Find what each alias pointed at, and the move that had brought it there.

        Args:
            at: an aware time; by default now.
            prompt: only the aliases of this prompt.

        Raises:
            InvalidRef: `prompt` is malformed.
            PromptNotFound: the prompt does not exist.
        """
        with reading(self.registry.engine) as connection:
            if prompt is None:
                return blame(connection, at)
            found = blame(connection, at, PromptId.parse(prompt))
            # Only now the question for the name, which is right most of the time.
            return found or blame(connection, at, self._name(connection, prompt))

    def _whole(self, connection: sa.Connection, found: Sequence[StoredVersion]) -> list[StoredVersion]:
        """Add the arms of splits. Raise IntegrityFailure if one is missing."""
        whole = with_arms(connection, found, self._assets)
        for one in whole:
            if isinstance(one, PromptDBError):
                raise one
        return [one for one in whole if isinstance(one, StoredVersion)]

    def _assets(self, version: PromptVersionView) -> RecordedAssets:
        return RecordedAssets(self.registry, version)

    def _name(self, connection: sa.Connection, prompt: str) -> PromptId:
        return existing_name(connection, PromptId.parse(prompt))
