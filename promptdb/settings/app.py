"""The settings, and how they are loaded: environment variables over a settings file."""

from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, SecretStr, ValidationError

from promptdb.domain.file_rules import FileRules, TextDefaults
from promptdb.domain.layout import Layout, based
from promptdb.domain.nearest import close_matches
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.webhooks.addresses import Network
from promptdb.errors import ConfigError
from promptdb.settings import values as kinds
from promptdb.settings.clients import ServerUrl, Sources, Token
from promptdb.settings.files import CONFIG_FILE, SETTINGS_FILES, find_file, parsed, read_file, table_in
from promptdb.settings.roots import FormerRoot, PromptName, PromptPath, PromptsRoots
from promptdb.settings.variables import PREFIX, TARGET_PREFIX, environment, refuse_misspelt_variables, variable_of

_OF_FILES = (
    *("prompts_root", "chat_folders", "names", "ignored_fields"),
    *("text_format", "text_role", "undefined", "folders"),
)
"""The settings that decide what a prompt file means."""

MAX_ACTOR = 255
"""The most characters of the actor, so that it fits its column."""


class AppSettings(BaseModel):
    """All settings. The keys in a file are in lower case. Secrets print as stars.

    Relative paths start at the folder `base`.
    """

    # `pydantic_settings` would take as long to import as the rest of a short command. Few commands read a target's settings.
    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=True, defer_build=True
    )
    prefix: ClassVar[str] = PREFIX

    _base: Path = PrivateAttr(default_factory=Path.cwd)
    prompts_root: PromptsRoots = Field(
        default=("prompts",), description="the folder with the prompt files, or a list of folders and patterns"
    )
    text_format: kinds.TextFormat = Field(
        default="f-string", description="the template format of .txt, .md and .prompt files that do not name one"
    )
    text_role: kinds.TextRole | None = Field(default=None, description="the role of text files that do not name one")
    undefined: kinds.Undefined = Field(default="strict", description="what jinja2 does with a missing value")
    folders: dict[kinds.FolderName, kinds.FolderSettings] = Field(
        default={}, description="text_format, text_role and undefined of single folders below the prompts root"
    )
    ignored_fields: list[str] = Field(default=[], description="unknown fields of prompt files that are ignored")
    chat_folders: bool = Field(
        default=False, description="a folder with system.md, user.md or assistant.md is one chat prompt"
    )
    names: dict[PromptPath, PromptName] = Field(
        default={}, description="the names of prompts whose paths cannot be names, by paths below the prompts root"
    )
    former_roots: list[FormerRoot] = Field(
        default=[], description="folders that were the prompts root in old commits, the newest first"
    )
    former_fields: list[str] = Field(default=[], description="unknown fields of prompt files to ignore in old commits")
    database_url: SecretStr = Field(
        default=SecretStr("sqlite:///./promptdb.sqlite3"), description="the SQLite file or PostgreSQL database"
    )
    blob_root: Annotated[Path, BeforeValidator(kinds.require_text)] = Field(
        default=Path(".blobs"), description="the folder of the local blob store"
    )
    storage_backend: Literal["local", "minio"] = Field(default="local", description="the kind of blob store")
    minio_endpoint: str | None = Field(
        default=None, description="the host[:port] of MinIO, Amazon S3 or another S3 server"
    )
    minio_access_key: SecretStr | None = Field(default=None, description="the access key of the S3 server")
    minio_secret_key: SecretStr | None = Field(default=None, description="the secret key for that access key")
    minio_bucket: str | None = Field(default=None, description="the bucket of the blobs; created if it is missing")
    minio_secure: bool = Field(default=True, description="use TLS for the endpoint")
    minio_region: str | None = Field(default=None, description="the region of the bucket")
    lock_timeout: float = Field(default=30.0, gt=0, le=3600, description="seconds to wait for another writer")
    actor: str | None = Field(default=None, min_length=1, max_length=MAX_ACTOR, description="the author of changes")

    refs: dict[kinds.RefPattern, list[kinds.AliasName]] = Field(
        default={}, description="the git refs that may be synced, and the aliases that each of them moves"
    )
    main_ref: kinds.RefName | None = Field(default=None, description="the git ref that latest follows")
    protected_aliases: list[kinds.AliasName] = Field(
        default=["production"], description="aliases that move over a breaking change only with permission"
    )

    source_link: kinds.SourceLink | None = Field(
        default=None, description="the address of a file on the web, with {commit} and {path}, for links to it"
    )

    webhook_private_networks: list[kinds.NetworkRange] = Field(
        default=[], description="networks that are not public, to which webhooks may be sent"
    )

    source: Sources = Field(
        default=("database",),
        description="where a client finds prompts: database, http, files or snapshot; or http,snapshot",
    )
    url: ServerUrl | None = Field(default=None, description="the server that the source http asks: an https:// address")
    token: Token | None = Field(default=None, description="the token for that server")
    snapshot: Annotated[SecretStr, BeforeValidator(kinds.require_text)] | None = Field(
        default=None, description="the snapshot that a client reads: a file, an https:// address or s3://BUCKET/KEY"
    )
    snapshot_key: Annotated[Path, BeforeValidator(kinds.require_text)] | None = Field(
        default=None, description="the file with the public key that snapshots must be signed with"
    )
    cache_ttl: float = Field(default=30.0, gt=0, description="seconds for which a client counts an answer as fresh")
    max_stale: float | None = Field(
        default=None,
        gt=0,
        description="seconds for which a client serves an answer while its source fails",
    )
    enable_otel: bool = Field(
        default=False, description="report lookups and renders of a client, or requests of the server, to OpenTelemetry"
    )

    api_prefix: kinds.ApiPrefix = Field(
        default="/api/v1", description="the path of the HTTP API, for the server and its clients"
    )
    cors_origins: list[kinds.Origin] = Field(default=[], description="the origins of web pages that may use the API")
    enable_metrics: bool = Field(default=False, description="the server has metrics for Prometheus at /metrics")
    ofrep: bool = Field(default=False, description="the server answers OpenFeature's SDKs under /ofrep/v1")
    langfuse_api: bool = Field(default=False, description="the server answers Langfuse's SDKs under /api/public")
    log_level: kinds.LogLevel = Field(default="info", description="the least severity that the server logs")

    def __init__(self, *, base: Path | None = None, **values: Any) -> None:
        super().__init__(**{**values, **environment(type(self).model_fields, self.prefix)})
        if base is not None:
            self._base = base

    @property
    def base(self) -> Path:
        """The folder at which relative paths start. No variable and no key can set it."""
        return self._base

    @property
    def prompts_path(self) -> Path:
        """The prompts root. If there are several, the deepest folder around them, at which all paths of the tree start."""
        return self.base / self.prompts_folder

    @property
    def prompts_folder(self) -> str:
        """`prompts_path` as the settings name it: relative to `base`, or absolute."""
        return based(self.prompts_root)[0]

    @property
    def layout(self) -> Layout:
        names = {path: PromptId.parse(name) for path, name in self.names.items()}
        return Layout(based(self.prompts_root)[1], self.chat_folders, names)

    @property
    def file_rules(self) -> FileRules:
        ignored = tuple(self.ignored_fields)
        return kinds.rules_of(TextDefaults(self.text_format, self.text_role, self.undefined, ignored), self.folders)

    @property
    def blob_path(self) -> Path:
        return self.base / self.blob_root

    @property
    def webhook_networks(self) -> list[Network]:
        return [ip_network(text) for text in self.webhook_private_networks]

    def as_in(self, read: Callable[[str], bytes | None], top: Path, where: str) -> Self:
        """Take the settings of prompt files from another state of the repository, which messages call `where`.

        `read` returns a file of that state by its path from `top`, or None. Without a settings file there, nothing changes.
        The environment wins, as always.

        Raises:
            ConfigError: the settings file of that state is wrong.
        """
        if not self.base.resolve().is_relative_to(top):
            return self
        folder = self.base.resolve().relative_to(top)
        for name in SETTINGS_FILES:
            path = (folder / name).as_posix()
            if (data := read(path)) is None or (table := table_in(name, parsed(data, f"{path} in {where}"))) is None:
                continue
            found = {key: table[key] for key in _OF_FILES if key in table and variable_of(key) is None}
            checked = _checked(AppSettings, f"{path} in {where}", found, self.base)
            return self.model_copy(update={key: getattr(checked, key) for key in found})
        return self


