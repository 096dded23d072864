"""Renders versions with the values of a request."""

import json
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from promptdb.api.auth import READS
from promptdb.api.names import PromptSegment, Selector, prompt_of
from promptdb.api.openapi import problems_of_body
from promptdb.api.schemas import RenderBody, Rendered
from promptdb.api.served import served
from promptdb.api.strict_bodies import StrictRoute
from promptdb.domain.refs import LATEST
from promptdb.domain.wire.versions import view_fields
from promptdb.errors import RenderError
from promptdb.render.messages import as_text
from promptdb.render.resolved import ResolvedPrompt
from promptdb.render.work import work_of_a_request

router = APIRouter(tags=["prompts"], route_class=StrictRoute)

MAX_ANSWER = 32 * 1024 * 1024
"""Bytes of the answer, which may have images."""


@router.post(
    "/prompts/{prompt}/render",
    response_model=Rendered,
    response_model_exclude_unset=True,
    dependencies=[READS],
    responses=problems_of_body(404),
)
def render(request: Request, prompt: PromptSegment, body: RenderBody, selector: Selector = LATEST) -> Response:
    """Render a version. The answer has its text and messages, or the form that `as` names."""
    found = served(request).prompt(f"{prompt_of(prompt)}:{selector}")
    if body.ignore_extra:
        found = found.ignoring_extra()
    with work_of_a_request():
        rendered = _rendered(found, body)
    answer = {"version": view_fields(found.version), "alias": found.alias, **rendered}
    data = json.dumps(answer, ensure_ascii=False).encode(errors="backslashreplace")
    if len(data) > MAX_ANSWER:
        raise RenderError(f"the answer has more than {MAX_ANSWER:,} bytes", "render this prompt in the application")
    return Response(data, media_type="application/json")


def _rendered(found: ResolvedPrompt, body: RenderBody) -> dict[str, Any]:
    if body.as_ in ("openai", "anthropic"):
        make = found.to_openai if body.as_ == "openai" else found.to_anthropic
        return {"request": make(body.variables)}
    messages = found.render_messages(body.variables)
    parts = {
        "text": messages[0].text if found.spec.kind == "string" else as_text(messages),
        "messages": [message.as_dict() for message in messages],
    }
    return parts if body.as_ is None else {body.as_: parts[body.as_]}
