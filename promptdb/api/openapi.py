"""The OpenAPI document."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from promptdb.api.schemas import Problem
from promptdb.domain.wire.problem import MEDIA_TYPE

DESCRIPTION: dict[str, Any] = {
    "title": "promptdb",
    "version": "1",
    "summary": "Prompts by reference, and the history of their versions and aliases.",
    "description": "Every answer that is not a success is `application/problem+json` (RFC 9457). Its `code` names the error.",
    "license_info": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
}

_MEANINGS = {
    400: "The body cannot be read.",
    401: "The request has no valid token.",
    403: "The token lacks a scope, which `scope` names.",
    404: "There is nothing of this name.",
    405: "The path has other methods.",
    408: "The body did not arrive in time.",
    409: "The state of the registry does not allow it.",
    412: "The precondition does not hold.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    416: "The range is not in the file.",
    422: "A value is not valid.",
    428: "A precondition is required.",
    500: "The server failed. The cause is in its log.",
    502: "The server cannot reach its registry.",
    503: "The server is busy, or not ready.",
}
_SCHEMA = {"$ref": "#/components/schemas/Problem"}
_ALWAYS = (401, 403, 500, 502, 503)
_OF_BODIES = (400, 405, 408, 413, 415)


def parameter(
    name: str, place: str, description: str, example: str, *, required: bool = False, **schema: str
) -> dict[str, Any]:
    """Document a parameter that a route reads itself."""
    shown = {"type": "string", **schema, "examples": [example]}
    return {"name": name, "in": place, "description": description, "required": required, "schema": shown}


IF_NONE_MATCH = parameter("If-None-Match", "header", "the ETag of an earlier answer", '"0123abcd"')
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "The client has this answer."}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Document the statuses of a route that are not a success, with those that every route has."""
    return {
        status: {"description": _MEANINGS[status], "content": {MEDIA_TYPE: {"schema": _SCHEMA}}}
        for status in sorted({*statuses, *_ALWAYS})
    }


def problems_of_body(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Do as `problems`, for a route that reads a body."""
    return problems(422, *statuses, *_OF_BODIES)


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Drop the null that Python has for a parameter which is not sent: in a request it would be a text."""
    ways = [way for way in schema.get("anyOf", ()) if way != {"type": "null"}]
    if len(ways) != 1:
        return schema
    return {**ways[0], **{name: value for name, value in schema.items() if name != "anyOf"}}


def document_of(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """Return a function that makes the document once."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(routes=app.routes, **DESCRIPTION)
            for operation in (one for path in made["paths"].values() for one in path.values()):
                for found in operation.get("parameters", ()):
                    found["schema"] = _without_null(found["schema"])
            schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas = made.setdefault("components", {}).setdefault("schemas", {})
            schemas.update({**schema.pop("$defs", {}), "Problem": schema})
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            app.openapi_schema = made
        return app.openapi_schema

    return document
