"""The JSON form of errors: problem details for HTTP (RFC 9457) with a code, a hint and the details of the error."""

import re
from dataclasses import asdict
from typing import Any

from promptdb import errors
from promptdb.domain.hints import without_commands
from promptdb.domain.json_fields import Wrong, number, some_fields, time, typed
from promptdb.errors import (
    AliasMoved,
    BrokenCallers,
    Guard,
    InvalidPrompts,
    LastMove,
    MissingVariables,
    PromptDBError,
    TemplateError,
    UnknownVariables,
)
from promptdb.problems import Code, Problem

MEDIA_TYPE = "application/problem+json"


def code_of(kind: type[PromptDBError]) -> str:
    """Name an error class in the form of a code: `PromptNotFound` is `prompt-not-found`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind.__name__.replace("DB", "db")).lower()


def problem_fields(error: PromptDBError, status: int) -> dict[str, Any]:
    """Convert an error to problem details.

    Args:
        error: the error, whose class gives the code.
        status: the HTTP status of the answer.
    """
    hint = without_commands(error.hint)
    return {**http_problem(code_of(type(error)), status, error.message, hint), **_details(error)}


def http_problem(code: str, status: int, detail: str, hint: str | None = None) -> dict[str, Any]:
    """Make the problem details of an answer, for errors of HTTP too."""
    title = code.replace("-", " ").capitalize()
    found = {"type": f"urn:promptdb:{code}", "title": title, "status": status, "detail": detail, "code": code}
    return found if hint is None else {**found, "hint": hint}


def error_of(value: Any) -> PromptDBError | None:
    """Make the error that problem details describe, or None if their code is not that of an error of promptdb.

    Raises:
        Wrong: the value does not have the form of problem details with a code.
    """
    code, detail = some_fields(value, code=str, detail=str)
    kind: Any = _KINDS.get(code)
    if kind is None:
        return None
    found: PromptDBError
    hint = typed(value.get("hint"), (str, type(None)))
    if kind is InvalidPrompts:
        return InvalidPrompts([_problem(item) for item in typed(value.get("errors"), list)])
    if kind in (MissingVariables, UnknownVariables):
        found = kind([typed(name, str) for name in typed(value.get("names"), list)], hint)
    elif issubclass(kind, TemplateError):
        found = kind(detail, hint, line=_place(value.get("line")), column=_place(value.get("column")))
    elif kind is Guard:
        found = Guard(detail, hint, breaking=[_broken(item) for item in typed(value.get("breaking", []), list)])
    elif kind is AliasMoved:
        found = AliasMoved(detail, hint, last_move=_last_move(value.get("last_move")))
    else:
        found = kind(detail, hint)
    return found


def _tree(kind: type[PromptDBError]) -> list[type[PromptDBError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in _tree(child))]


_KINDS: dict[str, type[PromptDBError]] = {code_of(kind): kind for kind in _tree(PromptDBError)}
# It takes a path instead of a message.
_KINDS[code_of(errors.NotInRoots)] = errors.OutsideRoot


def _details(error: PromptDBError) -> dict[str, Any]:
    match error:
        case InvalidPrompts(problems=problems):
            return {"errors": [{**asdict(problem), "code": str(problem.code)} for problem in problems]}
        case MissingVariables(names=names) | UnknownVariables(names=names):
            return {"names": list(names)}
        case TemplateError(line=line, column=column):
            return {"line": line, "column": column}
        case Guard(breaking=breaking) if breaking:
            return {"breaking": [asdict(change) for change in breaking]}
        case AliasMoved(last_move=LastMove() as last):
            return {"last_move": {**asdict(last), "created_at": last.created_at.isoformat()}}
        case _:
            return {}


def _problem(value: Any) -> Problem:
    path, line, column, code, message = some_fields(value, path=str, line=int, column=int, code=str, message=str)
    hint, detail = (typed(value.get(name), (str, type(None))) for name in ("hint", "detail"))
    try:
        return Problem(path, line, column, Code(code), message, hint, detail)
    except ValueError as error:
        raise Wrong(f"{code[:80]!r} is not the code of a problem") from error


def _broken(value: Any) -> BrokenCallers:
    return BrokenCallers(*some_fields(value, prompt=str, alias=str, kind=str, name=str, message=str))


def _last_move(value: Any) -> LastMove | None:
    if value is None:
        return None
    maybe = (int, type(None))
    action, before, after, actor, reason, at = some_fields(
        value, action=str, from_revision=maybe, to_revision=maybe, actor=str, reason=(str, type(None)), created_at=str
    )
    return LastMove(action, before, after, actor, reason, time(at))


def _place(value: Any) -> int | None:
    return None if value is None else number(value, 1)
