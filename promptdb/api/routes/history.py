"""The past of aliases, and the syncs of the registry."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator, AwareDatetime, BeforeValidator

from promptdb.api.alias_schemas import Blame, Move
from promptdb.api.auth import READS, READS_ALL, Reads, require_named
from promptdb.api.names import PromptSegment, prompt_of
from promptdb.api.openapi import problems
from promptdb.api.paging import DEFAULT_LIMIT, MAX_NUMBER, Cursor, Limit, key_in, page
from promptdb.api.schemas import Page, SyncRun, Text
from promptdb.api.served import served
from promptdb.api.strict_bodies import StrictRoute
from promptdb.domain.json_fields import number, time, typed
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.scopes import Action
from promptdb.domain.views import AliasEventView, BlameEntry
from promptdb.registry.listings import list_all_moves, list_moves, list_runs

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
"""RFC 3339. Otherwise a number would be a time too."""

router = APIRouter(tags=["history"], route_class=StrictRoute)


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("the year is out of range") from None


def _iso(value: str) -> str:
    if not _TIME.fullmatch(value):
        raise ValueError("write it as 2026-11-30T14:05:00Z")
    return value


OfAlias = Annotated[Text | None, Query(description="only the moves of this alias")]
Time = Annotated[AwareDatetime, BeforeValidator(_iso), AfterValidator(_in_utc)]


@router.get("/prompts/{prompt}/history", response_model=Page[Move], dependencies=[READS], responses=problems(404, 422))
def history(
    request: Request,
    response: Response,
    prompt: PromptSegment,
    alias: OfAlias = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """List the moves of a prompt's aliases, the newest first."""
    found = list_moves(served(request).reader.registry, prompt_of(prompt), alias, _before(request, cursor), limit + 1)
    return _moves(request, response, found, limit)


@router.get("/history", response_model=Page[Move], responses=problems(422))
def whole_history(
    request: Request,
    response: Response,
    grant: Reads,
    alias: OfAlias = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """List the moves of the aliases of all prompts, the newest first."""
    found = list_all_moves(served(request).reader.registry, grant.reads, alias, _before(request, cursor), limit + 1)
    return _moves(request, response, found, limit)


def _before(request: Request, cursor: str | None) -> int | None:
    return key_in(request, cursor, lambda key: number(key[0], 1, MAX_NUMBER))


def _moves(request: Request, response: Response, found: list[tuple[int, AliasEventView]], limit: int) -> dict[str, Any]:
    answer = page(request, response, found, limit, lambda numbered: [numbered[0]])
    return {**answer, "items": [move for _, move in answer["items"]]}


@router.get("/blame", response_model=Page[Blame], responses=problems(404, 422))
def blame(
    request: Request,
    response: Response,
    grant: Reads,
    at: Annotated[Time | None, Query(description="a time in ISO 8601 with its offset; by default now")] = None,
    prompt: Annotated[Text | None, Query(description="only the aliases of this prompt")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """List the aliases with the versions that they pointed at, and the moves that had brought them there."""
    # Without a time, all pages are of the time of the first one.
    start = key_in(request, cursor, lambda key: (time(key[0]), (typed(key[1], str), typed(key[2], str))))
    moment, after = start or (at or datetime.now(UTC), None)
    reader = served(request).reader
    if prompt is not None:
        require_named(reader, grant, Action.READ, PromptId.parse(prompt))
    entries = [entry for entry in reader.blame(moment, prompt) if grant.reads(entry.prompt)]
    found = sorted((entry for entry in entries if after is None or _key(entry) > after), key=_key)
    return page(request, response, found[: limit + 1], limit, lambda entry: [moment.isoformat(), *_key(entry)])


def _key(entry: BlameEntry) -> tuple[str, str]:
    return str(entry.prompt), entry.alias


@router.get("/sync-runs", response_model=Page[SyncRun], dependencies=[READS_ALL], responses=problems(422))
def sync_runs(
    request: Request, response: Response, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
) -> dict[str, Any]:
    """List the recorded syncs, the newest first."""
    before = key_in(request, cursor, lambda key: number(key[0], 1, MAX_NUMBER))
    found = list_runs(served(request).reader.registry, before, limit + 1)
    return page(request, response, found, limit, lambda run: [run.id])
