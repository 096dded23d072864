"""The client of an application: looks up prompts, renders them and registers new versions."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from promptdb.errors import ConfigError, InvalidRef, PromptDBError

if TYPE_CHECKING:
    from promptdb.client.health import Listener
    from promptdb.client.source import Source
    from promptdb.client.sources.code import Fallback
    from promptdb.domain.delivery import Status
    from promptdb.domain.spec import PromptSpec, TemplateFormat
    from promptdb.domain.views import PromptVersionView
    from promptdb.render.resolved import PromptMaker, PromptRenderResult, ResolvedPrompt
    from promptdb.service import PromptService
    from promptdb.settings import AppSettings

TTL = 30.0

_MAX_DEFAULTS = 1000
"""The most fallbacks that a client keeps ready. References may come from users."""


class PromptClient:
    """A thread-safe client: one serves a whole process. Use it as a context manager, or call `close`.

    Answers come from memory. A thread asks the source what has changed, and a lookup waits for the source only if its answer is
    not there. While the source fails, lookups give what there is, and say so: see `ResolvedPrompt.reason`.

    Finds a renamed prompt by its old name too. The logger `promptdb` then warns once for each old name.

    Args:
        source: the place that prompts come from.
        ttl: the seconds for which an answer that can change counts as fresh.
        max_stale: the seconds for which it is served while the source fails. By default there is no limit.
        enable_otel: report lookups, requests and renders to OpenTelemetry.

    Raises:
        MissingExtra: `enable_otel` without the package of OpenTelemetry.
    """

    def __init__(
        self, source: "Source", *, ttl: float = TTL, max_stale: float | None = None, enable_otel: bool = False
    ) -> None:
        # Here, so that a program which only names this class does not pay for it.
        from promptdb.client.lookups import Lookups

        self._source = source
        self._defaults: dict[str, tuple[Fallback, ResolvedPrompt]] = {}
        self._make: PromptMaker | None = None
        if not enable_otel:
            self._lookups = Lookups(source, ttl, max_stale)
            return
        from promptdb.client.telemetry import MeasuredSource, observe, traced

        self._make = traced
        self._lookups = Lookups(MeasuredSource(source), ttl, max_stale, traced)
        observe(self, self._lookups)

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
        from promptdb.client.sources.choice import chosen

        choice = chosen(settings)
        return cls(choice.source, ttl=choice.ttl, max_stale=choice.max_stale, enable_otel=choice.enable_otel)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the thread, and release the connections of the source."""
        self._lookups.close()
        self._source.close()

    # State

    def status(self) -> "Status":
        """Report whether the source answers, and whether there is anything to serve."""
        return self._lookups.health.status

    def wait_ready(self, timeout: float = 5.0) -> None:
        """Wait until the source has answered. In a chain, a snapshot counts: `ResolvedPrompt.source` says which one it was.

        Args:
            timeout: seconds.

        Raises:
            PromptDBError: the source did not answer in time, or failed for a reason that does not pass by itself, such as a
                wrong setting. The message says what is missing.
        """
        self._lookups.start()
        self._lookups.health.wait(timeout)

    def on_change(self, listener: "Listener") -> None:
        """Call a function whenever the status changes, or references that were looked up give another version.

        It is called in a thread of the client, and must not wait for long.
        """
        self._lookups.health.listeners.append(listener)

    # Lookups

    def get(self, ref: str, *, key: str | None = None, fallback: "Fallback | None" = None) -> "ResolvedPrompt":
        """Find the version that a reference names, ready to render.

        Args:
            ref: `namespace/name[:selector]`, for example `support/triage:production`.
            key: identifies a user, a session or the like, where the alias has a traffic split. An equal key gets an equal arm
                everywhere. The result has the reason SPLIT. Without a key, the control answers.
            fallback: an f-string, the fields of a prompt file, or a spec, for when the source has no answer. The result has the
                reason DEFAULT.

        Raises:
            InvalidRef: the text is not a reference.
            InvalidPrompts: the fallback was needed, and is not a valid prompt.
            NotFound: there is no such prompt or version, and no fallback. The hint names similar or existing ones.
            StorageError: the source cannot be reached, the answer is not in memory, and there is no fallback.
            TypeError: the key is not text.
        """
        found = self._lookups.at_hand(ref) if key is None else self._at_hand(ref, key)
        if found is not None:
            return found
        if fallback is None:
            return self._lookups.fetch(ref, key)
        try:
            return self._lookups.fetch(ref, key)
        except InvalidRef:
            raise
        except PromptDBError:
            return self._default(ref, fallback)

    def at_hand(self, ref: str, key: str | None = None) -> "ResolvedPrompt | None":
        """Answer from memory, as `get` would. Return None where `get` would ask the source."""
        return self._at_hand(ref, key)

    def _at_hand(self, ref: str, key: str | None) -> "ResolvedPrompt | None":
        if key is None:
            return self._lookups.at_hand(ref)
        if type(key) is not str:
            from promptdb.domain.prompt_id import require_text

            # Also where no split needs it yet.
            require_text(key, "a key is text, such as the id of a user")
        return self._lookups.at_hand_for(ref, key)

    def preload(self, alias: str = "production", namespace: str | None = None) -> int:
        """Read the versions of an alias in one request, so that later lookups of `namespace/name:ALIAS` do not wait.

        Args:
            alias: an alias, or `latest`.
            namespace: read only the prompts in this namespace and below it.

        Returns:
            How many prompts have the alias.

        Raises:
            InvalidRef: no alias can have this name.
            StorageError: the source cannot be reached.
        """
        from promptdb.domain.refs import parse_alias

        return self._lookups.preload(alias if alias == "latest" else parse_alias(alias), namespace)

    def _default(self, ref: str, fallback: "Fallback") -> "ResolvedPrompt":
        from promptdb.client.sources.code import fallback_prompt

        made = self._defaults.get(ref)
        if made is None or made[0] != fallback:
            if len(self._defaults) >= _MAX_DEFAULTS:
                self._defaults.clear()
            # A copy, because the caller may change the fields.
            made = self._defaults[ref] = (deepcopy(fallback), fallback_prompt(ref, fallback, self._make))
        return made[1]

    def resolve(self, ref: str) -> "PromptVersionView":
        """Find the version that a reference names now. Errors as in `get`."""
        return self.get(ref).version

    def get_many(self, refs: Iterable[str], *, key: str | None = None) -> "dict[str, ResolvedPrompt]":
        """Find the versions of several references. One request finds all that are not in memory.

        The key is that of all of them. Errors as in `get`.
        """
        names = listed(refs)
        missing = [ref for ref in dict.fromkeys(names) if self._at_hand(ref, key) is None]
        found = self._lookups.fetch_many(missing, key) if len(missing) > 1 else {}
        return {ref: found.get(ref) or self.get(ref, key=key) for ref in names}

    def render(self, ref: str, variables: Mapping[str, Any] | None = None, /, **more: Any) -> "PromptRenderResult":
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

    def list_versions(self, prompt: str, limit: int | None = None) -> "list[PromptVersionView]":
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
        template_format: "TemplateFormat" = "f-string",
        **fields: Any,
    ) -> "PromptVersionView":
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
        self._lookups.confirm()
        return registered.version

    def register_spec(
        self, name: str, spec: "PromptSpec | Mapping[str, Any]", *, alias: str | None = None
    ) -> "PromptVersionView":
        """Register a version from a spec, or from the fields of a prompt file. Errors as in `register_text`."""
        registered = self._service.register_spec(name, spec, alias=alias)
        self._lookups.confirm()
        return registered.version

    def register_file(
        self, file: Path | str, name: str | None = None, *, alias: str | None = None
    ) -> "PromptVersionView":
        """Register a version from a prompt file. Its default name is that in the prompts root, or else that of the file.

        Raises:
            StorageError: the file cannot be read.
            InvalidRef, InvalidPrompts, Conflict, Guard, ConfigError: as in `register_text`.
        """
        registered = self._service.register_file(file, name, alias=alias)
        self._lookups.confirm()
        return registered.version

    def export_to_file(self, ref: str, file: Path | str, *, overwrite: bool = False) -> list[Path]:
        """Write a version as a prompt file, with its fragments and assets. Errors as in `PromptService.export_to_file`."""
        return self._service.export_to_file(ref, file, overwrite=overwrite)

    @property
    def _service(self) -> "PromptService":
        from promptdb.client.source import WritableSource

        if not isinstance(self._source, WritableSource):
            raise ConfigError("this client only reads prompts", "use the source 'database' to register and export")
        return self._source.service


def listed(refs: Iterable[str]) -> list[str]:
    """List references. Raise TypeError for one text, whose characters would be references too."""
    if isinstance(refs, str):
        raise TypeError(f"several references are a list such as ['support/triage:production'], not the text {refs!r}")
    return list(refs)
