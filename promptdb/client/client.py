"""`PromptClient`: the object that an application holds to look prompts up, render them and register new versions."""

import logging
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from promptdb.client.source import Source, WritableSource
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import PromptRef
from promptdb.domain.spec import PromptSpec, TemplateFormat
from promptdb.domain.views import PromptVersionView, StoredVersion
from promptdb.errors import ConfigError
from promptdb.render.resolved import PromptRenderResult, ResolvedPrompt, resolved

if TYPE_CHECKING:
    from promptdb.service import PromptService
    from promptdb.settings import AppSettings

_log = logging.getLogger("promptdb")


class PromptClient:
    """Thread-safe: one client serves a whole process. Use it as a context manager, or call `close`.

    A prompt that was renamed is found by its old name, and the logger `promptdb` warns of that, once for each name.

    Args:
        source: where prompts come from.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._told_renamed: set[PromptId] = set()

    @classmethod
    def from_env(cls) -> Self:
        """Make a client for the settings of the environment and the current folder (docs/settings.md).

        Raises:
            ConfigError: a setting is wrong.
        """
        return cls.from_settings(None)

    @classmethod
    def from_settings(cls, settings: "AppSettings | None") -> Self:
        """Make a client for some settings; None stands for those of `from_env`. Errors as there."""
        from promptdb.client.sources.database import DatabaseSource  # with SQLAlchemy, which other sources do without

        return cls(DatabaseSource(settings))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the connections of the source."""
        self._source.close()

    def get(self, ref: str) -> ResolvedPrompt:
        """Find the version that a reference names, ready to render.

        Args:
            ref: `namespace/name[:selector]`, for example `support/triage:production`.

        Raises:
            InvalidRef: the text is not a reference.
            NotFound: there is no such prompt or version; the hint says what there is.
            StorageError: the source cannot be reached.
        """
        return resolved(ref, self._find(ref))

    def resolve(self, ref: str) -> PromptVersionView:
        """Find the version that a reference names now. Errors as in `get`."""
        return self._find(ref).view

    def _find(self, ref: str) -> StoredVersion:
        parsed = PromptRef.parse(ref)
        found = self._source.find(parsed)
        if found.view.prompt != parsed.prompt and parsed.prompt not in self._told_renamed:
            self._told_renamed.add(parsed.prompt)
            _log.warning("prompt %s is now %s: use the new name", parsed.prompt, found.view.prompt)
        return found

    def render(self, ref: str, variables: Mapping[str, Any] | None = None, /, **more: Any) -> PromptRenderResult:
        """Look up and render in one go.

        Args:
            ref: as in `get`.
            variables: values by name.
            more: values too; they win.

        Raises:
            MissingVariables: naming all that are missing.
            RenderError: a value does not fit.
            InvalidRef, NotFound, StorageError: as in `get`.
        """
        return self.get(ref).render(variables, **more)

    def list_versions(self, prompt: str, limit: int | None = None) -> list[PromptVersionView]:
        """List the versions of a prompt, the newest first.

        Raises:
            PromptNotFound: there is no such prompt.
        """
        return self._source.list_versions(prompt, limit)

    def register_text(
        self,
        name: str,
        text: str,
        *,
        alias: str | None = None,
        template_format: TemplateFormat = "f-string",
        **fields: Any,
    ) -> PromptVersionView:
        """Add a version of a string prompt unless the newest one has this content.

        Args:
            name: `namespace/name`.
            text: the template.
            alias: an alias to point at the version, in the same transaction.
            template_format: how to read the text.
            fields: further fields of a prompt file, such as `variables` and `metadata`.

        Raises:
            InvalidRef: not a name, or not an alias.
            InvalidPrompts: the prompt is not valid.
            Conflict: its `user_version` names other content already.
            Guard: the alias is protected, and the version breaks its callers.
            ConfigError: the source cannot write.
        """
        registered = self._service.register_text(name, text, alias=alias, template_format=template_format, **fields)
        return registered.version

    def register_spec(
        self, name: str, spec: PromptSpec | Mapping[str, Any], *, alias: str | None = None
    ) -> PromptVersionView:
        """Add a version from a spec, or from the fields of a prompt file. Errors as in `register_text`."""
        return self._service.register_spec(name, spec, alias=alias).version

    def register_file(
        self, file: Path | str, name: str | None = None, *, alias: str | None = None
    ) -> PromptVersionView:
        """Add a version from a prompt file; without `name` it has the file's, in the namespace `default`.

        Raises:
            StorageError: the file cannot be read.
            InvalidRef, InvalidPrompts, Conflict, Guard, ConfigError: as in `register_text`.
        """
        return self._service.register_file(file, name, alias=alias).version

    def export_to_file(self, ref: str, file: Path | str, *, overwrite: bool = False) -> list[Path]:
        """Write a version as a prompt file, with its fragments and assets beside it; see `PromptService.export_to_file`."""
        return self._service.export_to_file(ref, file, overwrite=overwrite)

    @property
    def _service(self) -> "PromptService":
        if not isinstance(self._source, WritableSource):
            raise ConfigError("this client only reads prompts", "use the source 'database' to register and export")
        return self._source.service
