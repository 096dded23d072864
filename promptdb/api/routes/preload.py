"""Many versions in one request."""

import json
from collections.abc import Sequence

from fastapi import APIRouter, Request
from starlette.responses import Response

from promptdb.api.answers import files_of
from promptdb.api.auth import Reads, require_named
from promptdb.api.openapi import problems_of_body
from promptdb.api.problems import Refusal, status_of, wrong_value
from promptdb.api.schemas import PreloadBody, Preloaded
from promptdb.api.served import Served, served
from promptdb.api.strict_bodies import StrictRoute
from promptdb.domain.access import Grant, discreet
from promptdb.domain.refs import LATEST, PromptRef, parse_alias
from promptdb.domain.scopes import Action
from promptdb.domain.wire.changes import generation_text
from promptdb.domain.wire.problem import problem_fields
from promptdb.domain.wire.versions import encode_version
from promptdb.errors import InvalidRef, NotFound

router = APIRouter(tags=["clients"], route_class=StrictRoute)


@router.post("/preload", response_model=Preloaded, response_model_exclude_unset=True, responses=problems_of_body())
def preload(request: Request, grant: Reads, body: PreloadBody) -> Response:
    """Read the versions of an alias for all prompts that have it, or those of some references."""
    if body.refs is not None and (body.alias is not None or body.namespace is not None):
        raise wrong_value("body.refs", "cannot be combined with alias and namespace", "send two requests")
    found = served(request)
    # Before the versions, so that a change in between is found by the next look at the changes.
    generation = found.changes(None).generation
    start = {"generation": None if generation is None else generation_text(generation)}
    if body.refs is None:
        name, items = b"versions", _versions(found, grant, body.alias or "production", body.namespace)
    else:
        name, items = b"answers", [_answer(found, grant, text) for text in body.refs]
    parts = [json.dumps(start).encode()[:-1], b',"', name, b'":[', b",".join(items), b"]}"]
    return Response(b"".join(parts), media_type="application/json")


def _versions(found: Served, grant: Grant, alias: str, namespace: str | None) -> Sequence[bytes]:
    checked = alias if alias == LATEST else parse_alias(alias)
    versions = found.reader.find_all(checked, namespace)
    return [encode_version(stored, files_of) for stored in versions if grant.reads(stored.view.prompt)]


def _answer(found: Served, grant: Grant, text: str) -> bytes:
    start = json.dumps({"ref": text}).encode()[:-1]
    try:
        ref = PromptRef.parse(text)
        require_named(found.reader, grant, Action.READ, ref.prompt)
        stored = found.reader.find(ref)
    except Refusal as refusal:
        problem = refusal.fields
    except (InvalidRef, NotFound) as error:
        problem = problem_fields(discreet(error, grant), status_of(type(error)))
    else:
        return b"".join([start, b',"version":', encode_version(stored, files_of), b"}"])
    return b"".join([start, b',"problem":', json.dumps(problem).encode(), b"}"])
