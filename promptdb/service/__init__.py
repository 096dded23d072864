"""`PromptService`: the operations on one registry, for the command line, clients and other programs."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Self

import sqlalchemy as sa

from promptdb.blobs.store import BlobStore
from promptdb.domain.plan import Action, Desired
from promptdb.domain.prompt_id import PromptId, require_text
from promptdb.domain.refs import ByCommit, PromptRef
from promptdb.domain.spec import PromptSpec, TemplateFormat
from promptdb.domain.views import (
    AliasEventView,
    AliasView,
    AssetView,
    BlameEntry,
    LogEntry,
    PromptSummary,
    PromptVersionView,
    Registered,
    StoredVersion,
)
from promptdb.errors import NotFound
from promptdb.project.content import Content
from promptdb.project.placing import name_of_file, text_defaults
from promptdb.registry.reader import RegistryReader
from promptdb.registry.stores import Registry, Sharing
from promptdb.render.resolved import ResolvedPrompt, resolved_for
from promptdb.service.alias_verbs import AliasVerbs
from promptdb.settings import AppSettings, load_settings
from promptdb.sync.alias_moves import PointingLike, pointing_of
from promptdb.sync.apply import apply_prompt


class PromptService(AliasVerbs):
    """Looks up, registers, exports and promotes prompts in one registry. Thread-safe; connections are pooled.

    The first use opens the database. Only `register_*` creates a missing SQLite file. Close it, or use it in a `with`.

    Args:
        settings: name the database and the blob store. The default reads the settings of the current folder.
        sharing: called before the first write into a blob store that other registries use.
        reader: a reader of the same stores. The default is a new one.

    Raises:
        ConfigError: a setting is wrong.
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
        """The stores, with their schema checked. Errors as in `Registry.ready`."""
        return self.reader.registry

    @property
    def engine(self) -> sa.Engine:
        """The database. It is connected at the first use."""
        return self.reader.stores.engine

    @property
    def blobs(self) -> BlobStore:
        """The blob store. It is connected at the first use."""
        return self.reader.stores.blobs

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Return the database connections."""
        self.reader.close()

    # Lookups

    def get(self, ref: str, *, key: str | None = None) -> ResolvedPrompt:
        """Find the version that a reference names, ready to render.

        Args:
            ref: `namespace/name[:selector]`, for example `support/triage:production`.
            key: chooses an arm where the alias has a traffic split.

        Raises:
            InvalidRef: `ref` is malformed.
            NotFound: the prompt or version does not exist. The hint lists what does.
        """
        if key is not None:
            require_text(key, "a key is text, such as the id of a user")
        return resolved_for(ref, self.find(PromptRef.parse(ref)), key)

    def resolve(self, ref: str) -> PromptVersionView:
        """Find the version that a reference names, without its content. Errors as in `get`."""
        return self.find(PromptRef.parse(ref)).view

    def find(self, ref: PromptRef) -> StoredVersion:
        """Find a version as it is stored. `git:` also reads commits of the current repository. Errors as in `get`."""
        try:
            return self.reader.find(ref)
        except NotFound as error:
            if not isinstance(ref.selector, ByCommit):
                raise
            from promptdb.sync.from_git import find_in_repository

            return find_in_repository(self.reader, self.settings, ref, error)

    def list_prompts(self, pattern: str | None = None, *, archived: bool = False) -> list[PromptSummary]:
        """List the prompts; see `RegistryReader.list_prompts`."""
        return self.reader.list_prompts(pattern, archived=archived)

    def list_versions(self, prompt: str, limit: int | None = None) -> list[PromptVersionView]:
        """List the versions of a prompt, newest first."""
        return self.reader.list_versions(prompt, limit)

    def log(self, prompt: str, limit: int | None = None) -> list[LogEntry]:
        """List the versions of a prompt with their sources and aliases, newest first."""
        return self.reader.log(prompt, limit)

    def assets(self, version: PromptVersionView) -> list[AssetView]:
        """List the blobs of a version."""
        return self.reader.assets(version)

    def asset(self, version: PromptVersionView, path: str) -> BinaryIO:
        """Open an asset of a recorded version; see `RegistryReader.asset`."""
        return self.reader.asset(version, path)

    def aliases(self, prompt: str | None = None) -> list[AliasView]:
        """List the aliases of one prompt, or of all prompts."""
        return self.reader.aliases(prompt)

    def alias_log(self, prompt: str, alias: str | None = None) -> list[AliasEventView]:
        """List the moves of a prompt's aliases, newest first."""
        return self.reader.alias_log(prompt, alias)

    def blame(self, at: datetime | None = None, prompt: str | None = None) -> list[BlameEntry]:
        """Find what each alias pointed at; see `RegistryReader.blame`."""
        return self.reader.blame(at, prompt)

    # Versions

    def register_spec(
        self, name: str, spec: PromptSpec | Mapping[str, Any], *, alias: PointingLike = None
    ) -> Registered:
        """Add a version, unless the newest version has the same content.

        Args:
            name: `namespace/name`.
            spec: a spec, or the fields of a prompt file that does not refer to other files.
            alias: an alias to point at the version in the same transaction; a `Pointing` adds a reason or allows breaks.

        Raises:
            InvalidRef: `name` or `alias` is malformed.
            InvalidPrompts: the spec is not valid.
            Conflict: its `user_version` already names other content, or `name` is the old name of another prompt.
            Guard: the alias is protected, and the version breaks its callers.
        """
        # Lookups need no parser, so this and the methods below import it when they run.
        from promptdb.project import single_file

        return self._register(PromptId.parse(name), single_file.content_from_spec(spec), alias)

    def register_text(
        self,
        name: str,
        text: str,
        *,
        alias: PointingLike = None,
        template_format: TemplateFormat = "f-string",
        **fields: Any,
    ) -> Registered:
        """Add a version of a text prompt. `fields` are more fields of a prompt file. Errors as in `register_spec`."""
        return self.register_spec(name, {"template": text, "template_format": template_format, **fields}, alias=alias)

    def register_file(self, file: Path | str, name: str | None = None, *, alias: PointingLike = None) -> Registered:
        """Add a version from a prompt file anywhere.

        Files that it refers to must be below the prompts root if it is there, otherwise below its own folder.

        Args:
            file: a path with a suffix of prompt files.
            name: `namespace/name`. The default for a file in the prompts root is its name there, for others that of the file.
            alias: an alias to point at the version in the same transaction; a `Pointing` adds a reason or allows breaks.

        Raises:
            InvalidRef, InvalidPrompts, Conflict, Guard: as in `register_spec`.
            StorageError: the file cannot be read.
        """
        from promptdb.project import single_file

        prompt = name_of_file(Path(file), self.settings) if name is None else PromptId.parse(name)
        return self._register(prompt, single_file.content_from_file(Path(file), self.settings), alias)

    def export_to_file(self, ref: str, file: Path | str, *, overwrite: bool = False) -> list[Path]:
        """Write a version as a prompt file with the same digest, and its fragments and assets beside it.

        Args:
            ref: the version, as in `get`.
            file: the path to write. Its suffix selects the format; `promptdb import` reads `.bundle.json` and `.zip`.
            overwrite: replace existing files that differ.

        Returns:
            The written files.

        Raises:
            NotFound: the version does not exist.
            ConfigError: the format cannot represent this prompt.
            StorageError: a file exists or cannot be written, or a blob is missing.
            IntegrityFailure: a blob does not match its digest; nothing was written.
        """
        from promptdb.project.edits import write_version
        from promptdb.transfer import export as transfer

        prompt, target = self.get(ref), Path(file)
        if transfer.is_bundle(target):
            return [transfer.export_version(self.registry, prompt.version, target, overwrite=overwrite)]
        defaults = text_defaults(target, self.settings)
        return write_version.write_files(prompt.spec, prompt.open_blob, target, defaults, overwrite=overwrite)

    # Aliases: see `AliasVerbs`

    def _register(self, prompt: PromptId, content: Content, alias: PointingLike) -> Registered:
        desired = Desired(prompt, content.digest, None, content.user_version)
        plan = apply_prompt(self.reader.created, desired, content, pointing_of(alias)).plan
        created = plan.count(Action.CREATE) + plan.count(Action.UPDATE) > 0
        return Registered(self.resolve(f"{prompt}:{desired.digest}"), created, plan.count(Action.REVIVE) > 0)
