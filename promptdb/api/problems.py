"""Answers that are not a success: problem details (RFC 9457) with the code, hint and details of the error."""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from promptdb import errors
from promptdb.domain.access import Grant, discreet
from promptdb.domain.hints import without_commands
from promptdb.domain.wire.problem import MEDIA_TYPE, code_of, http_problem, problem_fields
from promptdb.errors import PromptDBError

_log = logging.getLogger("promptdb.api")

STATUSES: dict[type[PromptDBError], int] = {
    errors.ConfigError: 500,
    errors.Forbidden: 403,
    errors.InvalidPrompts: 422,
    errors.InvalidRef: 422,
    errors.NotFound: 404,
    errors.RenderError: 422,
    errors.Conflict: 409,
    errors.LockTimeout: 503,
    errors.IntegrityFailure: 500,
    errors.StorageError: 502,
}
"""The status of each branch of the error tree."""

RETRY_AFTER = {"Retry-After": "1"}

_CODES = {404: "not-found", 405: "method-not-allowed", 413: "too-large"}
"""Codes for what Starlette refuses."""


class Refusal(HTTPException):
    """A request that HTTP itself has a status for."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        hint: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        **details: Any,
    ) -> None:
        super().__init__(status, detail, headers)
        self.fields = {**http_problem(code, status, detail, hint), **details}


def wrong_value(place: str, message: str, hint: str | None = None) -> Refusal:
    """Make the refusal of one parameter, header or field, such as `query.cursor`."""
    found = [{"place": place, "message": message}]
    return Refusal(422, "invalid-request", f"{place}: {message}", hint, errors=found)


def status_of(kind: type[PromptDBError]) -> int:
    return next(STATUSES[base] for base in kind.__mro__ if base in STATUSES)


def problem_response(fields: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    # Escaped, since a message may quote what is not Unicode.
    return Response(json.dumps(fields).encode(), fields["status"], headers, MEDIA_TYPE)


def refusal_response(refusal: Refusal) -> Response:
    return problem_response(refusal.fields, refusal.headers)


def failure(request_id: str) -> Response:
    """Answer for an error that was not expected. Its cause is in the log only."""
    fields = http_problem("internal-error", 500, "the server failed", f"the server's log has request {request_id}")
    return problem_response({**fields, "request_id": request_id})


def one_text(error: PromptDBError, grant: Grant) -> str:
    """Put the message and the hint of an error into one text, for protocols that have no field for hints."""
    shown = discreet(error, grant)
    hint = without_commands(shown.hint)
    return shown.message if hint is None else f"{shown.message} (hint: {hint})"


async def _promptdb_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, PromptDBError):
        raise error
    status = status_of(type(error))
    if status < 500 or isinstance(error, errors.LockTimeout):
        grant = getattr(request.state, "grant", None)
        shown = discreet(error, grant) if grant is not None else error
        return problem_response(problem_fields(shown, status), RETRY_AFTER if status == 503 else None)
    # The message may name hosts and folders of the server.
    request_id = request.state.request_id
    _log.error("request %s: %s (hint: %s)", request_id, error.message, error.hint, exc_info=error)
    fields = http_problem(code_of(type(error)), status, _BRIEF[status], f"the server's log has request {request_id}")
    return problem_response({**fields, "request_id": request_id})


_BRIEF = {500: "the server cannot answer", 502: "the server cannot reach its registry"}


async def _http_exception(request: Request, error: Exception) -> Response:
    if isinstance(error, Refusal):
        return refusal_response(error)
    if not isinstance(error, HTTPException):
        raise error
    code = _CODES.get(error.status_code, "bad-request")
    headers = dict(error.headers or {})
    detail, hint = str(error.detail).lower(), None
    if error.status_code == 404:
        detail, hint = f"there is nothing at {request.url.path[:200]}", f"{request.app.openapi_url} lists the paths"
    elif error.status_code == 405:
        # Starlette names only those of the first route at the path.
        headers["Allow"] = ", ".join(sorted(request.app.state.methods_at(request.scope["path"])))
        detail, hint = f"{request.method} is not possible at {request.url.path[:200]}", f"use {headers['Allow']}"
    return problem_response(http_problem(code, error.status_code, detail, hint), headers)


async def _invalid_request(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    # Without the values, which may be secrets.
    found = [{"place": ".".join(map(str, one["loc"])), "message": _message(one)} for one in error.errors()]
    first = f"{found[0]['place']}: {found[0]['message']}" if found else "the request is not valid"
    hint = f"{request.app.openapi_url} describes the parameters and bodies of each path"
    return problem_response({**http_problem("invalid-request", 422, first, hint), "errors": found})


def _message(found: Mapping[str, Any]) -> str:
    """Say what is wrong with a value, without the words that pydantic has for Python's classes."""
    if found["type"] == "value_error":
        return str(found["ctx"]["error"])
    return _MESSAGES.get(found["type"]) or str(found["msg"]).replace("Input should be", "expected")


_MESSAGES = {
    "missing": "is required",
    "extra_forbidden": "there is no such field",
    "model_attributes_type": "expected an object",
    "dict_type": "expected an object",
    "list_type": "expected a list",
    "string_type": "expected a text",
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
    "int_type": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "float_parsing": "expected a number",
    "finite_number": "expected a number",
    "string_pattern_mismatch": "has characters that are not possible here, such as line ends",
}


HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Any]] = {
    PromptDBError: _promptdb_error,
    HTTPException: _http_exception,
    RequestValidationError: _invalid_request,
}
