"""Settings: `PROMPTDB_*` environment variables over `promptdb.toml` or `[tool.promptdb]` in `pyproject.toml`."""

import os
import re
import tomllib
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, SecretStr, ValidationError
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from promptdb.errors import ConfigError

PREFIX = "PROMPTDB_"
TARGET_PREFIX = f"{PREFIX}TARGET_"
CONFIG_FILE = "promptdb.toml"
SETTINGS_FILES = (CONFIG_FILE, "pyproject.toml")
"""In one folder, the first that has settings counts."""

_OF_FILES = ("prompts_root", "text_format")
"""The settings that decide what a prompt file means."""

MAX_ACTOR = 255
"""Characters, so that it fits its column."""

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


def _require_alias(text: str) -> str:
    """The rule of `domain.refs.parse_alias`, which is out of reach from here; a test holds the two together."""
    if not re.fullmatch(r"[a-z][a-z0-9._-]{0,127}", text) or text == "latest" or _UUID.fullmatch(text):
        message = "an alias is made of a-z, 0-9, '.', '_' and '-', starts with a letter, and is not 'latest'"
        raise PydanticCustomError("alias", message)
    return text


def _ref_pattern(text: str) -> str:
    """As `domain.ref_rules` has refs: branches by their short names, tags as `tags/v1.0`."""
    pattern = text.removeprefix("refs/heads/") if text.startswith("refs/heads/") else text.removeprefix("refs/")
    if not pattern or any(not character.isprintable() or character.isspace() for character in pattern):
        raise PydanticCustomError("ref", "a ref is a branch such as main or release/*, or a tag such as tags/v*")
    return pattern


def _require_text(value: Any) -> Any:
    """An empty path would be the folder itself, and is what an unset variable of a CI job gives."""
    if isinstance(value, str) and not value.strip():
        raise PydanticCustomError("empty", "it is empty")
    return value


AliasName = Annotated[str, AfterValidator(_require_alias)]
FolderPath = Annotated[Path, BeforeValidator(_require_text)]
RefPattern = Annotated[str, AfterValidator(_ref_pattern)]


class AppSettings(BaseSettings):
    """All settings; in a file the keys are in lower case. Secrets print as stars.

    `base` is the folder that relative paths are taken from.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=True
    )

    _base: Path = PrivateAttr(default_factory=Path.cwd)
    prompts_root: FolderPath = Field(default=Path("prompts"), description="the folder with the prompt files")
    text_format: Literal["f-string", "jinja2", "mustache", "plain"] = Field(
        default="f-string", description="template format of .txt, .md and .prompt files that do not name one"
    )
    database_url: SecretStr = Field(
        default=SecretStr("sqlite:///./promptdb.sqlite3"), description="SQLite file or PostgreSQL database"
    )
    blob_root: FolderPath = Field(default=Path(".blobs"), description="the folder of the local blob store")
    storage_backend: Literal["local", "minio"] = Field(default="local", description="where blobs are stored")
    minio_endpoint: str | None = Field(default=None, description="host[:port] of MinIO, Amazon S3 or another S3 server")
    minio_access_key: SecretStr | None = Field(default=None, description="the key that says who we are")
    minio_secret_key: SecretStr | None = Field(default=None, description="the key that belongs to it")
    minio_bucket: str | None = Field(default=None, description="the bucket of the blobs; created if it is missing")
    minio_secure: bool = Field(default=True, description="whether the endpoint is spoken to over TLS")
    minio_region: str | None = Field(default=None, description="the region of the bucket")
    lock_timeout: float = Field(default=30.0, gt=0, le=3600, description="seconds to wait for another writer")
    actor: str | None = Field(
        default=None, min_length=1, max_length=MAX_ACTOR, description="who is recorded as the author of a change"
    )

    refs: dict[RefPattern, list[AliasName]] = Field(
        default={}, description="which git refs may be synced, and the aliases that each of them moves"
    )
    protected_aliases: list[AliasName] = Field(
        default=["production"], description="aliases that are moved over a breaking change only where that is allowed"
    )

    def __init__(self, *, base: Path | None = None, **values: Any) -> None:
        super().__init__(**values)
        if base is not None:
            self._base = base

    @property
    def base(self) -> Path:
        """No setting: no variable and no key can set it."""
        return self._base

    @property
    def prompts_path(self) -> Path:
        return self.base / self.prompts_root

    @property
    def blob_path(self) -> Path:
        return self.base / self.blob_root

    def as_in(self, read: Callable[[str], bytes | None], top: Path, where: str) -> Self:
        """The settings that hold for another state of the same files: what decides how prompts are read is as it was there.

        A settings file that is there counts, and one that is not changes nothing; the environment wins, as always.

        Args:
            read: gives a file of that state by its path from `top`; None if there is none.
            top: the folder of the repository.
            where: the state is, for messages.

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
            problem = None
            try:
                checked = AppSettings(base=self.base, **found)
            except ValidationError as error:
                problem = ConfigError(_describe(error, f"{path} in {where}"), "docs/settings.md lists the settings")
            if problem is not None:
                raise problem  # outside of the handler, as below
            return self.model_copy(update={key: getattr(checked, key) for key in found})
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment over what `load_settings` read from the file."""
        return env_settings, init_settings


class TargetSettings(AppSettings):
    """Those of a registry that is copied to, with variables of its own."""

    model_config = SettingsConfigDict(env_prefix=TARGET_PREFIX)


def load_settings(folder: Path | None = None) -> AppSettings:
    """The settings in force in a folder.

    Args:
        folder: where to look for the file, and upwards from there, not past the root of the git repository; the current
            folder by default.

    Raises:
        ConfigError: a setting is unknown or has a bad value; the message says where it stands, and never shows the value.
    """
    try:
        start = (folder or Path.cwd()).resolve()
    except OSError as error:
        raise ConfigError("the current folder does not exist any more", "go to another one") from error
    return _settings(AppSettings, *_find_file(start))


def load_target(file: Path | None) -> AppSettings:
    """The settings of a registry to copy to: `PROMPTDB_TARGET_*` over a file. Nothing is taken from the other settings.

    Args:
        file: as promptdb.toml; relative paths are taken from its folder, without a file from the current one.

    Raises:
        ConfigError: as in `load_settings`; or the target names no database, or no place for blobs.
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
    known, prefix = kind.model_fields.keys(), str(kind.model_config["env_prefix"])
    _refuse_misspelt_variables(known, prefix)
    for key in table:
        if key not in known:
            raise ConfigError(f"{file}: unknown setting {key!r}", f"settings are {', '.join(sorted(known))}")
    # tables would be merged, else
    own = {key: value for key, value in table.items() if variable_of(key, prefix) is None}
    try:
        return kind(base=base, **own)
    except SettingsError as error:  # a list in a variable; the text says in which
        name = next((name for name in known if f'"{name}"' in str(error)), "")
        problem = ConfigError(
            f"environment variable {prefix}{name.upper()} is not JSON", 'write a list as ["production"]'
        )
    except ValidationError as error:
        problem = ConfigError(_describe(error, file, prefix), "docs/settings.md lists the settings")
    raise problem  # outside of the handler: its cause would hold the values


