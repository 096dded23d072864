"""The stream of changes of the registry."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from promptdb.api.auth import Reads
from promptdb.api.event_streams import EventStream
from promptdb.api.openapi import problems
from promptdb.api.problems import Refusal
from promptdb.api.routes.changes import generation_in
from promptdb.api.served import served
from promptdb.api.strict_bodies import StrictRoute

router = APIRouter(tags=["clients"], route_class=StrictRoute)

_EXAMPLE = """\
retry: 1000
event: changes
id: 6f1c9c5e-0a52-4a7f-9a3b-0d1f4a5b6c7d:42
data: {"generation":"6f1c9c5e-0a52-4a7f-9a3b-0d1f4a5b6c7d:42","everything":false,"prompts":["support/triage"]}

"""
_EVENT = {
    "type": "object",
    "description": "Each event of the stream. `data` is the text of what `changes` answers.",
    "properties": {
        "event": {"type": "string", "enum": ["changes", "goodbye"]},
        "id": {"type": "string"},
        "data": {"type": "string", "contentMediaType": "application/json"},
        "retry": {"type": "integer"},
    },
    "required": ["event", "data"],
}
_STREAM = {
    "description": "A stream of `changes`, with a comment every 15 seconds, and `goodbye` before the server ends.",
    "content": {"text/event-stream": {"schema": _EVENT, "example": _EXAMPLE}},
}


@router.get("/events", response_class=Response, responses={200: _STREAM, **problems(422)})
async def events(
    request: Request,
    grant: Reads,
    since: Annotated[str | None, Query(description="a generation from an earlier answer")] = None,
    last_event_id: Annotated[str | None, Header(description="the same; a client sends it when it reconnects")] = None,
) -> Response:
    """Report changes when they happen, as server-sent events. The first one comes at once, with those since a generation."""
    streams = served(request).streams
    since_then = generation_in(last_event_id, "header.Last-Event-ID") if last_event_id else generation_in(since)
    first = await streams.frame(since_then, grant)
    if streams.is_full_for(grant):
        message, hint = "the server has as many streams as it can", "ask /changes instead, or come back later"
        raise Refusal(503, "unavailable", message, hint, headers={"Retry-After": "10"})
    return EventStream(streams, grant, first)