class TargetSettings(AppSettings):
    """The settings of a registry to copy to. They have their own variables."""

    prefix: ClassVar[str] = TARGET_PREFIX


def load_settings(folder: Path | None = None) -> AppSettings:
    """Load the settings for a folder, by default the current one, from the nearest file up to the root of the repository.

    Raises:
        ConfigError: a setting is unknown or has a bad value. The message names its place, and never shows the value.
    """
    try:
        start = (folder or Path.cwd()).resolve()
    except OSError as error:
        raise ConfigError("the current folder does not exist any more", "change to another folder") from error
    return _settings(AppSettings, *find_file(start))


def load_target(file: Path | None) -> AppSettings:
    """Load the settings of a registry to copy to: `PROMPTDB_TARGET_*` over a file, without all other settings.

    Relative paths start at the folder of the file, or at the current folder without a file.

    Raises:
        ConfigError: a setting is wrong, or the target has no database or no place for blobs.
    """
    table: dict[str, Any] = {}
    if file is not None:
        table = table_in(file.name if file.name in SETTINGS_FILES else CONFIG_FILE, read_file(file)) or {}
    settings = _settings(TargetSettings, file, table, file.resolve().parent if file is not None else Path.cwd())
    for wanted, what in ((("database_url",), "database"), (("blob_root", "storage_backend"), "place for blobs")):
        if not settings.model_fields_set.intersection(wanted):
            where = f"{file} and the environment name" if file is not None else "the environment names"
            hint = f"set {wanted[0]} in a settings file for the target, or {TARGET_PREFIX}{wanted[0].upper()}"
            raise ConfigError(f"{where} no {what} to copy to", hint)
    return settings


