"""The aliases of a prompt: their targets, and their moves."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from promptdb.api.alias_answers import alias_fields, answer_to
from promptdb.api.auth import READS, Promotes, present_name
from promptdb.api.caching import CHECKED, names
from promptdb.api.names import AliasSegment, PromptSegment, prompt_of
from promptdb.api.openapi import NOT_MODIFIED, problems, problems_of_body
from promptdb.api.preconditions import (
    IdempotencyKey,
    IfMatch,
    IfNoneMatch,
    condition_of,
    etag_of,
    key_of,
    lacks_condition,
    unconditional,
)
from promptdb.api.problems import Refusal, wrong_value
from promptdb.api.schemas import Text
from promptdb.api.served import served
from promptdb.api.strict_bodies import StrictRoute
from promptdb.api.write_schemas import Alias, Aliases, MadeMove, MoveBody, Release, ReleaseBody, RollbackBody, SplitBody
from promptdb.api.writing import write
from promptdb.domain.access import Grant
from promptdb.domain.alias_condition import Expected, alias_state
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import MAX_REVISION, parse_alias
from promptdb.domain.scopes import Action
from promptdb.domain.wire.problem import problem_fields
from promptdb.errors import AliasMoved, NotFound
from promptdb.registry.reader import RegistryReader
from promptdb.registry.requested_moves import RequestedMove, move_alias

router = APIRouter(tags=["aliases"], route_class=StrictRoute)

_HEADERS = {"ETag": {"description": "The state of the alias, for `If-Match`.", "schema": {"type": "string"}}}
_OF_MOVES = (404, 409, 412, 428)
_MADE: dict[int | str, dict[str, Any]] = {
    200: {"headers": _HEADERS},
    201: {"model": MadeMove, "description": "The alias did not exist before.", "headers": _HEADERS},
    **problems_of_body(*_OF_MOVES),
}
_HINT = 'send its ETag as If-Match, or "expected" with the revision that it points at'
_HINT_OF_NEW = 'the alias does not exist: send If-None-Match: *, or "expected": null'


@router.get("/prompts/{prompt}/aliases", response_model=Aliases, dependencies=[READS], responses=problems(404, 422))
def list_aliases(request: Request, prompt: PromptSegment) -> Response:
    """List the aliases of a prompt."""
    views = served(request).reader.aliases(str(prompt_of(prompt)))
    return JSONResponse({"items": [alias_fields(view) for view in views], "next": None})


@router.get(
    "/prompts/{prompt}/aliases/{alias}",
    response_model=Alias,
    dependencies=[READS],
    responses={
        200: {"headers": _HEADERS},
        **NOT_MODIFIED,
        **problems(404, 422),
    },
)
def read_alias(
    request: Request,
    prompt: PromptSegment,
    alias: AliasSegment,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Read the target of an alias. Its `ETag` changes with each move, also if the alias comes back to the same version."""
    parse_alias(alias)
    views = {view.alias: view for view in served(request).reader.aliases(str(prompt_of(prompt)))}
    if alias not in views:
        raise NotFound(f"{prompt_of(prompt)} has no alias {alias!r}", f"it has {', '.join(views) or 'none'}")
    found = views[alias]
    headers = {"ETag": etag_of(alias_state(found), held=found.held), "Cache-Control": CHECKED}
    if if_none_match is not None and names(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return JSONResponse(alias_fields(found), headers=headers)


@router.put(
    "/prompts/{prompt}/aliases/{alias}",
    response_model=MadeMove,
    responses=_MADE,
)
async def promote(
    request: Request,
    grant: Promotes,
    prompt: PromptSegment,
    alias: AliasSegment,
    body: MoveBody,
    if_match: IfMatch = None,  # noqa: ARG001
    if_none_match: IfNoneMatch = None,  # noqa: ARG001
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001
) -> Response:
    """Point an alias at a version. A protected alias moves only with `If-Match`, `If-None-Match` or `expected`."""
    more = {"selector": body.selector, "allow_breaking": body.allow_breaking}
    return await _move(request, grant, prompt, alias, "promote", body.expects, body.reason, **more)


@router.put(
    "/prompts/{prompt}/aliases/{alias}/split",
    response_model=MadeMove,
    responses=_MADE,
)
async def split(
    request: Request,
    grant: Promotes,
    prompt: PromptSegment,
    alias: AliasSegment,
    body: SplitBody,
    if_match: IfMatch = None,  # noqa: ARG001
    if_none_match: IfNoneMatch = None,  # noqa: ARG001
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001
) -> Response:
    """Give a part of the keys other versions than the rest. The conditions are those of a move.

    Any other move of the alias ends the split, and a rollback brings it back.
    """
    arms = tuple((arm.selector, arm.weight) for arm in body.arms)
    more = {"arms": arms, "allow_breaking": body.allow_breaking}
    return await _move(request, grant, prompt, alias, "split", body.expects, body.reason, **more)


@router.delete(
    "/prompts/{prompt}/aliases/{alias}",
    response_model=MadeMove,
    responses=problems_of_body(*_OF_MOVES),
)
async def delete_alias(
    request: Request,
    grant: Promotes,
    prompt: PromptSegment,
    alias: AliasSegment,
    expected: Annotated[
        int | None, Query(ge=1, le=MAX_REVISION, description="the revision that the alias must point at now")
    ] = None,
    reason: Annotated[Text | None, Query()] = None,
    if_match: IfMatch = None,  # noqa: ARG001
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001
) -> Response:
    """Remove an alias, and keep its history. The conditions are those of a move. The request has no body."""
    if await request.body():
        raise wrong_value("body", "this request has no body", "expected and reason are in the query")
    return await _move(request, grant, prompt, alias, "delete", "any" if expected is None else expected, reason)


@router.post(
    "/prompts/{prompt}/aliases/{alias}/rollback",
    response_model=MadeMove,
    responses={200: {"headers": _HEADERS}, **problems_of_body(*_OF_MOVES)},
)
async def roll_back(
    request: Request,
    grant: Promotes,
    prompt: PromptSegment,
    alias: AliasSegment,
    body: RollbackBody | None = None,
    if_match: IfMatch = None,  # noqa: ARG001
    idempotency_key: IdempotencyKey = None,  # noqa: ARG001
) -> Response:
    """Return an alias to its previous target, even if that breaks callers. The conditions are those of a move.

    Each further rollback goes back one more step, so send an `Idempotency-Key` if you may send the request twice.
    """
    body = body or RollbackBody()
    return await _move(request, grant, prompt, alias, "rollback", body.expects, body.reason)


@router.post(
    "/prompts/{prompt}/aliases/{alias}/release",
    response_model=Release,
    responses=problems_of_body(404, 409),
)
async def release_alias(
    request: Request, grant: Promotes, prompt: PromptSegment, alias: AliasSegment, body: ReleaseBody | None = None
) -> Response:
    """End the hold of an alias that was moved by hand: the next sync moves it to where git has it."""
    found, reason = served(request), None if body is None else body.reason
    work = partial(found.service_for(grant).release_alias, str(prompt_of(prompt)), alias, reason=reason)
    hold = await write(found, work)
    revisions = {"revision": hold.revision, "git_revision": hold.git.revision}
    return JSONResponse({"prompt": str(hold.prompt), "alias": hold.alias, **revisions})


def _exists(reader: RegistryReader, prompt: PromptId, alias: str) -> bool:
    return any(view.alias == alias for view in reader.aliases(str(prompt)))


async def _move(
    request: Request,
    grant: Grant,
    segment: str,
    alias: str,
    action: Any,
    expected: Expected,
    reason: str | None,
    **more: Any,
) -> Response:
    found, prompt = served(request), prompt_of(segment)
    key, condition = await key_of(request, grant.token_id), condition_of(request, expected)
    name = await run_in_threadpool(present_name, found.reader, grant, Action.PROMOTE, prompt, alias)
    registry = await run_in_threadpool(lambda: found.service_for(grant).registry)
    wanted = RequestedMove(name, alias, action, condition, reason=reason, **more)
    if lacks_condition(registry, alias, condition):
        is_new = action in ("promote", "split") and not await run_in_threadpool(_exists, found.reader, name, alias)
        raise unconditional(alias, _HINT_OF_NEW if is_new else _HINT)
    try:
        kept = await write(found, partial(move_alias, registry, wanted, key, answer_to))
    except AliasMoved as error:
        if not condition.names_state:
            raise
        details = {name: value for name, value in problem_fields(error, 412).items() if name == "last_move"}
        raise Refusal(412, "precondition-failed", error.message, error.hint, **details) from error
    if key is not None and kept.fingerprint not in (None, key.fingerprint):
        hint = "a new request needs a new key"
        raise Refusal(422, "idempotency-key-reused", "this Idempotency-Key came with another request", hint)
    headers = {"ETag": kept.etag} if kept.etag is not None else None
    return Response(kept.body, kept.status, headers, "application/json")
