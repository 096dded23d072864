"""What the tests of the HTTP API share."""

from collections.abc import Iterator

import pytest
from apis import API, client_for
from starlette.testclient import TestClient

from promptdb import PromptService, create_app


@pytest.fixture
def api(service: PromptService) -> Iterator[TestClient]:
    """A client of the app over the registry of `service`, with the path of the API in front of its paths."""
    with client_for(create_app(service.settings), API) as client:
        yield client
