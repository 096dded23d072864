"""Answers lookups that are in memory before the router sees them: it takes longer than the answer."""

from urllib.parse import unquote, unquote_plus

from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from promptdb.api.served import Served
from promptdb.domain.access import Grant
from promptdb.domain.refs import LATEST

_END = "/resolve"
_SELECTOR = "selector="


class Shortcut:
    """Does what the route `resolve` does, for a request in the usual form whose answer is kept. The route gets all others.

    Args:
        app: the rest of the app, with the router.
        prefix: the path of the API.
        route: the route, for the log.
    """

    def __init__(self, app: ASGIApp, prefix: str, route: BaseRoute) -> None:
        self._app, self._start, self._route = app, f"{prefix}/prompts/", route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = self._response(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        await (response or self._app)(scope, receive, send)

    def _response(self, scope: Scope) -> Response | None:
        path: str = scope["path"]
        query = scope["query_string"].decode("latin-1")
        if not path.startswith(self._start) or not path.endswith(_END):
            return None
        if "&" in query or ";" in query or not (query == "" or query.startswith(_SELECTOR)):
            return None
        name = unquote(path[len(self._start) : -len(_END)])
        if ":" in name or "/" not in name:
            return None
        served: Served = scope["app"].state.served
        found = served.answers.at_hand(f"{name}:{unquote_plus(query[len(_SELECTOR) :]) if query else LATEST}")
        grant: Grant = scope["state"]["grant"]
        if found is None or not (grant.reads(found.asked) and grant.reads(found.prompt)):
            return None
        scope["route"] = self._route
        given = [value for key, value in scope["headers"] if key == b"if-none-match"]
        return found.response(grant, b",".join(given).decode("latin-1") if given else None)
