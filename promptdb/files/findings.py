"""Something wrong at a place, while the place is still in the terms of who found it."""

from dataclasses import dataclass
from typing import Any

from promptdb.problems import Code


@dataclass(frozen=True)
class FileProblem:
    """`line` and `column` count from 1 in the file that is read."""

    code: Code
    message: str
    hint: str | None = None
    line: int = 1
    column: int = 1


class Unreadable(Exception):
    """A file that cannot be read as data; carries what was found, and the data as far as it can be made out."""

    def __init__(self, *findings: FileProblem, data: Any = None) -> None:
        super().__init__(*(finding.message for finding in findings))
        self.findings = findings
        self.data = data


class NoPlace(Exception):
    """A change that cannot be written into a file; says why."""
