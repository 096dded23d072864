"""Finds and reads the files that hold settings: `promptdb.toml`, or `[tool.promptdb]` in `pyproject.toml`."""

import tomllib
from pathlib import Path
from typing import Any

from promptdb.errors import ConfigError

CONFIG_FILE = "promptdb.toml"
SETTINGS_FILES = (CONFIG_FILE, "pyproject.toml")
"""The first of these files with settings counts, in the same folder."""

_MAX_BYTES = 256 * 1024
_MAX_DOTS = 1000


def settings_file(folder: Path | None = None) -> Path | None:
    """Find the file that `load_settings` reads, if there is one. Raises the same errors."""
    return find_file((folder or Path.cwd()).resolve())[0]


def find_file(start: Path) -> tuple[Path | None, dict[str, Any], Path]:
    """Find the settings file, its settings, and the folder at which relative paths start."""
    for folder in (start, *start.parents):
        for file in (folder / name for name in SETTINGS_FILES):
            if file.is_file() and (table := table_in(file.name, read_file(file))) is not None:
                return file, table, folder
        if (folder / ".git").exists():
            return None, {}, folder
    return None, {}, start


def table_in(name: str, data: dict[str, Any]) -> dict[str, Any] | None:
    """Return the settings in a file of this name, or None."""
    if name == CONFIG_FILE:
        return data
    tools = data.get("tool")
    table = tools.get("promptdb") if isinstance(tools, dict) else None
    return table if isinstance(table, dict) else None


def read_file(file: Path) -> dict[str, Any]:
    """Read a TOML file. Raise ConfigError if it cannot be read."""
    try:
        return parsed(file.read_bytes(), str(file))
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}") from error


def parsed(data: bytes, where: str) -> dict[str, Any]:
    """Parse TOML, which messages call `where`. Raise ConfigError if it is wrong."""
    try:
        return _toml(data)
    except ValueError as error:
        raise ConfigError(f"{where} is not valid TOML: {error}") from error


def _toml(data: bytes) -> dict[str, Any]:
    """Parse a settings file. Raise ValueError if it is not TOML, or would take long."""
    if len(data) > _MAX_BYTES:
        raise ValueError(f"more than {_MAX_BYTES // 1024} KiB")
    # tomllib needs time that grows with the square of the parts of a key.
    if any(line.count(b".") > _MAX_DOTS for line in data.split(b"\n")):
        raise ValueError(f"more than {_MAX_DOTS:,} dots in one line")
    try:
        return tomllib.loads(data.decode().replace("\r\n", "\n"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