def settings_file(folder: Path | None = None) -> Path | None:
    """The file that `load_settings` reads; None where there is none. Errors as there."""
    return _find_file((folder or Path.cwd()).resolve())[0]


def unknown_variables() -> list[str]:
    """Variables that look like settings and are none."""
    names = AppSettings.model_fields
    known = {prefix + name.upper() for prefix in (PREFIX, TARGET_PREFIX) for name in names}
    return sorted(name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in known)


def _refuse_misspelt_variables(known: Iterable[str], prefix: str) -> None:
    """A variable that is nearly a setting would be passed over, and the default used without a word."""
    names = [prefix + name.upper() for name in known]
    for variable in sorted(os.environ):
        upper = variable.upper()
        if upper.startswith(TARGET_PREFIX) and prefix != TARGET_PREFIX:
            continue
        if upper.startswith(prefix) and upper not in names and (near := get_close_matches(upper, names, 1, 0.9)):
            raise ConfigError(f"environment variable {variable} is no setting", f"did you mean {near[0]}?")


def _find_file(start: Path) -> tuple[Path | None, dict[str, Any], Path]:
    """The settings file, its settings, and the folder that relative paths are taken from."""
    for folder in (start, *start.parents):
        for file in (folder / name for name in SETTINGS_FILES):
            if file.is_file() and (table := _table(file.name, _read(file))) is not None:
                return file, table, folder
        if (folder / ".git").exists():
            return None, {}, folder
    return None, {}, start


def _table(name: str, data: dict[str, Any]) -> dict[str, Any] | None:
    """The settings in a file of this name, or None if it has none."""
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
    """The environment variable that sets this key, in whatever case."""
    return next((found for found in os.environ if found.upper() == prefix + key.upper()), None)


def _describe(error: ValidationError, file: Path | str | None, prefix: str = PREFIX) -> str:
    """Messages without values: a password may stand in the wrong variable."""
    parts = []
    for entry in error.errors(include_input=False, include_url=False):
        name = str(entry["loc"][0]) if entry["loc"] else "settings"
        variable = variable_of(name, prefix)
        inner = "".join(f".{part}" for part in entry["loc"][1:] if name == "refs")
        where = f"environment variable {variable}" if variable else f"{file}: {name}{inner}"
        parts.append(f"{where}: {entry['msg'].replace('Input should be', 'expected')}")
    return "; ".join(parts)
