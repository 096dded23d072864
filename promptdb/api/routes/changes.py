"""Changes of the registry since a generation, at once or when there are any."""

from time import monotonic
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool

from promptdb.api.auth import Reads
from promptdb.api.openapi import problems
from promptdb.api.problems import wrong_value
from promptdb.api.schemas import Changes
from promptdb.api.served import served
from promptdb.api.strict_bodies import StrictRoute
from promptdb.domain.delivery import Generation
from promptdb.domain.json_fields import Wrong
from promptdb.domain.wire.changes import changes_fields, parse_generation

MAX_WAIT = 30.0

router = APIRouter(tags=["clients"], route_class=StrictRoute)


@router.get("/changes", response_model=Changes, responses=problems(422))
async def changes(
    request: Request,
    grant: Reads,
    since: Annotated[str | None, Query(description="a generation from an earlier answer")] = None,
    wait: Annotated[float, Query(ge=0, le=MAX_WAIT, description="seconds to wait for a change")] = 0,
) -> dict[str, Any]:
    """Report the prompts that changed after a generation. Without `since`, any prompt may have changed."""
    generation = generation_in(since)
    found = served(request)
    hub, ends_at = found.hub, monotonic() + wait
    while True:
        # First, so that no change between the look and the wait is missed.
        news = hub.news
        answer = await run_in_threadpool(found.changes, generation)
        left = ends_at - monotonic()
        if answer.generation != generation or left <= 0 or hub.is_closed:
            break
        await hub.wait(news, left)
    return changes_fields(grant.visible(answer))


def generation_in(text: str | None, place: str = "query.since") -> Generation | None:
    """Read a generation. Raise Refusal, which names the place, if it is not the text of one."""
    try:
        return None if text is None else parse_generation(text)
    except Wrong as error:
        hint = "send a generation as an answer had it, or omit it"
        raise wrong_value(place, str(error), hint) from error
