"""Reads settings from environment variables."""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, get_origin

from pydantic.fields import FieldInfo

from promptdb.domain.nearest import close_matches
from promptdb.errors import ConfigError

PREFIX = "PROMPTDB_"
TARGET_PREFIX = f"{PREFIX}TARGET_"


def variable_of(key: str, prefix: str = PREFIX) -> str | None:
    """Find the environment variable that sets a key, in upper or lower case."""
    return next((found for found in os.environ if found.upper() == prefix + key.upper()), None)


def environment(fields: Mapping[str, FieldInfo], prefix: str) -> dict[str, Any]:
    """Read the settings in environment variables. Lists and tables are JSON there."""
    # The first one of several that differ in case, as in `variable_of`.
    variables = {name.upper(): name for name in reversed(list(os.environ))}
    found: dict[str, Any] = {}
    for name, field in fields.items():
        if (variable := variables.get(prefix + name.upper())) is None:
            continue
        found[name] = value = os.environ[variable]
        if get_origin(field.annotation) in (dict, list):
            with suppress(ValueError, RecursionError):
                found[name] = json.loads(value)
                continue
            raise ConfigError(f"environment variable {variable} is not JSON", 'write a list as ["production"]')
    return found


def unknown_variables(names: Iterable[str]) -> list[str]:
    """List variables that look like settings but are not, by the names of all settings."""
    names = list(names)
    known = {prefix + name.upper() for prefix in (PREFIX, TARGET_PREFIX) for name in names}
    return sorted(name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in known)


def refuse_misspelt_variables(known: Iterable[str], prefix: str) -> None:
    """Raise ConfigError for a variable whose name is close to that of a setting."""
    # Otherwise a typing error has no effect, and the default is used silently.
    names = [prefix + name.upper() for name in known]
    for variable in sorted(os.environ):
        upper = variable.upper()
        if upper.startswith(TARGET_PREFIX) and prefix != TARGET_PREFIX:
            continue
        if upper.startswith(prefix) and upper not in names and (near := close_matches(upper, names, 1, 0.9)):
            raise ConfigError(f"environment variable {variable} is not a setting", f"did you mean {near[0]}?")
