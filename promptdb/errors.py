"""The errors that promptdb raises on purpose. Callers catch the branch that they can handle.

    PromptDBError(message, hint)
    ├── ConfigError            a setting is wrong, or the schema of the database is not the expected one
    │   ├── MissingExtra       an optional dependency is not installed
    │   ├── Unauthorized       a server does not accept the token of a client, or needs one
    │   └── Forbidden          the token of a client may not read a prompt
    ├── InvalidPrompts         invalid prompt files or specs, with their problems
    ├── InvalidRef             text that is not a reference
    ├── NotFound
    │   ├── PromptNotFound
    │   ├── VersionNotFound
    │   └── AssetNotFound
    ├── RenderError            values that do not fit the prompt
    │   ├── MissingVariables
    │   ├── UnknownVariables
    │   └── TemplateError      a template that does not parse, or fails while it renders
    │       └── IncludeError   a fragment that is missing, computed, or includes itself
    ├── Conflict
    │   ├── StalePlan          the recorded state changed between decision and write
    │   ├── DivergedHistory    two histories claim the same tree
    │   ├── AliasMoved         an alias is not where the caller expected it
    │   └── Guard              a safety limit refused the operation
    ├── LockTimeout            another writer held the lock for too long
    ├── IntegrityFailure       stored bytes do not match their digest
    └── StorageError           git, file system, blob store or database failed
        ├── OutsideRoot        a path leads out of the folder it must stay in
        │   └── NotInRoots     a path is in none of several prompts roots
        └── Unreachable        a database that has never answered

No error has an exit code or an HTTP status. Each interface maps the tree with its own table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promptdb.problems import Problem


class PromptDBError(Exception):
    """The base of all errors. `message` is the problem and its place, and `hint` the remedy, or None.

    A traceback shows the hint below the message.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if hint is not None:
            self.add_note(f"hint: {hint}")  # for tracebacks


class ConfigError(PromptDBError):
    pass


class MissingExtra(ConfigError):
    pass


class Unauthorized(ConfigError):
    pass


class Forbidden(ConfigError):
    pass


class InvalidPrompts(PromptDBError):
    """Invalid prompt files. `problems` holds every problem, in the order of files and lines."""

    def __init__(self, problems: "Sequence[Problem]") -> None:
        self.problems = tuple(problems)
        errors = sum(problem.is_error for problem in self.problems)
        files = len({problem.path for problem in self.problems if problem.is_error and problem.path})
        plural = "error" if errors == 1 else "errors"
        where = "" if files == 0 else " in 1 file" if files == 1 else f" in {files} files"
        first = next((problem for problem in self.problems if problem.is_error), None)
        found = f"{errors} {plural}{where}" + (f"; the first: {first}" if first else "")
        super().__init__(found if files else f"the spec has {found}", first.hint if first else None)


class InvalidRef(PromptDBError):
    pass


class NotFound(PromptDBError):
    pass


class PromptNotFound(NotFound):
    pass


class VersionNotFound(NotFound):
    pass


class AssetNotFound(NotFound):
    pass


class RenderError(PromptDBError):
    pass


class MissingVariables(RenderError):
    """Values that the caller did not pass. `names` holds every missing variable, sorted."""

    def __init__(self, names: Sequence[str], hint: str | None = None) -> None:
        self.names = tuple(sorted(names))
        plural = "variable" if len(self.names) == 1 else "variables"
        super().__init__(f"missing {plural}: {', '.join(self.names)}", hint)


class UnknownVariables(RenderError):
    """Values without a variable in the prompt. `names` holds all their names, sorted."""

    def __init__(self, names: Sequence[str], hint: str | None = None) -> None:
        self.names = tuple(sorted(names))
        plural = "variable" if len(self.names) == 1 else "variables"
        super().__init__(f"the prompt has no {plural} {', '.join(map(repr, self.names))}", hint)


class TemplateError(RenderError):
    """A wrong template. `line` and `column` count from 1 inside it, and are None if the engine does not report them."""

    def __init__(
        self, message: str, hint: str | None = None, *, line: int | None = None, column: int | None = None
    ) -> None:
        super().__init__(message, hint)
        self.line = line
        self.column = column

    def inside(self, place: str) -> "TemplateError":
        """Put the place of the template in front of the message."""
        line = f", line {self.line}" if self.line is not None else ""
        return type(self)(f"{place}{line}: {self.message}", self.hint, line=self.line, column=self.column)


class IncludeError(TemplateError):
    pass


class Conflict(PromptDBError):
    pass


class StalePlan(Conflict):
    pass


class DivergedHistory(Conflict):
    pass


@dataclass(frozen=True, slots=True)
class LastMove:
    """The newest move in the log of an alias."""

    action: str
    from_revision: int | None
    to_revision: int | None
    actor: str
    reason: str | None
    created_at: datetime


class AliasMoved(Conflict):
    """An alias that is not where the caller expected it. `last_move` says who moved it, as far as that was looked up."""

    def __init__(self, message: str, hint: str | None = None, *, last_move: LastMove | None = None) -> None:
        super().__init__(message, hint)
        self.last_move = last_move


@dataclass(frozen=True, slots=True)
class BrokenCallers:
    """One change that breaks the callers of an alias. `kind`, `name` and `message` are those of a `ContractChange`."""

    prompt: str
    alias: str
    kind: str
    name: str
    message: str


class Guard(Conflict):
    """A safety limit. `breaking` lists every change that would break callers of a protected alias."""

    def __init__(self, message: str, hint: str | None = None, *, breaking: Sequence[BrokenCallers] = ()) -> None:
        super().__init__(message, hint)
        self.breaking = tuple(breaking)


class LockTimeout(PromptDBError):
    pass


class IntegrityFailure(PromptDBError):
    pass


class StorageError(PromptDBError):
    pass


class OutsideRoot(StorageError):
    pass


class NotInRoots(OutsideRoot):
    def __init__(self, path: str) -> None:
        super().__init__(f"{path!r} is in no prompts root", "keep the file in a folder that prompts_root names")


class Unreachable(StorageError):
    pass
