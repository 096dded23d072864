"""`PromptService`: the verbs of one registry. Every door calls it and chooses the words."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Literal

import sqlalchemy as sa

from promptdb.blobs.store import BlobStore
from promptdb.domain.aliases import AliasMove, AliasTarget
from promptdb.domain.plan import Action, Desired
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import ByCommit, PromptRef, parse_alias
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
from promptdb.errors import NotFound, VersionNotFound
from promptdb.project.content import Content
from promptdb.registry import aliases
from promptdb.registry.reader import RegistryReader
from promptdb.registry.stores import Registry, Sharing
from promptdb.render.resolved import ResolvedPrompt, resolved
from promptdb.settings import AppSettings, load_settings
from promptdb.sync.alias_moves import Pointing
from promptdb.sync.apply import apply

Expected = int | None | Literal["any"]
"""For compare-and-set: the revision an alias must point at, None for no alias yet, or `any`."""


class PromptService:
    """Looks up, registers, exports and promotes prompts in one registry. Thread-safe; connections are pooled.

    Args:
        settings: name the database and the blob store; by default those of the current folder.
        sharing: called when the first write begins in a blob store that other registries have marked.
        reader: a reader of the same stores, by default a new one.

    Raises:
        ConfigError: a setting is wrong. The database is opened, and its schema checked, at the first use.
    """

    def __init__(
        self,
        settings: AppSettings | None = None,
        sharing: Sharing | None = None,
        *,
        reader: RegistryReader | None = None,
    ) -> None:
        self.settings = settings or load_settings()
        self.reader = reader or RegistryReader.of(self.settings, sharing)

    @property
    def registry(self) -> Registry:
        """The stores, ready to read and write. Errors as in `RegistryReader.registry`."""
        return self.reader.registry

    @property
    def engine(self) -> sa.Engine:
        """The database; nothing is connected before the first use."""
        return self.reader.stores.engine

    @property
    def blobs(self) -> BlobStore:
        """The blob store, likewise."""
        return self.reader.stores.blobs

    def close(self) -> None:
        """Return the database connections."""
        self.reader.close()

    # Lookups

    def get(self, ref: str) -> ResolvedPrompt:
        """Find the version that a reference names, ready to render.

        Args:
            ref: `namespace/name[:selector]`, for example `support/triage:production`.

        Raises:
            InvalidRef: the text is not a reference.
            NotFound: there is no such prompt or version; the hint says what there is.
        """
        return resolved(ref, self.find(PromptRef.parse(ref)))

    def resolve(self, ref: str) -> PromptVersionView:
        """Find the version that a reference names now. Errors as in `get`."""
        return self.find(PromptRef.parse(ref)).view

    def find(self, ref: PromptRef) -> StoredVersion:
        """Find a version as it is stored. A commit that no sync has recorded is read from the repository around us.

        Raises:
            NotFound: there is no such prompt or version; the hint says what there is.
        """
        try:
            return self.reader.find(ref)
        except NotFound as error:
            if not isinstance(ref.selector, ByCommit):
                raise
            from promptdb.sync.from_git import find_in_repository

            return find_in_repository(self.reader, self.settings, ref, error)

    def list_prompts(self, pattern: str | None = None, *, archived: bool = False) -> list[PromptSummary]:
        """List prompts by name; see `RegistryReader`, as for all lists."""
        return self.reader.list_prompts(pattern, archived=archived)

    def list_versions(self, prompt: str, limit: int | None = None) -> list[PromptVersionView]:
        """List the versions of a prompt, the newest first."""
        return self.reader.list_versions(prompt, limit)

    def log(self, prompt: str, limit: int | None = None) -> list[LogEntry]:
        """List the versions of a prompt with their sources and aliases."""
        return self.reader.log(prompt, limit)

    def assets(self, version: PromptVersionView) -> list[AssetView]:
        """List the blobs of a version."""
        return self.reader.assets(version)

    def asset(self, version: PromptVersionView, path: str) -> BinaryIO:
        """Open an asset of a recorded version; see `RegistryReader.asset`."""
        return self.reader.asset(version, path)

    def aliases(self, prompt: str | None = None) -> list[AliasView]:
        """List the aliases of one prompt, or of all."""
        return self.reader.aliases(prompt)

    def alias_log(self, prompt: str, alias: str | None = None) -> list[AliasEventView]:
        """List the moves of a prompt's aliases, the newest first."""
        return self.reader.alias_log(prompt, alias)

    # Versions

    def register_spec(
        self, name: str, spec: PromptSpec | Mapping[str, Any], *, alias: Pointing | str | None = None
    ) -> Registered:
        """Add a version unless the newest one has this content.

        Args:
            name: `namespace/name`.
            spec: a spec, or the fields of a prompt file that names no other files.
            alias: an alias to point at the version, in the same transaction.

        Raises:
            InvalidRef: not a name, or not an alias.
            InvalidPrompts: the spec is not valid.
            Conflict: its `user_version` names other content already.
            Guard: the alias is protected, and the version breaks its callers.
        """
        from promptdb.project import single_file  # here, as in the methods below, since lookups need no parser

        return self._register(name, single_file.content_from_spec(spec), alias)

    def register_text(
        self,
        name: str,
        text: str,
        *,
        alias: Pointing | str | None = None,
        template_format: TemplateFormat = "f-string",
        **fields: Any,
    ) -> Registered:
        """Add a version of a string prompt; `fields` are further fields of a prompt file. Errors as in `register_spec`."""
        return self.register_spec(name, {"template": text, "template_format": template_format, **fields}, alias=alias)

    def register_file(
        self, file: Path | str, name: str | None = None, *, alias: Pointing | str | None = None
    ) -> Registered:
        """Add a version from a prompt file anywhere.

        The files it names must lie under the prompts root if it lies there, otherwise in its folder or below.

        Args:
            file: with one of the suffixes of prompt files.
            name: `namespace/name`; without it the name is that of the file, in the namespace `default`.
            alias: an alias to point at the version, in the same transaction.

        Raises:
            InvalidRef, InvalidPrompts, Conflict, Guard: as in `register_spec`.
            StorageError: the file cannot be read.
        """
        from promptdb.project import single_file

        path = Path(file)
        content = single_file.content_from_file(path, self.settings)
        return self._register(path.stem if name is None else name, content, alias)

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
        from promptdb.project.edits import write_version
        from promptdb.transfer import export as transfer

        prompt, target = self.get(ref), Path(file)
        if transfer.is_bundle(target):
            return [transfer.export_version(self.registry, prompt.version, target, overwrite=overwrite)]
        return write_version.write_files(prompt.spec, prompt.open_blob, target, overwrite=overwrite)

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
    ) -> AliasMove:
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
        version = AliasTarget(target.revision, target.id)
        move = aliases.decide_promotion(self.registry, target.prompt, version, alias)
        return self._perform(move, expected, reason, dry_run=dry_run, allow_breaking=allow_breaking)

    def promote_all(
        self, source: str, alias: str, *, dry_run: bool = False, reason: str | None = None, allow_breaking: bool = False
    ) -> list[AliasMove]:
        """Point `alias` where `source` points, for every prompt that has it, in one transaction. Arguments as in `promote`.

        Returns:
            The moves that change something.

        Raises:
            InvalidRef, NotFound, Conflict, Guard: as in `promote`.
        """
        moves = aliases.decide_all(self.registry, source, alias)
        return aliases.perform(self.registry, moves, reason, dry_run=dry_run, allow_breaking=allow_breaking)

    def rollback(self, prompt: str, alias: str, *, expected: Expected = "any", reason: str | None = None) -> AliasMove:
        """Return an alias to its previous target: always allowed, and its history says what that breaks for newer callers.

        Raises:
            InvalidRef, NotFound, Conflict: as in `promote`.
        """
        return self._perform(aliases.decide_rollback(self.registry, PromptId.parse(prompt), alias), expected, reason)

    def delete_alias(
        self, prompt: str, alias: str, *, expected: Expected = "any", reason: str | None = None
    ) -> AliasMove:
        """Remove an alias; its history stays. Errors as in `promote`."""
        return self._perform(aliases.decide_deletion(self.registry, PromptId.parse(prompt), alias), expected, reason)

    def _perform(self, move: AliasMove, expected: Expected, reason: str | None, **options: bool) -> AliasMove:
        if expected != "any":
            aliases.require_expected(move, expected)
        return next(iter(aliases.perform(self.registry, [move], reason, **options)), move)

    def _register(self, name: str, content: Content, alias: Pointing | str | None) -> Registered:
        prompt = PromptId.parse(name)
        desired = Desired(prompt, content.digest, None, content.user_version)
        pointing = Pointing(alias) if isinstance(alias, str) else alias
        if pointing is not None:
            parse_alias(pointing.alias)
            aliases.require_storable(pointing.reason)
        applied = apply(self.registry, [desired], lambda _: content, pointing=pointing)
        actions = {change.action for change in applied.plan.changes}
        created = bool(actions & {Action.CREATE, Action.UPDATE})
        return Registered(self.resolve(f"{prompt}:{desired.digest}"), created, Action.REVIVE in actions)
