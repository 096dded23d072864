"""The version that a reference names."""

from typing import Annotated

from fastapi import APIRouter, Header, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from promptdb.api.names import PromptSegment, Selector, prompt_of
from promptdb.api.openapi import problems
from promptdb.api.schemas import Version
from promptdb.api.served import served
from promptdb.domain.refs import LATEST

router = APIRouter(tags=["prompts"])


@router.get(
    "/prompts/{prompt}/resolve",
    response_model=Version,
    responses={304: {"description": "The client has this answer."}, **problems(404, 422)},
)
async def resolve(
    request: Request,
    prompt: PromptSegment,
    selector: Selector = LATEST,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Find the version that a selector names, with its spec and its list of assets."""
    text = f"{prompt_of(prompt)}:{selector}"
    answers = served(request).answers
    found = answers.at_hand(text)
    if found is None:
        found = await run_in_threadpool(answers.fetch, text)
    return found.response(if_none_match)