def _settings(kind: type[AppSettings], file: Path | None, table: dict[str, Any], base: Path) -> AppSettings:
    known, prefix = kind.model_fields.keys(), kind.prefix
    refuse_misspelt_variables(known, prefix)
    for key in table:
        if key not in known:
            near = close_matches(key.lower().replace("-", "_"), known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"settings are {', '.join(sorted(known))}"
            if key == "tool" and file is not None and file.name == CONFIG_FILE:
                hint = f"in {CONFIG_FILE} write [refs], without tool.promptdb; [tool.promptdb] is for pyproject.toml"
            raise ConfigError(f"{file}: unknown setting {key!r}", hint)
    return _checked(kind, file, table, base)


def _checked(kind: type[AppSettings], file: Path | str | None, values: dict[str, Any], base: Path) -> AppSettings:
    try:
        return kind(base=base, **values)
    except ValidationError as error:
        message, hint = _describe(error, file, kind.prefix), "docs/settings.md lists the settings"
    # Outside of the handler, because the cause holds the values.
    raise ConfigError(message, hint)


def _describe(error: ValidationError, file: Path | str | None, prefix: str = PREFIX) -> str:
    # Without the values: a password may be in the wrong variable.
    parts = []
    for entry in error.errors(include_input=False, include_url=False):
        name = str(entry["loc"][0]) if entry["loc"] else "settings"
        variable = variable_of(name, prefix)
        inner, message = kinds.misfit(entry)
        where = f"environment variable {variable}" if variable else f"{file}: {name}{inner}"
        parts.append(f"{where}: {message}")
    return "; ".join(parts)
