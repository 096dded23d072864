"""Something wrong at a place, while the place is still in the terms of who found it."""

from dataclasses import dataclass

from promptdb.problems import Code


@dataclass(frozen=True)
class Finding:
    """`line` and `column` count from 1 in the file that is read."""

    code: Code
    message: str
    hint: str | None = None
    line: int = 1
    column: int = 1


class Unreadable(Exception):
    """A file that cannot be read as data at all; carries what was found up to there."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__(*(finding.message for finding in findings))
        self.findings = findings
