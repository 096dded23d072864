"""The app does what its OpenAPI document says, whatever a request has. schemathesis makes the requests."""

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import schemathesis
import uvicorn
from apis import API, bearer, token_of
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from registries import settings_for
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from waiting import until

from promptdb import PromptService, create_app
from promptdb.api.routes import ROUTERS, health
from promptdb.api.strict_bodies import StrictRoute

DOCUMENT = json.loads((Path(__file__).resolve().parents[2] / "docs" / "openapi.json").read_text())
STREAMS = {f"{API}/events", f"{API}/changes"}
OPERATIONS = [
    (path, method) for path, methods in DOCUMENT["paths"].items() for method in methods if path not in STREAMS
]


@dataclass
class Server:
    schema: schemathesis.BaseSchema
    headers: dict[str, str]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("contract")
    with PromptService(settings_for(f"sqlite:///{folder}/registry.sqlite3", folder)) as service:
        service.register_text("support/triage", "Sort {ticket}", alias="production")
        service.register_text("support/triage", "Sort the {ticket}", alias="staging")
        token = token_of(service, "admin")
    running = uvicorn.Server(uvicorn.Config(create_app(service.settings), port=0, log_level="critical"))
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    until(lambda: running.started)
    port = running.servers[0].sockets[0].getsockname()[1]
    schema = schemathesis.openapi.from_url(f"http://127.0.0.1:{port}{API}/openapi.json")
    yield Server(schema, bearer(token))
    running.should_exit = True
    thread.join()


@pytest.mark.parametrize("mode", list(GenerationMode))
# schemathesis leaves sockets to the garbage collector, in whichever test that is.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
@pytest.mark.slow
def test_an_operation_answers_as_the_document_says(
    server: Server, path: str, method: str, mode: GenerationMode
) -> None:
    operation = server.schema[path][method]

    # The same requests in each run, so that a run fails only for what was changed.
    @settings(max_examples=6, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        # The document cannot say which cursors, references and combinations of fields there are.
        case.call_and_validate(headers=server.headers, excluded_checks=[positive_data_acceptance])

    # A negative request is not possible where nothing can be wrong.
    with suppress(Unsatisfiable):
        ask()


def test_every_route_refuses_unknown_parameters() -> None:
    routes = [route for router in ROUTERS if router is not health.router for route in router.routes]
    assert [route.path for route in routes if not isinstance(route, StrictRoute)] == []
