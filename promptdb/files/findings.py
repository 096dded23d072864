"""Faults that reading and editing find in the content of one file, before anyone knows its path."""

from dataclasses import dataclass, replace
from typing import Any

from promptdb.problems import Code


@dataclass(frozen=True)
class FileProblem:
    """`line` and `column` count from 1 in the text that is read."""

    code: Code
    message: str
    hint: str | None = None
    line: int = 1
    column: int = 1


class Unreadable(Exception):
    """A file that cannot be read as data. Carries the problems, and as much of the data as could be read."""

    def __init__(self, *findings: FileProblem, data: Any = None) -> None:
        super().__init__(*(finding.message for finding in findings))
        self.findings = findings
        self.data = data

    def below(self, lines: int) -> "Unreadable":
        """Return the same problems for a text that starts after so many lines of its file."""
        return Unreadable(*(replace(finding, line=finding.line + lines) for finding in self.findings))


class NoPlace(Exception):
    """A change that cannot be written into a file. The message is the reason."""
