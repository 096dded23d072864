"""What an examination finds: a fact, how bad it is, and what to do about it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.exc import SQLAlchemyError

from promptdb.errors import LockTimeout, PromptDBError


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class DoctorFinding:
    """`check` is what was looked at. `remedy` is None where nothing is to be done."""

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
    """The findings of one check. What it raises is a finding as well, so that no check hides the others."""
    try:
        yield from look()
    except LockTimeout:
        yield warn(check, "not examined: another writer holds the database", "try again when it is done")
    except PromptDBError as error:
        yield fail(check, error.message, error.hint or "mend it, and run this command again")
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        yield fail(check, f"{where}{error.strerror or error}", "mend it, and run this command again")
    except (SQLAlchemyError, ValueError) as error:  # from a database that holds nonsense
        yield fail(check, f"{type(error).__name__}: {error}", "see: promptdb verify")
