"""Cross-origin requests, from the web pages that the settings name."""

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from promptdb.api.problems import problem_response
from promptdb.domain.wire.problem import http_problem

_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")
_SENT = ("Authorization", "Idempotency-Key", "If-Match", "If-None-Match", "Last-Event-ID", "X-Request-Id")
_READ = ("ETag", "Link", "Retry-After", "WWW-Authenticate", "X-Request-Id")


class Cors(CORSMiddleware):
    """Answers what a browser asks before a request, and lets pages of these origins read answers.

    Browsers send no cookies, and a page sends its token itself.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        super().__init__(app, origins, allow_methods=_METHODS, allow_headers=_SENT, expose_headers=_READ)

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code < 400:
            return response
        hint = "the setting cors_origins names the origins; docs/api.md lists methods and headers"
        detail = bytes(response.body).decode()
        # Without those that describe the body.
        headers = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
        return problem_response(http_problem("bad-request", response.status_code, detail, hint), headers)
