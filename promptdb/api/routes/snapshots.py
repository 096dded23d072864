"""Snapshots: all versions of an alias in one file, for clients that work without a server."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from promptdb.api.auth import Reads, require
from promptdb.api.names import AliasSegment
from promptdb.api.openapi import IF_NONE_MATCH, NOT_MODIFIED, problems
from promptdb.api.schemas import Text
from promptdb.api.served import served
from promptdb.api.strict_bodies import StrictRoute
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.scopes import Action

router = APIRouter(tags=["clients"], route_class=StrictRoute)

_FILE = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


@router.get(
    "/snapshots/{alias}",
    response_class=Response,
    responses={200: {"description": "The snapshot.", "content": _FILE}, **NOT_MODIFIED, **problems(404, 422)},
    openapi_extra={"parameters": [IF_NONE_MATCH]},
)
async def snapshot(
    request: Request,
    grant: Reads,
    alias: AliasSegment,
    namespace: Annotated[Text | None, Query(description="only the prompts in it and below it")] = None,
) -> Response:
    """Read the snapshot of an alias or of `latest`, without the bytes of assets."""
    # Who reads a namespace reads everything below it.
    require(grant, Action.READ, None if namespace is None else PromptId(namespace, "*"))
    answer = await run_in_threadpool(served(request).snapshots.read, alias, namespace)
    return answer.response(grant, request.headers.get("if-none-match"))
