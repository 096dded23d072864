"""Settings: `PROMPTDB_*` environment variables over `promptdb.toml` or `[tool.promptdb]` in `pyproject.toml`."""

import os
import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PrivateAttr, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from promptdb.errors import ConfigError

PREFIX = "PROMPTDB_"
CONFIG_FILE = "promptdb.toml"
MAX_ACTOR = 255
"""Characters, so that it fits its column."""


class AppSettings(BaseSettings):
    """All settings; in a file the keys are in lower case. Secrets print as stars.

    `base` is the folder that relative paths are taken from.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=True
    )

    _base: Path = PrivateAttr(default_factory=Path.cwd)
    prompts_root: Path = Field(default=Path("prompts"), description="the folder with the prompt files")
    text_format: Literal["f-string", "jinja2", "mustache", "plain"] = Field(
        default="f-string", description="template format of .txt, .md and .prompt files that do not name one"
    )
    database_url: SecretStr = Field(
        default=SecretStr("sqlite:///./promptdb.sqlite3"), description="SQLite file or PostgreSQL database"
    )
    blob_root: Path = Field(default=Path(".blobs"), description="the folder of the local blob store")
    storage_backend: Literal["local"] = Field(default="local", description="where blobs are stored")
    lock_timeout: float = Field(default=30.0, gt=0, le=3600, description="seconds to wait for another writer")
    actor: str | None = Field(
        default=None, min_length=1, max_length=MAX_ACTOR, description="who is recorded as the author of a change"
    )

    protected_aliases: list[str] = Field(
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
    file, table, base = _find_file(start)
    known = AppSettings.model_fields.keys()
    _refuse_misspelt_variables(known)
    for key in table:
        if key not in known:
            raise ConfigError(f"{file}: unknown setting {key!r}", f"settings are {', '.join(sorted(known))}")
    try:
        return AppSettings(base=base, **table)
    except SettingsError as error:  # a list in a variable; the text says in which
        name = next((name for name in known if f'"{name}"' in str(error)), "")
        problem = ConfigError(
            f"environment variable {PREFIX}{name.upper()} is not JSON", 'write a list as ["production"]'
        )
    except ValidationError as error:
        problem = ConfigError(_describe(error, file), "docs/settings.md lists the settings")
    raise problem  # outside of the handler: its cause would hold the values


def _refuse_misspelt_variables(known: Iterable[str]) -> None:
    """A variable that is nearly a setting would be passed over, and the default used without a word."""
    names = [PREFIX + name.upper() for name in known]
    for variable in sorted(os.environ):
        upper = variable.upper()
        if upper.startswith(PREFIX) and upper not in names and (near := get_close_matches(upper, names, 1, 0.9)):
            raise ConfigError(f"environment variable {variable} is no setting", f"did you mean {near[0]}?")


def _find_file(start: Path) -> tuple[Path | None, dict[str, Any], Path]:
    """The settings file, its settings, and the folder that relative paths are taken from."""
    for folder in (start, *start.parents):
        own, project = folder / CONFIG_FILE, folder / "pyproject.toml"
        if own.is_file():
            return own, _read(own), folder
        if project.is_file():
            tools = _read(project).get("tool")
            table = tools.get("promptdb") if isinstance(tools, dict) else None
            if isinstance(table, dict):
                return project, table, folder
        if (folder / ".git").exists():
            return None, {}, folder
    return None, {}, start


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not valid TOML: {error}") from error
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}") from error


def _describe(error: ValidationError, file: Path | None) -> str:
    """Messages without values: a password may stand in the wrong variable."""
    parts = []
    for entry in error.errors(include_input=False, include_url=False):
        name = str(entry["loc"][0]) if entry["loc"] else "settings"
        variable = next((found for found in os.environ if found.upper() == PREFIX + name.upper()), None)
        where = f"environment variable {variable}" if variable else f"{file}: {name}"
        parts.append(f"{where}: {entry['msg'].replace('Input should be', 'expected')}")
    return "; ".join(parts)
