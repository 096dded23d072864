"""`PromptService`: what every door to the registry can do. The CLI, the client and servers call it and choose the words."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from promptdb.db.engine import reading
from promptdb.db.lookup import find_version
from promptdb.db.retry import retried
from promptdb.domain.aliases import AliasMove, AliasTarget
from promptdb.domain.identity import PromptId
from promptdb.domain.plan import Action, Desired
from promptdb.domain.refs import PromptRef
from promptdb.domain.spec import PromptSpec, TemplateFormat
from promptdb.domain.views import PromptVersionView, Registered
from promptdb.errors import VersionNotFound
from promptdb.lookups import PromptLookups
from promptdb.sync import aliases
from promptdb.sync.apply import apply
from promptdb.sync.content import Content

Expected = int | None | Literal["any"]
"""For compare-and-set: the revision an alias must point at, None for no alias yet, or `any`."""


class PromptService(PromptLookups):
    """One database and one blob store, to look up, register, export and promote. Thread-safe; connections are pooled.

    Args:
        settings: by default those of the current folder.
        sharing: is told when the first write begins in a blob store that other registries have marked.

    Raises:
        ConfigError: a setting is wrong. The database is opened, and its schema checked, at the first use.
    """

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
