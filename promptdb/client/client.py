"""The client of an application: looks up prompts, renders them and registers new versions."""

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
    """A thread-safe client: one serves a whole process. Use it as a context manager, or call `close`.

    Finds a renamed prompt by its old name too. The logger `promptdb` then warns once for each old name.

    Args:
        source: the place that prompts come from.
    """

    def __init__(self, source: Source, *, ttl: float = TTL, max_stale: float | None = None) -> None:
        self._source = source
        self._lookups = Lookups(source, ttl, max_stale)
        self._warned: set[PromptId] = set()

    @classmethod
    def from_env(cls) -> Self:
        """Make a client for the settings of the environment and the current folder (docs/settings.md).

        Raises:
            ConfigError: a setting is wrong.
        """
        return cls.from_settings(None)

    @classmethod
    def from_settings(cls, settings: "AppSettings | None") -> Self:
        """Make a client for these settings, or for those of `from_env` if None. Errors as in `from_env`."""
        # Other sources do without SQLAlchemy.
        from promptdb.client.sources.database import DatabaseSource

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
            NotFound: there is no such prompt or version. The hint names similar or existing ones.
            StorageError: the source cannot be reached.
        """
        return resolved(ref, self._find(ref))

    def resolve(self, ref: str) -> PromptVersionView:
        """Find the version that a reference names now. Errors as in `get`."""
        return self._find(ref).view

    def _find(self, ref: str) -> StoredVersion:
        parsed = PromptRef.parse(ref)
        found = self._source.find(parsed)
        if found.view.prompt != parsed.prompt and parsed.prompt not in self._warned:
            self._warned.add(parsed.prompt)
            _log.warning("prompt %s is now %s: use the new name", parsed.prompt, found.view.prompt)
        return found

    def render(self, ref: str, variables: Mapping[str, Any] | None = None, /, **more: Any) -> PromptRenderResult:
        """Find and render a version.

        Args:
            ref: as in `get`.
            variables: values by name.
            more: values by keyword, which win over `variables`.

        Raises:
            MissingVariables: required values are missing. The message names all of them.
            RenderError: a value does not fit the contract or the template.
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
        """Register a version of a string prompt, unless the newest version has the same content.

        Args:
            name: `namespace/name`.
            text: the template.
            alias: an alias to point to the version, in the same transaction.
            template_format: the template language of the text.
            fields: other fields of a prompt file, such as `variables` and `metadata`.

        Raises:
            InvalidRef: the name or the alias is not valid.
            InvalidPrompts: the prompt is not valid.
            Conflict: another version has the same `user_version`.
            Guard: the alias is protected, and the version would break its callers.
            ConfigError: the source is read-only.
        """
        registered = self._service.register_text(name, text, alias=alias, template_format=template_format, **fields)
        return registered.version

    def register_spec(
        self, name: str, spec: PromptSpec | Mapping[str, Any], *, alias: str | None = None
    ) -> PromptVersionView:
        """Register a version from a spec, or from the fields of a prompt file. Errors as in `register_text`."""
        return self._service.register_spec(name, spec, alias=alias).version

    def register_file(
        self, file: Path | str, name: str | None = None, *, alias: str | None = None
    ) -> PromptVersionView:
        """Register a version from a prompt file. The default name is that of the file, in the namespace `default`.

        Raises:
            StorageError: the file cannot be read.
            InvalidRef, InvalidPrompts, Conflict, Guard, ConfigError: as in `register_text`.
        """
        return self._service.register_file(file, name, alias=alias).version

    def export_to_file(self, ref: str, file: Path | str, *, overwrite: bool = False) -> list[Path]:
        """Write a version as a prompt file, with its fragments and assets. Errors as in `PromptService.export_to_file`."""
        return self._service.export_to_file(ref, file, overwrite=overwrite)

    @property
    def _service(self) -> "PromptService":
        if not isinstance(self._source, WritableSource):
            raise ConfigError("this client only reads prompts", "use the source 'database' to register and export")
        return self._source.service
