"""Versions, the newest first: of one prompt and of all."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from promptdb.api.auth import READS, Reads
from promptdb.api.names import PromptSegment, prompt_of
from promptdb.api.openapi import problems
from promptdb.api.paging import DEFAULT_LIMIT, Cursor, Limit, key_in, page
from promptdb.api.schemas import ListedVersion, Page
from promptdb.api.served import served
from promptdb.api.strict_bodies import StrictRoute
from promptdb.domain.json_fields import number, time, typed
from promptdb.domain.refs import MAX_REVISION
from promptdb.domain.views import LogEntry
from promptdb.domain.wire.versions import view_fields
from promptdb.registry.listings import list_all_versions, list_versions

router = APIRouter(tags=["versions"], route_class=StrictRoute)


@router.get(
    "/prompts/{prompt}/versions", response_model=Page[ListedVersion], dependencies=[READS], responses=problems(404, 422)
)
def versions_of_prompt(
    request: Request,
    response: Response,
    prompt: PromptSegment,
    below: Annotated[int | None, Query(ge=1, le=MAX_REVISION, description="only revisions below this one")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """List the versions of a prompt, with their origins and the aliases that point at them."""
    before = key_in(request, cursor, lambda key: number(key[0], 1, MAX_REVISION)) or below
    found = list_versions(served(request).reader.registry, prompt_of(prompt), before, limit + 1)
    return _page(request, response, found, limit, by_revision=True)


@router.get("/versions", response_model=Page[ListedVersion], responses=problems(422))
def versions(
    request: Request, response: Response, grant: Reads, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
) -> dict[str, Any]:
    """List the versions of all prompts, with their origins and the aliases that point at them."""
    before = key_in(request, cursor, _time_and_id)
    found = list_all_versions(served(request).reader.registry, grant.reads, before, limit + 1)
    return _page(request, response, found, limit, by_revision=False)


def _time_and_id(key: list[Any]) -> tuple[datetime, UUID]:
    at, version_id = key
    return time(at), UUID(typed(version_id, str))


def _page(
    request: Request, response: Response, found: list[LogEntry], limit: int, *, by_revision: bool
) -> dict[str, Any]:
    def key_of(entry: LogEntry) -> list[Any]:
        view = entry.version
        return [view.revision] if by_revision else [view.created_at.isoformat(), str(view.id)]

    answer = page(request, response, found, limit, key_of)
    items = [{**view_fields(e.version), "source": e.source, "aliases": e.aliases} for e in answer["items"]]
    return {**answer, "items": items}
