"""Lets requests in that have a valid token, before anything else reads them."""

import base64
import binascii
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from time import monotonic

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from promptdb.api.doorkeeper import Doorkeeper
from promptdb.api.problems import RETRY_AFTER, Refusal
from promptdb.domain.access import Grant
from promptdb.domain.exposure import reason_to_refuse
from promptdb.errors import PromptDBError

_log = logging.getLogger("promptdb.api")

AGAIN = 5.0
"""Seconds after which the token of an answer that still streams is looked at again."""


class Gate:
    """Puts the grant of each request into its state. Answers streams to the end of their token only.

    Args:
        public: paths that need no token.
        basic: a path below which a token may be the password of HTTP Basic, as Langfuse's clients send it.
    """

    def __init__(self, app: ASGIApp, public: frozenset[str], basic: str | None = None) -> None:
        self._app, self._public, self._basic = app, public, basic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _path(scope) in self._public:
            await self._app(scope, receive, send)
            return
        grant = await self._admitted(scope)
        # In place, so that the log names the token and the route.
        scope.setdefault("state", {})["grant"] = grant
        looked_at, is_over = monotonic(), False

        async def answer(message: Message) -> None:
            nonlocal looked_at, is_over
            if is_over:
                return
            if message.get("more_body", False) and monotonic() - looked_at >= AGAIN:
                looked_at = monotonic()
                try:
                    is_over = await self._admitted(scope) != grant
                except Refusal:
                    is_over = True
                if is_over:
                    message = {"type": "http.response.body", "body": b"", "more_body": False}
            await send(message)

        await self._app(scope, receive, answer)

    async def _admitted(self, scope: Scope) -> Grant:
        doorkeeper: Doorkeeper = scope["app"].state.served.doorkeeper
        try:
            return await self._grant(scope, doorkeeper)
        except PromptDBError as error:
            _log.error("no token can be checked: %s (hint: %s)", error.message, error.hint)
            message = "the server cannot check tokens now"
            raise Refusal(503, "unavailable", message, "the server's log has the cause", headers=RETRY_AFTER) from error

    async def _grant(self, scope: Scope, doorkeeper: Doorkeeper) -> Grant:
        given = [value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"]
        if not given and (grant := await doorkeeper.open_grant()) is not None:
            server, client, version = scope.get("server"), scope.get("client"), scope.get("http_version", "1.1")
            if (reason := reason_to_refuse(server, client, _by_name(scope), version)) is not None:
                hint = "create a token with 'promptdb token create', and send it"
                raise Refusal(403, "not-local", f"without a token, this request is refused: {reason}", hint)
            return grant
        is_basic = self._basic is not None and _path(scope).startswith(self._basic)
        text = _token_in(given, allow_basic=is_basic)
        found = await doorkeeper.grant_of(text) if text is not None else None
        if found is None:
            raise _unauthenticated(_BASIC if is_basic else _BEARER)
        return found


_BEARER = "send the header Authorization: Bearer with a token that 'promptdb token create' made"
_BASIC = "send the token that 'promptdb token create' made as the secret key: HTTP Basic with any public key before it"


def _unauthenticated(hint: str) -> Refusal:
    """Make the one answer to requests without a valid token. It does not say why the token is not valid."""
    detail = "the request needs a valid token"
    return Refusal(401, "unauthenticated", detail, hint, headers={"WWW-Authenticate": "Bearer"})


def _path(scope: Scope) -> str:
    """Return the path below that of the app, where a proxy has put it."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def _by_name(scope: Scope) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for name, value in scope["headers"]:
        found[name.decode("latin-1").lower()].append(value.decode("latin-1"))
    return dict(found)


def _token_in(given: Sequence[str], *, allow_basic: bool) -> str | None:
    """Read the token in the values of `Authorization`. None if there is not exactly one."""
    if len(given) != 1:
        return None
    scheme, _, text = given[0].partition(" ")
    if scheme.lower() == "bearer":
        return text.strip()
    if scheme.lower() != "basic" or not allow_basic:
        return None
    try:
        return base64.b64decode(text.strip(), validate=True).decode("latin-1").partition(":")[2]
    except (binascii.Error, ValueError):
        return None
