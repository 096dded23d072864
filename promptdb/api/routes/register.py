"""New versions of prompts."""

from functools import partial

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from promptdb.api.auth import Writes, require_named
from promptdb.api.names import address
from promptdb.api.openapi import problems_of_body
from promptdb.api.preconditions import lacks_condition, refuse_headers_of_moves, unconditional
from promptdb.api.problems import wrong_value
from promptdb.api.served import served
from promptdb.api.strict_bodies import StrictRoute
from promptdb.api.write_schemas import RegisterBody, Registered
from promptdb.api.writing import write
from promptdb.domain.access import Grant
from promptdb.domain.alias_condition import Condition
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.scopes import Action
from promptdb.domain.wire.versions import view_fields
from promptdb.registry.reader import RegistryReader
from promptdb.sync.alias_moves import Pointing

router = APIRouter(tags=["prompts"], route_class=StrictRoute)

_CONDITION = 'send "expected" in the body: the revision that the alias points at, or null if it must not exist'
_INSTEAD = {
    "If-Match": _CONDITION,
    "If-None-Match": _CONDITION,
    "Idempotency-Key": 'omit it: the newest content makes no version again. "expected" in the body guards the alias',
}
"""Headers that would change what a request means if they were obeyed, and so must not be ignored."""


@router.post(
    "/prompts/register",
    response_model=Registered,
    status_code=201,
    responses={
        200: {"model": Registered, "description": "The newest version has this content already."},
        **problems_of_body(404, 409, 428),
    },
)
async def register(request: Request, grant: Writes, body: RegisterBody) -> Response:
    """Add a version of a prompt, unless its newest version has the same content.

    `Location` is the address of the version. It needs the scope `write` for the prompt and, with an alias, `promote` for that.
    """
    refuse_headers_of_moves(request, _INSTEAD)
    found, prompt = served(request), PromptId.parse(body.prompt)
    pointing = _pointing(body)
    await run_in_threadpool(_require, found.reader, grant, prompt, body.alias)
    service = found.service_for(grant)
    registry = found.reader.registry
    if pointing is not None and lacks_condition(registry, pointing.alias, Condition(pointing.expected)):
        raise unconditional(pointing.alias, 'send "expected": REVISION, or null if the alias must not exist')
    registered = await write(found, partial(service.register_spec, str(prompt), body.spec, alias=pointing))
    version = registered.version
    fields = {"created": registered.created, "revived": registered.revived, "alias": body.alias}
    place = address(request, "prompts", version.prompt, f"resolve?selector=rev:{version.revision}")
    status = 201 if registered.created else 200
    return JSONResponse({"version": view_fields(version), **fields}, status, {"Location": place})


def _require(reader: RegistryReader, grant: Grant, prompt: PromptId, alias: str | None) -> None:
    require_named(reader, grant, Action.WRITE, prompt)
    if alias is not None:
        require_named(reader, grant, Action.PROMOTE, prompt, alias)


def _pointing(body: RegisterBody) -> Pointing | None:
    if body.alias is None:
        given = {
            "expected": body.expects != "any",
            "reason": body.reason is not None,
            "allow_breaking": body.allow_breaking,
        }
        for name in (name for name, is_given in given.items() if is_given):
            raise wrong_value(f"body.{name}", "is about an alias, and there is none", 'add "alias", or omit this')
        return None
    return Pointing(body.alias, body.reason, body.allow_breaking, body.expects)
