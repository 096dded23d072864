"""The version that a reference names."""

from typing import Annotated

from fastapi import APIRouter, Header, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from promptdb.api.auth import ReadsFound, require_found, require_named
from promptdb.api.names import PromptSegment, Selector, prompt_of
from promptdb.api.openapi import problems
from promptdb.api.schemas import Version
from promptdb.api.served import served
from promptdb.domain.refs import LATEST
from promptdb.domain.scopes import Action
from promptdb.errors import NotFound

router = APIRouter(tags=["prompts"])


@router.get(
    "/prompts/{prompt}/resolve",
    response_model=Version,
    responses={304: {"description": "The client has this answer."}, **problems(404, 422)},
)
async def resolve(
    request: Request,
    grant: ReadsFound,
    prompt: PromptSegment,
    selector: Selector = LATEST,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Find the version that a selector names, with its spec and its list of assets."""
    name = prompt_of(prompt)
    text, answers = f"{name}:{selector}", served(request).answers
    found = answers.at_hand(text)
    if found is None:
        try:
            found = await run_in_threadpool(answers.fetch, text)
        except NotFound:
            # The message may have a name outside of the scope.
            await run_in_threadpool(require_named, served(request).reader, grant, Action.READ, name)
            raise
    require_found(grant, name, found.prompt)
    return found.response(if_none_match)
