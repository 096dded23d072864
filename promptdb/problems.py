"""Problems of prompt files: the table of stable codes, and the value that reports one problem."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """The stable codes of problems. A code never changes its meaning. `docs/errors.md` explains each."""

    UNREADABLE = "PDB101"
    NOT_UTF8 = "PDB102"
    TOO_LARGE = "PDB103"
    SYNTAX = "PDB104"
    DUPLICATE_KEY = "PDB105"
    YAML_FEATURE = "PDB106"
    TOO_COMPLEX = "PDB107"
    NOT_A_MAPPING = "PDB108"
    BAD_CHARACTER = "PDB109"
    MORE_PROBLEMS = "PDB110"

    UNKNOWN_FIELD = "PDB201"
    MISSING_FIELD = "PDB202"
    WRONG_VALUE = "PDB203"
    CONFLICTING_FIELDS = "PDB204"

    TEMPLATE_SYNTAX = "PDB301"
    UNDECLARED_VARIABLE = "PDB302"
    UNUSED_VARIABLE = "PDB303"
    CONTRACT = "PDB304"
    FEW_SHOT = "PDB305"
    EMPTY_TEMPLATE = "PDB306"
    INCLUDE = "PDB307"
    LITERAL_NAME = "PDB308"

    FILE_MISSING = "PDB401"
    OUTSIDE_ROOT = "PDB402"
    ASSET = "PDB403"

    BAD_NAME = "PDB501"
    SAME_IDENTITY = "PDB502"
    SYMLINK = "PDB503"
    RENAME = "PDB504"
    NO_PROMPTS = "PDB505"
    NAME_WITHOUT_FILE = "PDB506"

    TEST_FAILED = "PDB601"
    TEST_BROKEN = "PDB602"

    ALIAS_NAME = "PDB701"
    ALIAS_TARGET = "PDB702"
    ALIAS_CLAIMED = "PDB703"
    ALIAS_WITHOUT_FILE = "PDB704"
    ALIAS_VERSION = "PDB705"


MAX_LISTED = 100
"""Problems of one file that are listed, each with its place. The others are counted."""

MAX_GUESSES = 20
"""Problems of one kind in one file that suggest the name that was probably meant: a comparison of names takes long."""

WARNINGS = frozenset(
    {
        Code.MORE_PROBLEMS,
        Code.UNUSED_VARIABLE,
        Code.EMPTY_TEMPLATE,
        Code.LITERAL_NAME,
        Code.SYMLINK,
        Code.NO_PROMPTS,
        Code.NAME_WITHOUT_FILE,
        Code.ALIAS_WITHOUT_FILE,
    }
)
"""Codes that are reported but do not stop a sync."""


@dataclass(frozen=True)
class Problem:
    """One problem in one place. `line` and `column` count from 1, and `path` is relative to the prompts root, and empty for a
    spec that came from code.

    `message` and `hint` are one line each. `detail` can have several lines, such as a diff.
    """

    path: str
    line: int
    column: int
    code: Code
    message: str
    hint: str | None = None
    detail: str | None = None

    @property
    def is_error(self) -> bool:
        return self.code not in WARNINGS

    @property
    def severity(self) -> str:
        return "error" if self.is_error else "warning"

    def __str__(self) -> str:
        place = f"{printable_path(self.path)}:{self.line}:{self.column}: " if self.path else ""
        return f"{place}{self.code} {self.message}"


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sort problems by place, without duplicates. Every prompt reports the problems of a file that several share."""
    return sorted(set(problems), key=lambda problem: (problem.path, problem.line, problem.column, str(problem)))


def listed(path: str, problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Sort the problems of the file at `path`. Keep the first of very many, errors before warnings, and count all."""
    everything = list(problems)
    found = list(dict.fromkeys(everything))
    if len(found) > MAX_LISTED:
        message = f"{len(everything):,} problems, of which {MAX_LISTED} are listed"
        found = sorted(found, key=lambda problem: not problem.is_error)[:MAX_LISTED]
        found.append(Problem(path, 1, 1, Code.MORE_PROBLEMS, message, "fix these, and check again"))
    return tuple(in_order(found))


def printable_path(path: str) -> str:
    """Escape the bytes in the name of a file that are not UTF-8."""
    return path.encode(errors="backslashreplace").decode()
