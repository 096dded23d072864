"""The metrics of the server."""

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from promptdb.api.auth import READS_ALL
from promptdb.api.served import served

if TYPE_CHECKING:
    from promptdb.api.metrics import Metrics

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

router = APIRouter(tags=["health"], include_in_schema=False)


@router.get("/metrics", dependencies=[READS_ALL])
async def metrics(request: Request) -> Response:
    """Report the metrics of all workers, in the text form of Prometheus."""
    found: Metrics = request.app.state.metrics
    found.look(served(request))
    return Response(await run_in_threadpool(found.text, served(request)), media_type=MEDIA_TYPE)
