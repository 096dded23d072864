"""The app does what its OpenAPI document says, whatever a request has. schemathesis makes the requests.

`make soak` makes many more, in `tests/soak/test_soak_contract.py`.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from contract import OPERATIONS, PUBLIC, SECRET, Contract, ask, ask_in_sequence, contract_of, leaves_sockets
from schemathesis.generation.modes import GenerationMode

from promptdb.api.routes import ROUTERS, health
from promptdb.api.strict_bodies import StrictRoute

on_operations = pytest.mark.parametrize(("path", "method"), OPERATIONS)

NEEDS_MORE = "/rollback", "/release"
"""What they need is seldom there: a former target, or a hold."""


@pytest.fixture(scope="module")
def contract(migrated_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contract]:
    folder = tmp_path_factory.mktemp("contract")
    with contract_of(migrated_database("sqlite", folder), folder) as found:
        yield found


@leaves_sockets
@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode))
@on_operations
def test_an_operation_answers_as_the_document_says(
    contract: Contract, path: str, method: str, mode: GenerationMode
) -> None:
    contract.renew(f"{method}{OPERATIONS.index((path, method))}-{mode.value}")
    answers = ask(contract, path, method, mode, examples=5, again=True)
    succeeded = {answer.status_code for answer in answers if answer.status_code < 300}
    if mode is GenerationMode.POSITIVE and not path.endswith(NEEDS_MORE):
        assert succeeded, "no request found what it named"


@leaves_sockets
@pytest.mark.slow
@pytest.mark.parametrize("who", ["scoped", "none"])
@on_operations
def test_a_token_gets_what_its_scopes_allow(contract: Contract, path: str, method: str, who: str) -> None:
    with contract.naming(
        prompt=["legal/secret", "support/triage"], alias=["production"], namespace=["legal", "support"]
    ):
        answers = ask(
            contract, path, method, GenerationMode.POSITIVE, who, examples=3 if who == "scoped" else 1, again=True
        )
    assert all(SECRET.encode() not in answer.content for answer in answers)
    if who == "none":
        assert {answer.status_code for answer in answers} == {200 if path in PUBLIC else 401}


@leaves_sockets
@pytest.mark.slow
def test_what_an_answer_names_is_there_until_it_is_removed(
    migrated_database: Callable[..., str], tmp_path: Path
) -> None:
    statuses = ask_in_sequence(partial(migrated_database, "sqlite"), tmp_path, sequences=8, steps=12)
    assert {200, 201, 204} <= statuses.keys()


def test_every_route_refuses_unknown_parameters() -> None:
    routes = [route for router in ROUTERS if router is not health.router for route in router.routes]
    assert [route.path for route in routes if not isinstance(route, StrictRoute)] == []
