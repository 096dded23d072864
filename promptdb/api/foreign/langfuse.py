"""Langfuse's API for reading prompts, so that its applications can try promptdb by another host and key.

The answers are those of `GET /api/public/v2/prompts/{name}`, as Langfuse's SDK 5 reads them.
"""

import json
from typing import Any
from urllib.parse import unquote

from fastapi import APIRouter, Request
from starlette.responses import Response

from promptdb.api.auth import grant_of, require_found, require_named
from promptdb.api.problems import Refusal, one_text
from promptdb.api.served import Served, served
from promptdb.domain.access import Grant
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import LATEST, parse_alias
from promptdb.domain.scopes import Action
from promptdb.domain.spec import PromptSpec
from promptdb.errors import InvalidRef, NotFound, TemplateError
from promptdb.neighbours.foreign import Loss, NotHeld
from promptdb.neighbours.outgoing.langfuse import config, content
from promptdb.render.resolved import ResolvedPrompt

PREFIX = "/api/public"
"""Its clients send the token as the secret key: the password of HTTP Basic."""

DEFAULT_LABEL = "production"

_MAX_VERSION = 2**31 - 1

router = APIRouter(prefix=PREFIX, include_in_schema=False)


@router.get("/v2/prompts/{name:path}")
def prompt(request: Request, name: str) -> Response:
    """Find a prompt by its name, and by its version or label.

    The parameter `resolve` plays no part: fragments are resolved when a file is read.
    """
    asked, grant = unquote(name), grant_of(request)
    try:
        selector = _selector(request.query_params.get("version"), request.query_params.get("label"))
        return _answer(200, _found(served(request), grant, asked, selector))
    except NotFound as error:
        return _failure(404, "LangfuseNotFoundError", one_text(error, grant))
    except InvalidRef as error:
        return _failure(400, "InvalidRequestError", one_text(error, grant))
    except TemplateError as error:
        return _failure(422, "UnprocessableContentError", one_text(error, grant))
    except Refusal as refusal:
        return _answer(refusal.status_code, {"message": str(refusal.detail), "error": "ForbiddenError"})


def _selector(version: str | None, label: str | None) -> str:
    if version is None:
        return label if label == LATEST else parse_alias(label or DEFAULT_LABEL)
    if label is not None:
        raise InvalidRef("a request has a version or a label, not both")
    if not (version.isascii() and version.isdigit()) or not 0 < int(version[:12]) <= _MAX_VERSION:
        raise InvalidRef(f"{version[:40]!r} is not a version", "a version is the number of a revision")
    return f"rev:{int(version)}"


def _found(registry: Served, grant: Grant, asked: str, selector: str) -> dict[str, Any]:
    name = PromptId.parse(asked)
    require_named(registry.reader, grant, Action.READ, name)
    found = registry.prompt(f"{name}:{selector}")
    require_found(grant, name, found.prompt)
    written = _content(found.spec)
    return {
        "id": str(found.version.id),
        # As it was asked for: the SDK keeps answers by it.
        "name": asked,
        "version": found.version.revision,
        "type": "text" if isinstance(written, str) else "chat",
        "prompt": written,
        "config": config(found.spec, []),
        "labels": _labels(registry, found),
        "tags": list(found.spec.metadata.tags),
        "commitMessage": None,
        "createdBy": found.version.created_by,
        "createdAt": found.version.created_at.isoformat(),
        "updatedAt": found.version.created_at.isoformat(),
    }


def _content(spec: PromptSpec) -> str | list[dict[str, Any]]:
    """Write the prompt in Langfuse's form. Raise TemplateError if an application would send something else to its model."""
    losses: list[Loss] = []
    try:
        written = content(spec, losses)
    except NotHeld as error:
        raise _no_form(str(error)) from error
    if lost := next((loss for loss in losses if loss.place.endswith((".name", ".additional_kwargs"))), None):
        raise _no_form(str(lost))
    if isinstance(written, str):
        return written
    return [item if "type" in item else {"type": "chatmessage", **item} for item in written]


def _no_form(reason: str) -> TemplateError:
    return TemplateError(f"this prompt has no form in Langfuse: {reason}", "read it with promptdb's own client or API")


def _labels(registry: Served, found: ResolvedPrompt) -> list[str]:
    revision = found.version.revision
    aliases = registry.reader.aliases(str(found.prompt))
    labels = sorted(one.alias for one in aliases if one.revision == revision)
    newest = registry.prompt(f"{found.prompt}:{LATEST}")
    return [*labels, LATEST] if newest.version.revision == revision else labels


def _failure(status: int, kind: str, message: str) -> Response:
    return _answer(status, {"message": message, "error": kind})


def _answer(status: int, fields: dict[str, Any]) -> Response:
    return Response(json.dumps(fields).encode(), status, media_type="application/json")
