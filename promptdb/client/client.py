"""`PromptClient`: what an application holds. Look prompts up, render them, register new versions."""

import logging
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from promptdb.client.sources import DatabaseSource, Source
from promptdb.domain.identity import PromptId
from promptdb.domain.refs import PromptRef
from promptdb.domain.spec import PromptSpec, TemplateFormat
from promptdb.domain.views import PromptVersionView, StoredVersion
from promptdb.render.resolved import PromptRenderResult, ResolvedPrompt, resolved
from promptdb.service import PromptService
from promptdb.settings import AppSettings

_log = logging.getLogger("promptdb")


class PromptClient:
    """Thread-safe: one client serves a whole process. Use it as a context manager, or call `close`.

    A prompt that was renamed is found by its old name, and the logger `promptdb` warns of that, once for each name.

    Args:
        service: the registry to read and to write.
        source: where lookups go; the service's database by default.
    """

    def __init__(self, service: PromptService, source: Source | None = None) -> None:
        self._service = service
        self._source: Source = source or DatabaseSource(service)
        self._told_renamed: set[PromptId] = set()

    @classmethod
    def from_env(cls) -> Self:
        """A client for the settings of the environment and the current folder (docs/settings.md).

        Raises:
            ConfigError: a setting is wrong.
        """
        return cls(PromptService())

    @classmethod
    def from_settings(cls, settings: AppSettings) -> Self:
        return cls(PromptService(settings))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the database connections back."""
        self._service.close()

    def get(self, ref: str) -> ResolvedPrompt:
        """The version a reference names, ready to render.

        Args:
            ref: `namespace/name[:selector]`, for example `support/triage:production`.

        Raises:
            InvalidRef: the text is not a reference.
            NotFound: there is no such prompt or version; the hint says what there is.
            StorageError: the database cannot be reached.
        """
        return resolved(ref, self._find(ref))

    def resolve(self, ref: str) -> PromptVersionView:
        """Which version a reference names now. Errors as in `get`."""
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
        """The versions of a prompt, the newest first.

        Raises:
            PromptNotFound: there is no such prompt.
        """
        return self._service.list_versions(prompt, limit)

    def register_text(
        self, name: str, text: str, *, template_format: TemplateFormat = "f-string", **fields: Any
    ) -> PromptVersionView:
        """Add a version of a string prompt unless the newest one has this content.

        Args:
            name: `namespace/name`.
            text: the template.
            template_format: how to read it.
            fields: further fields of a prompt file, such as `variables` and `metadata`.

        Raises:
            InvalidRef: not a name.
            InvalidPrompts: the prompt is not valid.
            Conflict: its `user_version` names other content already.
        """
        return self._service.register_text(name, text, template_format=template_format, **fields).version

    def register_spec(self, name: str, spec: PromptSpec | Mapping[str, Any]) -> PromptVersionView:
        """The same for a spec, or for the fields of a prompt file. Errors as in `register_text`."""
        return self._service.register_spec(name, spec).version

    def register_file(self, file: Path | str, name: str | None = None) -> PromptVersionView:
        """The same for a prompt file; without `name` it has the file's, in the namespace `default`.

        Raises:
            StorageError: the file cannot be read.
            InvalidRef, InvalidPrompts, Conflict: as in `register_text`.
        """
        return self._service.register_file(file, name).version

    def export_to_file(self, ref: str, file: Path | str, *, overwrite: bool = False) -> list[Path]:
        """Write a version as a prompt file, with its fragments and assets beside it; see `PromptService.export_to_file`."""
        return self._service.export_to_file(ref, file, overwrite=overwrite)
