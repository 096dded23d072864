"""`PromptService`: what every door to the registry can do. The CLI, the client and servers call it and choose the words."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Literal

import sqlalchemy as sa

from promptdb.blobs.store import BlobStore
from promptdb.db.engine import reading
from promptdb.db.lookup import existing_name, find_version
from promptdb.db.migrate import ensure_schema
from promptdb.db.repository import PromptRepository
from promptdb.db.retry import retried
from promptdb.domain.identity import PromptId
from promptdb.domain.plan import Action, Desired
from promptdb.domain.refs import ByRevision, PromptRef, parse_alias
from promptdb.domain.spec import PromptSpec, TemplateFormat
from promptdb.domain.views import (
    AliasEventView,
    AliasView,
    AssetView,
    LogEntry,
    PromptSummary,
    PromptVersionView,
    Registered,
    StoredVersion,
)
from promptdb.errors import VersionNotFound
from promptdb.render.resolved import ResolvedPrompt, resolved
from promptdb.settings import AppSettings, load_settings
from promptdb.sync import aliases
from promptdb.sync.aliases import Move
from promptdb.sync.apply import apply
from promptdb.sync.assets import open_asset
from promptdb.sync.blob_rows import recorded_assets
from promptdb.sync.content import Content
from promptdb.sync.lookup import find
from promptdb.sync.registry import Registry, registry_of

Expected = int | None | Literal["any"]
"""For compare-and-set: the revision an alias must point at, None for no alias yet, or `any`."""


class PromptService:
    """One database and one blob store. Thread-safe; connections are pooled.

    Args:
        settings: by default those of the current folder.

    Raises:
        ConfigError: a setting is wrong. The database is opened, and its schema checked, at the first use.
    """

    def __init__(self, settings: AppSettings | None = None) -> None:
        self.settings = settings or load_settings()
        self._registry = registry_of(self.settings)
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

    # Lookups

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

    # Versions

    def register_spec(self, name: str, spec: PromptSpec | Mapping[str, Any]) -> Registered:
        """Add a version unless the newest one has this content.

        Args:
            name: `namespace/name`.
            spec: a spec, or the fields of a prompt file that names no other files.

        Raises:
            InvalidRef: not a name.
            InvalidPrompts: the spec is not valid.
            Conflict: its `user_version` names other content already.
        """
        from promptdb.sync import register  # here, as in the methods below: lookups need no parser

        return self._register(name, register.content_from_spec(spec))

    def register_text(
        self, name: str, text: str, *, template_format: TemplateFormat = "f-string", **fields: Any
    ) -> Registered:
        """Add a version of a string prompt; `fields` are further fields of a prompt file. Errors as in `register_spec`."""
        return self.register_spec(name, {"template": text, "template_format": template_format, **fields})

    def register_file(self, file: Path | str, name: str | None = None) -> Registered:
        """Add a version from a prompt file anywhere. The files it names must lie under the prompts root if it lies there, else
        in its folder or below.

        Args:
            file: with one of the suffixes of prompt files.
            name: `namespace/name`; without it the name is that of the file, in the namespace `default`.

        Raises:
            InvalidRef, InvalidPrompts, Conflict: as in `register_spec`.
            StorageError: the file cannot be read.
        """
        from promptdb.sync import register

        path = Path(file)
        return self._register(path.stem if name is None else name, register.content_from_file(path, self.settings))

    def export_to_file(self, ref: str, file: Path | str, *, overwrite: bool = False) -> list[Path]:
        """Write a version as a prompt file, with its fragments and assets beside it. Read again, it has the same digest.

        Args:
            file: its suffix decides the form; `.bundle.json` and `.zip` are for `promptdb import`.
            overwrite: replace files that are there and differ.

        Returns:
            The files that were written.

        Raises:
            NotFound: there is no such version.
            ConfigError: the suffix cannot hold this prompt.
            StorageError: a file is there already or cannot be written, or a blob is missing.
            IntegrityFailure: a blob does not have its digest; nothing is written.
        """
        from promptdb.sync import export
        from promptdb.transfer import export as transfer

        prompt, target = self.resolve(ref), Path(file)
        if transfer.is_bundle(target):
            return [transfer.export_version(self.registry, prompt.version, target, overwrite=overwrite)]
        return export.write_files(prompt.spec, prompt.open_blob, target, overwrite=overwrite)

    # Aliases

    def promote(
        self,
        ref: str,
        alias: str,
        *,
        expected: Expected = "any",
        reason: str | None = None,
        dry_run: bool = False,
        allow_breaking: bool = False,
    ) -> Move:
        """Point an alias at what a reference gives; with `dry_run` only say what would move, or why not.

        With `allow_breaking`, a protected alias is moved although that breaks its callers, and its history says what.

        Raises:
            InvalidRef: the reference or the alias is malformed.
            NotFound: there is no such version.
            Conflict: the alias does not point at `expected`, or was moved at the same time.
            Guard: the alias is protected, and what it points at now has a contract that the new version breaks.
        """
        target = self.find(PromptRef.parse(ref)).view
        if not target.is_recorded:
            hint = "an alias needs a version: sync that commit first, with 'promptdb sync --rev'"
            raise VersionNotFound(f"no sync has recorded what {ref} names", hint)
        exact = PromptRef(target.prompt, ByRevision(target.revision), ref)
        move = aliases.decide_promotion(self.registry, exact, alias)
        return self._perform(move, expected, reason, dry_run=dry_run, allow_breaking=allow_breaking)

    def promote_all(
        self, source: str, alias: str, *, dry_run: bool = False, reason: str | None = None, allow_breaking: bool = False
    ) -> list[Move]:
        """Point `alias` where `source` points, for every prompt that has it, in one transaction. Arguments as in `promote`.

        Returns:
            The moves that change something.

        Raises:
            InvalidRef, NotFound, Conflict, Guard: as in `promote`.
        """
        moves = aliases.decide_all(self.registry, source, alias)
        return aliases.perform(self.registry, moves, reason, dry_run=dry_run, allow_breaking=allow_breaking)

    def rollback(self, prompt: str, alias: str, *, expected: Expected = "any", reason: str | None = None) -> Move:
        """Return an alias to its previous target: always allowed, and its history says what that breaks for newer callers.

        Raises:
            InvalidRef, NotFound, Conflict: as in `promote`.
        """
        return self._perform(aliases.decide_rollback(self.registry, PromptId.parse(prompt), alias), expected, reason)

    def delete_alias(self, prompt: str, alias: str, *, expected: Expected = "any", reason: str | None = None) -> Move:
        """Remove an alias; its history stays. Errors as in `promote`."""
        return self._perform(aliases.decide_deletion(self.registry, PromptId.parse(prompt), alias), expected, reason)

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

    def _perform(self, move: Move, expected: Expected, reason: str | None, **options: bool) -> Move:
        if expected != "any":
            aliases.require_expected(move, expected)
        return next(iter(aliases.perform(self.registry, [move], reason, **options)), move)

    def _register(self, name: str, content: Content) -> Registered:
        prompt = PromptId.parse(name)
        desired = Desired(prompt, content.digest, None, content.user_version)
        applied = apply(self.registry, [desired], lambda _: content)
        actions = {change.action for change in applied.plan.changes}
        created = bool(actions & {Action.CREATE, Action.UPDATE})
        return Registered(self._version_with(prompt, desired), created, Action.REVIVE in actions)

    @retried
    def _version_with(self, prompt: PromptId, desired: Desired) -> PromptVersionView:
        ref = PromptRef.parse(f"{prompt}:{desired.digest}")
        with reading(self.registry.engine) as connection:
            return find_version(connection, ref).view

    def _name(self, connection: sa.Connection, prompt: str) -> PromptId:
        return existing_name(connection, PromptId.parse(prompt))
