"""Routes whose parameters are all known, and whose JSON bodies have one meaning only."""

import json
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from promptdb.api.problems import Refusal
from promptdb.domain.nearest import nearest
from promptdb.transfer.strict_json import Refused, strict_json

MAX_DEPTH = 100
"""The most levels of lists and objects."""

_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class _StrictRequest(Request):
    async def json(self) -> Any:
        return strict_body(await self.body())


def strict_body(data: bytes) -> Any:
    """Read a body of JSON. Raise Refusal if it has more than one meaning, or is too deep."""
    try:
        return _shallow(strict_json(data))
    except Refused as refused:
        hint = "send one JSON value in UTF-8, with each key once"
        raise Refusal(400, "bad-request", f"the body cannot be read: {refused}", hint) from refused


class StrictRoute(APIRoute):
    """A route that refuses unknown parameters, bodies that are not JSON, and JSON that parsers may understand differently."""

    def get_route_handler(self) -> _Handler:
        handle, names = super().get_route_handler(), frozenset(_query_of(self))

        async def strict(request: Request) -> Response:
            _require_known(request, names)
            if self.body_field is None:
                return await handle(request)
            request = _StrictRequest(request.scope, request.receive)
            if await request.body() and not _is_json(request.headers.get("content-type", "")):
                hint = "send the header Content-Type: application/json"
                raise Refusal(415, "unsupported-media-type", "the body must be JSON", hint)
            return await handle(request)

        return strict


def _query_of(route: APIRoute) -> Iterator[str]:
    """Yield the names of the query parameters of a route, also of those that it documents and reads itself."""
    waiting = [route.dependant]
    while waiting:
        dependant = waiting.pop()
        yield from (parameter.alias for parameter in dependant.query_params)
        waiting += dependant.dependencies
    for parameter in (route.openapi_extra or {}).get("parameters", ()):
        if parameter["in"] == "query":
            yield parameter["name"]


def _require_known(request: Request, names: frozenset[str]) -> None:
    # Otherwise a filter with a typing error would give everything.
    for name in request.query_params:
        if name not in names:
            near = nearest(name, names)
            known = f"its parameters are {', '.join(sorted(names))}" if names else "it has none"
            hint = f"did you mean {near}?" if near else known
            found = [{"place": f"query.{name[:80]}", "message": "not a parameter"}]
            detail = f"query: this route has no parameter {name[:80]!r}"
            raise Refusal(422, "invalid-request", detail, hint, errors=found)


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "application/json"


def _shallow(value: Any) -> Any:
    """Return a value unless it is too deep, or has half of a surrogate pair, which no database can store."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [item for one in level for item in _inside(one)]
        if not level:
            break
    else:
        raise Refused(f"JSON with more than {MAX_DEPTH} levels")
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise Refused("JSON with half of a surrogate pair") from error
    return value


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
