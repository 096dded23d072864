"""OpenFeature's remote evaluation protocol (OFREP 0.3.0), which makes every OpenFeature SDK a client.

A flag is a prompt, and its value is the prompt rendered with the attributes of the context.
The protocol: https://github.com/open-feature/protocol.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from promptdb.api.answers import Encoded
from promptdb.api.auth import grant_of, require_named
from promptdb.api.caching import ALIAS
from promptdb.api.problems import Refusal, one_text
from promptdb.api.routes.render import MAX_ANSWER
from promptdb.api.served import Served, served
from promptdb.api.strict_bodies import strict_body
from promptdb.domain.access import Grant
from promptdb.domain.refs import PromptRef
from promptdb.domain.scopes import Action
from promptdb.domain.views import StoredVersion
from promptdb.errors import IntegrityFailure, InvalidRef, MissingVariables, NotFound, RenderError
from promptdb.render.flag_form import (
    DEFAULT_ALIAS,
    flag_metadata,
    object_value,
    reference_of,
    split_key,
    text_value,
    variant_of,
)
from promptdb.render.resolved import ResolvedPrompt, resolved_for
from promptdb.render.work import REQUEST_CHARACTERS, REQUEST_STEPS, limited_work

_log = logging.getLogger("promptdb.api")

PREFIX = "/ofrep/v1"

MAX_BULK_STEPS, MAX_BULK_CHARACTERS = 4 * REQUEST_STEPS, MAX_ANSWER
"""The limits of all prompts of a bulk evaluation together."""

_EXCESS = "the templates make too much text, or take too long together", "give shorter values"

router = APIRouter(prefix=PREFIX, include_in_schema=False)


@router.post("/evaluate/flags/{key:path}")
async def evaluate(request: Request, key: str) -> Response:
    """Evaluate one flag."""
    name = unquote(key)
    try:
        context = _context(await request.body())
    except ValueError as error:
        return _answer(400, _failure(name, "PARSE_ERROR", str(error)))
    return await run_in_threadpool(_evaluated, served(request), grant_of(request), name, context)


@router.post("/evaluate/flags")
async def evaluate_all(request: Request) -> Response:
    """Evaluate every prompt that has the default alias and that the token may read."""
    try:
        context = _context(await request.body())
    except ValueError as error:
        return _answer(400, _failure(None, "PARSE_ERROR", str(error)))
    grant = grant_of(request)
    found = await run_in_threadpool(_bulk, served(request), grant, context)
    return found.response(grant, request.headers.get("if-none-match"))


def _context(body: bytes) -> dict[str, Any]:
    """Read the attributes of the context. Raise ValueError if the body is wrong."""
    try:
        data = strict_body(body) if body else {}
    except Refusal as error:
        raise ValueError(str(error.detail)) from error
    context = data.get("context", {}) if isinstance(data, dict) else None
    if not isinstance(context, dict):
        raise ValueError("the body is an object with the field context, which is an object")
    return context


def _evaluated(registry: Served, grant: Grant, key: str, context: Mapping[str, Any]) -> Response:
    text = reference_of(key)
    try:
        require_named(registry.reader, grant, Action.READ, PromptRef.parse(text).prompt)
        prompt = registry.prompt(text, split_key(context))
    except (InvalidRef, NotFound) as error:
        return _answer(404, _failure(key, "FLAG_NOT_FOUND", one_text(error, grant)))
    with limited_work(REQUEST_STEPS, REQUEST_CHARACTERS, _EXCESS):
        found = _flag(key, prompt, context)
    return _answer(400 if "errorCode" in found else 200, found)


def _bulk(registry: Served, grant: Grant, context: Mapping[str, Any]) -> Encoded:
    flags: list[str] = []
    size = 0
    with limited_work(MAX_BULK_STEPS, MAX_BULK_CHARACTERS, _EXCESS):
        for stored in registry.reader.find_all(DEFAULT_ALIAS):
            if grant.reads(stored.view.prompt):
                flags.append(json.dumps(_recorded(stored, context)))
                size += len(flags[-1])
                if size > MAX_ANSWER:
                    raise RenderError(f"the answer has more than {MAX_ANSWER:,} bytes", "evaluate single flags")
    return Encoded(f'{{"flags":[{",".join(flags)}]}}'.encode(), ALIAS)


def _recorded(stored: StoredVersion, context: Mapping[str, Any]) -> dict[str, Any]:
    key = str(stored.view.prompt)
    try:
        prompt = resolved_for(f"{key}:{DEFAULT_ALIAS}", stored, split_key(context))
    except IntegrityFailure as error:
        # The others are fine.
        _log.error("%s: %s", key, error.message)
        return _failure(key, "GENERAL", "the stored version is damaged")
    return _flag(key, prompt, context)


def _flag(key: str, prompt: ResolvedPrompt, context: Mapping[str, Any]) -> dict[str, Any]:
    """Evaluate a prompt: its text if it is a string prompt, and otherwise an object with its messages."""
    try:
        value = text_value(prompt, context) if prompt.spec.kind == "string" else object_value(prompt, context)
    except MissingVariables as error:
        return _failure(key, "INVALID_CONTEXT", f"{error.message}; send them as attributes of the context")
    except RenderError as error:
        return _failure(key, "GENERAL", error.message)
    return {
        "key": key,
        "value": value,
        "reason": "SPLIT" if prompt.split is not None and split_key(context) is not None else "STATIC",
        "variant": variant_of(prompt),
        "metadata": flag_metadata(prompt),
    }


def _failure(key: str | None, code: str, details: str) -> dict[str, Any]:
    found = {"errorCode": code, "errorDetails": details}
    return found if key is None else {"key": key, **found}


def _answer(status: int, fields: Mapping[str, Any]) -> Response:
    # Escaped, since a prompt may have what is not Unicode.
    return Response(json.dumps(fields).encode(), status, media_type="application/json")
