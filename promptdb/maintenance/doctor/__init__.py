"""`promptdb db doctor`: what is wrong with the settings, the stores, the machine or the checkout. Changes nothing."""

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
    """Look at everything a sync from a folder needs, one finding after the other. Raises nothing.

    Args:
        folder: the current one by default.
    """
    settings = None
    try:
        settings = load_settings(folder)
    except PromptDBError as error:
        yield fail("settings", error.message, error.hint or "docs/settings.md lists the settings")
    if settings is None:
        yield from examined("git", lambda: examine_git(folder or Path.cwd()))
        yield warn("stores", "not examined: the settings say where they are", "mend the settings first")
        return
    yield from examined("settings", lambda: _settings(folder))
    for check, look in _CHECKS.items():
        yield from examined(check, partial(look, settings))


def _settings(folder: Path | None) -> Iterator[DoctorFinding]:
    """Names of variables only: their values may be secrets."""
    unknown = unknown_variables()
    used = sorted(name for name in os.environ if name.upper().startswith(PREFIX) and name not in unknown)
    file = settings_file(folder)
    read = str(file) if file is not None else "no settings file"
    yield ok("settings", f"{read}; {', '.join(used) or 'no variables'}")
    for name in unknown:
        yield warn("settings", f"the environment variable {name} is no setting", "docs/settings.md lists the settings")
