"""What the tests of the HTTP API share."""

from collections.abc import Iterator
from typing import Any

import pytest
from apis import API, client_for
from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute
from starlette.testclient import TestClient

from promptdb import PromptService, create_app
from promptdb.registry import change_feed


@pytest.fixture(scope="package", autouse=True)
def _shared_routes() -> Iterator[None]:
    """Let apps have their routes in common: at its first requests, each would look through all endpoints for itself."""
    include, made = FastAPI.include_router, dict[Any, BaseRoute]()

    def include_router(app: FastAPI, router: APIRouter, **options: Any) -> None:
        key = (id(router), *sorted(options.items()))
        if key in made:
            app.router.routes.append(made[key])
            return
        include(app, router, **options)
        made[key] = app.router.routes[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FastAPI, "include_router", include_router)
        yield


@pytest.fixture(autouse=True)
def _short_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that ends waits for the end of a look: in all tests together, that would be minutes."""
    monkeypatch.setattr(change_feed, "LOOK", 0.02)


@pytest.fixture
def api(service: PromptService) -> Iterator[TestClient]:
    """A client of the app over the registry of `service`, with the path of the API in front of its paths."""
    with client_for(create_app(service.settings), API) as client:
        yield client
