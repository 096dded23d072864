"""The answers to probes."""

from fastapi import APIRouter, Request

from promptdb.api.openapi import problems
from promptdb.api.problems import RETRY_AFTER, Refusal
from promptdb.api.schemas import State
from promptdb.api.served import served
from promptdb.errors import PromptDBError

router = APIRouter(tags=["health"])


@router.get("/healthz", response_model=State)
async def healthz() -> dict[str, str]:
    """Report that the process answers."""
    return {"status": "ok"}


@router.get("/readyz", response_model=State, responses=problems())
def readyz(request: Request) -> dict[str, str]:
    """Report if the registry can be read."""
    try:
        served(request).changes(None)
    except PromptDBError as error:
        message = "the registry cannot be read"
        raise Refusal(503, "unavailable", message, "the server's log has the cause", headers=RETRY_AFTER) from error
    return {"status": "ready"}
