"""Findings of the doctor: a fact, its severity, and a remedy."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.exc import SQLAlchemyError

from promptdb.errors import LockTimeout, PromptDBError

_AGAIN = "fix it, and run this command again"


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class DoctorFinding:
    """A fact about what `check` names. `remedy` is None if there is nothing to do."""

    level: Level
    check: str
    detail: str
    remedy: str | None = None


def ok(check: str, detail: str) -> DoctorFinding:
    return DoctorFinding(Level.OK, check, detail)


def warn(check: str, detail: str, remedy: str) -> DoctorFinding:
    return DoctorFinding(Level.WARN, check, detail, remedy)


def fail(check: str, detail: str, remedy: str) -> DoctorFinding:
    return DoctorFinding(Level.FAIL, check, detail, remedy)


def examined(check: str, look: Callable[[], Iterable[DoctorFinding]]) -> Iterator[DoctorFinding]:
    """Run one check. An error becomes a finding, so that no check hides the others."""
    try:
        yield from look()
    except LockTimeout:
        yield warn(check, "not examined: another writer holds the database", "try again when it is done")
    except PromptDBError as error:
        yield fail(check, error.message, error.hint or _AGAIN)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        yield fail(check, f"{where}{error.strerror or error}", _AGAIN)
    except (SQLAlchemyError, ValueError) as error:  # the database holds invalid values
        yield fail(check, f"{type(error).__name__}: {error}", "see: promptdb verify")
