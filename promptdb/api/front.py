"""The entrance of every request: routing by the path as sent, limits on the body, and headers of every answer."""

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from secrets import token_hex
from time import perf_counter
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from promptdb.api.caching import NEVER
from promptdb.api.logs import Exchange
from promptdb.api.problems import Refusal, failure, refusal_response
from promptdb.domain.wire.paths import routed_path

_log = logging.getLogger("promptdb.api")

MAX_BODY = 4 * 1024 * 1024
"""The most bytes in the body of a request."""

BODY_SECONDS = 30.0
"""The time in which the whole body must arrive."""

_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
]
"""For a browser that opens an answer: it runs nothing, and shows it in no frame."""

_HUNG_UP = 499
"""As nginx has it in its log."""

_READ = {b"x-request-id", b"content-length", b"transfer-encoding"}
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


class Front:
    """The outermost part of the app. `scope["state"]["request_id"]` names the request in logs and answers.

    Args:
        app: the rest of the app.
        prefix: the path of the API.
        report: hears of each answer when it has ended.
    """

    def __init__(self, app: ASGIApp, prefix: str, report: Callable[[Exchange], None]) -> None:
        self._app, self._prefix, self._report = app, prefix, report

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name: value for name, value in scope["headers"] if name in _READ}
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        request_id = given if _REQUEST_ID.fullmatch(given) else token_hex(16)
        answer = _Answer(send, request_id, is_head=scope["method"] == "HEAD")
        inner = {
            **scope,
            "path": self._path(scope),
            "method": "GET" if answer.is_head else scope["method"],
            "state": {**scope.get("state", {}), "request_id": request_id, "is_head": answer.is_head},
        }
        try:
            await self._app(inner, _limited(receive, headers), answer)
        except Refusal as refusal:
            if answer.status:
                raise
            await refusal_response(refusal)(inner, receive, answer)
        except ClientDisconnect:
            pass
        except Exception:
            _log.exception("request %s failed: %s %s", request_id, scope["method"], inner["path"])
            if answer.status:
                raise
            await failure(request_id)(inner, receive, answer)
        finally:
            self._report(answer.exchange(scope["method"], inner))

    def _path(self, scope: Scope) -> str:
        raw: bytes | None = scope.get("raw_path")
        root: str = scope.get("root_path", "")
        if raw is None:
            return str(scope["path"])
        sent = raw.decode("ascii", "replace").partition("?")[0]
        below = sent.removeprefix(root)
        return root + (_routed(below, self._prefix) if len(below) < _SHORT else routed_path(below, self._prefix))


_routed = lru_cache(maxsize=4096)(routed_path)
"""Most requests are for the same few paths."""

_SHORT = 256
"""The length of paths that are worth to keep, so that all of them together stay small."""


@dataclass(slots=True)
class _Answer:
    """Adds the headers of every answer, and counts what is sent."""

    send: Send
    request_id: str
    is_head: bool
    status: int = 0
    sent: int = 0
    started_at: float = field(default_factory=perf_counter)

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            found = message["headers"] = [*message.get("headers", ()), *_HEADERS]
            found.append((b"x-request-id", self.request_id.encode()))
            if not any(name == b"cache-control" for name, _ in found):
                found.append((b"cache-control", NEVER.encode()))
        elif message["type"] == "http.response.body":
            if self.is_head:
                message = {**message, "body": b""}
            self.sent += len(message.get("body", b""))
        await self.send(message)

    def exchange(self, method: str, scope: Scope) -> Exchange:
        """Describe the request, whose scope the rest of the app has completed. Status 499 stands for one that hung up."""
        state: dict[str, Any] = scope["state"]
        route = getattr(scope.get("route"), "path", None)
        actor = getattr(state.get("grant"), "actor", None)
        seconds = perf_counter() - self.started_at
        return Exchange(self.request_id, method, route, self.status or _HUNG_UP, seconds, self.sent, actor)


def _limited(receive: Receive, headers: Mapping[bytes, bytes]) -> Receive:
    """Limit the size and the time of a body."""
    length = headers.get(b"content-length", b"0")
    if b"transfer-encoding" in headers:
        if b"content-length" in headers:
            raise _two_lengths()
    elif length == b"0":
        return receive
    if not length.isdigit() or int(length) > MAX_BODY:
        raise _too_large()
    size, deadline = 0, asyncio.get_running_loop().time() + BODY_SECONDS
    is_complete = False

    async def limited() -> Message:
        nonlocal size, is_complete
        if is_complete:
            # Then it waits for the client to hang up.
            return await receive()
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise _too_slow() from None
        size += len(message.get("body", b""))
        if size > MAX_BODY:
            raise _too_large()
        is_complete = not message.get("more_body", False)
        return message

    return limited


def _two_lengths() -> Refusal:
    # RFC 9112 6.1: a proxy that took the other one would see another request begin where this server sees a body.
    detail, hint = "the body has two lengths", "send Content-Length or Transfer-Encoding, not both"
    return Refusal(400, "bad-request", detail, hint, headers={"Connection": "close"})


def _too_slow() -> Refusal:
    detail = f"the body did not arrive within {BODY_SECONDS:g} s"
    return Refusal(408, "request-timeout", detail, "send it again", headers={"Connection": "close"})


def _too_large() -> Refusal:
    detail, hint = f"the body is larger than {MAX_BODY:,} bytes", "send less in one request"
    return Refusal(413, "too-large", detail, hint, headers={"Connection": "close"})
