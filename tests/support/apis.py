"""Clients of the HTTP API's app, which come from this machine, as a server without tokens wants it."""

from http.client import HTTPConnection
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient
from waiting import until

from promptdb.domain.scopes import Scope
from promptdb.registry.tokens import create_token
from promptdb.service import PromptService

API = "/api/v1"
LOOPBACK = ("127.0.0.1", 50000)


def client_for(app: FastAPI, path: str = "", **more: Any) -> TestClient:
    """A client with `path` in front of its paths."""
    return TestClient(app, base_url=f"http://127.0.0.1:8000{path}/", client=LOOPBACK, **more)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def token_of(service: PromptService, *scopes: str, name: str = "test") -> str:
    """The text of a new token."""
    return create_token(service.registry, name, [Scope.parse(scope) for scope in scopes])[1]


def until_refused(port: int, token: str) -> None:
    """Wait until a server refuses a token that was revoked, which may take some seconds."""

    def is_refused() -> bool:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", f"{API}/me", headers=bearer(token))
        status = connection.getresponse().status
        connection.close()
        return status == 401

    until(is_refused)
