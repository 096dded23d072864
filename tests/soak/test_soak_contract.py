"""The contract of the HTTP API by many requests, which are others in each run."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from contract import OPERATIONS, SECRET, Contract, ask, ask_in_sequence, contract_of, leaves_sockets
from schemathesis.generation.modes import GenerationMode

REQUESTS = 60
SEQUENCES = 40


@pytest.fixture(scope="module")
def contract(migrated_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contract]:
    folder = tmp_path_factory.mktemp("contract")
    with contract_of(migrated_database("sqlite", folder), folder) as found:
        yield found


@leaves_sockets
@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("who", ["admin", "scoped"])
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_an_operation_answers_as_the_document_says(
    contract: Contract, path: str, method: str, who: str, mode: GenerationMode
) -> None:
    contract.renew(f"{who}-{method}{OPERATIONS.index((path, method))}-{mode.value}")
    answers = ask(contract, path, method, mode, who, examples=REQUESTS, again=False)
    assert who == "admin" or all(SECRET.encode() not in answer.content for answer in answers)


@leaves_sockets
def test_what_an_answer_names_is_there_until_it_is_removed(
    migrated_database: Callable[..., str], tmp_path: Path
) -> None:
    statuses = ask_in_sequence(partial(migrated_database, "sqlite"), tmp_path, sequences=SEQUENCES, steps=30)
    assert {200, 201, 204} <= statuses.keys()
