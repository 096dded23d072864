"""Implements `promptdb db doctor`: examines the settings, the stores, the machine and the checkout. Changes nothing."""

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from promptdb.errors import PromptDBError
from promptdb.maintenance.doctor.blobs import examine_blobs
from promptdb.maintenance.doctor.checkout import examine_git, examine_prompts
from promptdb.maintenance.doctor.database import examine_database
from promptdb.maintenance.doctor.disk import examine_disk
from promptdb.maintenance.doctor.finding import DoctorFinding, Level, examined, fail, ok, warn
from promptdb.settings import PREFIX, AppSettings, load_settings, settings_file, unknown_variables

__all__ = ["DoctorFinding", "Level", "examine"]

_CHECKS: dict[str, Callable[[AppSettings], Iterable[DoctorFinding]]] = {
    "prompts": examine_prompts,
    "git": lambda settings: examine_git(settings.prompts_path),
    "database": examine_database,
    "blobs": examine_blobs,
    "disk": examine_disk,
}


def examine(folder: Path | None = None) -> Iterator[DoctorFinding]:
    """Examine everything that a sync from a folder needs; the current folder by default. Raises nothing."""
    try:
        settings = load_settings(folder)
    except PromptDBError as error:
        yield fail("settings", error.message, error.hint or "docs/settings.md lists the settings")
        yield from examined("git", lambda: examine_git(folder or Path.cwd()))
        yield warn("stores", "not examined: the settings say where they are", "fix the settings first")
        return
    yield from examined("settings", lambda: _settings(folder))
    for check, look in _CHECKS.items():
        yield from examined(check, partial(look, settings))


def _settings(folder: Path | None) -> Iterator[DoctorFinding]:
    # The values of variables may be secrets: only their names are shown.
    unknown = unknown_variables(AppSettings.model_fields)
    used = sorted(name for name in os.environ if name.upper().startswith(PREFIX) and name not in unknown)
    yield ok("settings", f"{settings_file(folder) or 'no settings file'}; {', '.join(used) or 'no variables'}")
    for name in unknown:
        yield warn(
            "settings", f"the environment variable {name} is not a setting", "docs/settings.md lists the settings"
        )
