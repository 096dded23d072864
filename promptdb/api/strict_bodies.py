"""Routes whose JSON bodies have one meaning only."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from promptdb.api.problems import Refusal
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
        raise Refusal(400, "bad-request", f"the body cannot be read: {refused}") from refused


class StrictRoute(APIRoute):
    """A route that refuses bodies which parsers may understand in different ways, and those that are not JSON."""

    def get_route_handler(self) -> _Handler:
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def strict(request: Request) -> Response:
            request = _StrictRequest(request.scope, request.receive)
            if await request.body() and not _is_json(request.headers.get("content-type", "")):
                hint = "send the header Content-Type: application/json"
                raise Refusal(415, "unsupported-media-type", "the body must be JSON", hint)
            return await handle(request)

        return strict


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
