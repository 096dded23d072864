"""Routes whose parameters are all known, and whose JSON bodies have one meaning only."""

import json
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.responses import Response

from promptdb.api.problems import Refusal, wrong_value
from promptdb.domain.nearest import nearest
from promptdb.transfer.strict_json import Refused, strict_json

MAX_DEPTH = 100
"""The most levels of lists and objects."""

MAX_VALUES = 50_000
"""The most texts, numbers, lists and objects. Some work for a spec is for each of them, and takes longer than to send it."""

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
            _require_clear_query(request, names)
            if self.body_field is None:
                return await handle(request)
            request = _StrictRequest(request.scope, request.receive)
            if await request.body():
                _require_plain_json(request.headers)
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


def _require_clear_query(request: Request, names: frozenset[str]) -> None:
    given = [name for name, _ in request.query_params.multi_items()]
    # Otherwise a filter with a typing error would give everything.
    for name in given:
        if name not in names:
            near = nearest(name, names)
            known = f"its parameters are {', '.join(sorted(names))}" if names else "it has none"
            hint = f"did you mean {near}?" if near else known
            found = [{"place": f"query.{name[:80]}", "message": "not a parameter"}]
            detail = f"query: this route has no parameter {name[:80]!r}"
            raise Refusal(422, "invalid-request", detail, hint, errors=found)
    if len(given) > len(set(given)):
        # A proxy that checks the first could be passed with the second.
        twice = next(name for name in given if given.count(name) > 1)
        raise wrong_value(f"query.{twice}", "is given twice", "send it once")


def _require_plain_json(headers: Headers) -> None:
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        hint = "send the header Content-Type: application/json"
        raise Refusal(415, "unsupported-media-type", "Content-Type must be application/json", hint)
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        hint = "send it without the header Content-Encoding"
        raise Refusal(415, "unsupported-media-type", "the body must not be compressed", hint)


def _shallow(value: Any) -> Any:
    """Return a value unless it is too deep or too large, or has half of a surrogate pair, which no database can store."""
    level, count = [value], 1
    for _ in range(MAX_DEPTH):
        level = [item for one in level for item in _inside(one)]
        if not level:
            break
        count += len(level)
        if count > MAX_VALUES:
            detail = f"the body has more than {MAX_VALUES:,} values"
            raise Refusal(413, "too-large", detail, "each text, number, list and object counts as one")
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
