"""The version that a reference names."""

from functools import partial

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from promptdb.api.auth import SAYS_READS, reads, require_found, require_named
from promptdb.api.names import KEY, PROMPT, SELECTOR
from promptdb.api.openapi import IF_NONE_MATCH, NOT_MODIFIED, problems
from promptdb.api.schemas import Version
from promptdb.api.served import served
from promptdb.api.strict_bodies import StrictRoute
from promptdb.domain.refs import LATEST
from promptdb.domain.scopes import Action
from promptdb.errors import NotFound

router = APIRouter(tags=["prompts"], route_class=StrictRoute)


@router.get(
    "/prompts/{prompt}/resolve",
    response_model=Version,
    responses={**NOT_MODIFIED, **problems(404, 422)},
    openapi_extra={"parameters": [PROMPT, SELECTOR, KEY, IF_NONE_MATCH], **SAYS_READS},
)
async def resolve(request: Request) -> Response:
    """Find the version that a selector names, with its spec and its list of assets.

    With a key, an alias with a traffic split gives the arm of the key. Without one, it gives the control with all arms.
    """
    # Most answers that are in memory do not come from here: see `Shortcut`.
    grant, name = reads(request)
    text, answers = f"{name}:{request.query_params.get('selector', LATEST)}", served(request).answers
    key = request.query_params.get("key")
    found = answers.at_hand(text) if key is None else None
    if found is None:
        try:
            found = await run_in_threadpool(answers.fetch if key is None else partial(answers.for_key, key=key), text)
        except NotFound:
            # The message may have a name outside of the scope.
            await run_in_threadpool(require_named, served(request).reader, grant, Action.READ, name)
            raise
    require_found(grant, name, found.prompt)
    return found.response(grant, request.headers.get("if-none-match"))
