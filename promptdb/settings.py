"""Settings: `PROMPTDB_*` environment variables over `promptdb.toml` or `[tool.promptdb]` in `pyproject.toml`."""

import json
import os
import tomllib
from collections.abc import Callable, Iterable
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, get_origin

from pydantic import BeforeValidator, ConfigDict, Field, PrivateAttr, SecretStr, ValidationError

from promptdb.domain import setting_values as kinds
from promptdb.domain.client_settings import ClientSettings
from promptdb.domain.file_rules import FileRules, TextDefaults
from promptdb.domain.layout import Layout, based
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.root_settings import FormerRoot, PromptName, PromptPath, PromptsRoots
from promptdb.errors import ConfigError

PREFIX = "PROMPTDB_"
TARGET_PREFIX = f"{PREFIX}TARGET_"
CONFIG_FILE = "promptdb.toml"
SETTINGS_FILES = (CONFIG_FILE, "pyproject.toml")
"""The first of these files with settings counts, in the same folder."""

_OF_FILES = (
    *("prompts_root", "chat_folders", "names", "ignored_fields"),
    *("text_format", "text_role", "undefined", "folders"),
)
"""The settings that decide what a prompt file means."""

MAX_ACTOR = 255
"""The most characters of the actor, so that it fits its column."""


class AppSettings(ClientSettings):
    """All settings. The keys in a file are in lower case. Secrets print as stars.

    Relative paths start at the folder `base`.
    """

    # `pydantic_settings` would take as long to import as the rest of a short command.
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=True)
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

    def __init__(self, *, base: Path | None = None, **values: Any) -> None:
        super().__init__(**{**values, **_environment(type(self))})
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
            if (data := read(path)) is None or (table := _table(name, _parsed(data, f"{path} in {where}"))) is None:
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
    return _settings(AppSettings, *_find_file(start))


def load_target(file: Path | None) -> AppSettings:
    """Load the settings of a registry to copy to: `PROMPTDB_TARGET_*` over a file, without all other settings.

    Relative paths start at the folder of the file, or at the current folder without a file.

    Raises:
        ConfigError: a setting is wrong, or the target has no database or no place for blobs.
    """
    table: dict[str, Any] = {}
    if file is not None:
        table = _table(file.name if file.name in SETTINGS_FILES else CONFIG_FILE, _read(file)) or {}
    settings = _settings(TargetSettings, file, table, file.resolve().parent if file is not None else Path.cwd())
    for wanted, what in ((("database_url",), "database"), (("blob_root", "storage_backend"), "place for blobs")):
        if not settings.model_fields_set.intersection(wanted):
            where = f"{file} and the environment name" if file is not None else "the environment names"
            hint = f"set {wanted[0]} in a settings file for the target, or {TARGET_PREFIX}{wanted[0].upper()}"
            raise ConfigError(f"{where} no {what} to copy to", hint)
    return settings


def _settings(kind: type[AppSettings], file: Path | None, table: dict[str, Any], base: Path) -> AppSettings:
    known, prefix = kind.model_fields.keys(), kind.prefix
    _refuse_misspelt_variables(known, prefix)
    for key in table:
        if key not in known:
            near = get_close_matches(key.lower().replace("-", "_"), known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"settings are {', '.join(sorted(known))}"
            raise ConfigError(f"{file}: unknown setting {key!r}", hint)
    return _checked(kind, file, table, base)


def _checked(kind: type[AppSettings], file: Path | str | None, values: dict[str, Any], base: Path) -> AppSettings:
    try:
        return kind(base=base, **values)
    except ValidationError as error:
        message, hint = _describe(error, file, kind.prefix), "docs/settings.md lists the settings"
    # Outside of the handler, because the cause holds the values.
    raise ConfigError(message, hint)


def _environment(kind: type[AppSettings]) -> dict[str, Any]:
    """Read the settings in environment variables. Lists and tables are JSON there."""
    found: dict[str, Any] = {}
    for name, field in kind.model_fields.items():
        if (variable := variable_of(name, kind.prefix)) is None:
            continue
        found[name] = value = os.environ[variable]
        if get_origin(field.annotation) in (dict, list):
            with suppress(ValueError, RecursionError):
                found[name] = json.loads(value)
                continue
            raise ConfigError(f"environment variable {variable} is not JSON", 'write a list as ["production"]')
    return found


def settings_file(folder: Path | None = None) -> Path | None:
    """Find the file that `load_settings` reads, if there is one. Raises the same errors."""
    return _find_file((folder or Path.cwd()).resolve())[0]


def unknown_variables() -> list[str]:
    """List variables that look like settings but are not."""
    names = AppSettings.model_fields
    known = {prefix + name.upper() for prefix in (PREFIX, TARGET_PREFIX) for name in names}
    return sorted(name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in known)


def _refuse_misspelt_variables(known: Iterable[str], prefix: str) -> None:
    # Otherwise a typing error has no effect, and the default is used silently.
    names = [prefix + name.upper() for name in known]
    for variable in sorted(os.environ):
        upper = variable.upper()
        if upper.startswith(TARGET_PREFIX) and prefix != TARGET_PREFIX:
            continue
        if upper.startswith(prefix) and upper not in names and (near := get_close_matches(upper, names, 1, 0.9)):
            raise ConfigError(f"environment variable {variable} is not a setting", f"did you mean {near[0]}?")


def _find_file(start: Path) -> tuple[Path | None, dict[str, Any], Path]:
    """Find the settings file, its settings, and the folder at which relative paths start."""
    for folder in (start, *start.parents):
        for file in (folder / name for name in SETTINGS_FILES):
            if file.is_file() and (table := _table(file.name, _read(file))) is not None:
                return file, table, folder
        if (folder / ".git").exists():
            return None, {}, folder
    return None, {}, start


def _table(name: str, data: dict[str, Any]) -> dict[str, Any] | None:
    """Return the settings in a file of this name, or None."""
    if name == CONFIG_FILE:
        return data
    tools = data.get("tool")
    table = tools.get("promptdb") if isinstance(tools, dict) else None
    return table if isinstance(table, dict) else None


def _read(file: Path) -> dict[str, Any]:
    try:
        return _parsed(file.read_bytes(), str(file))
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}") from error


def _parsed(data: bytes, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode().replace("\r\n", "\n"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{where} is not valid TOML: {error}") from error


def variable_of(key: str, prefix: str = PREFIX) -> str | None:
    """Find the environment variable that sets a key, in upper or lower case."""
    return next((found for found in os.environ if found.upper() == prefix + key.upper()), None)


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
