"""A server whose SQLite file is moved away or replaced under it: it confirms nothing that is lost, and stays closed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from apis import API, bearer, client_for, token_of
from registries import Fill, NewDatabase
from starlette.testclient import TestClient
from waiting import until

from promptdb import PromptService, create_app
from promptdb.registry.tokens import has_tokens

ALIAS = "prompts/support/triage/aliases/staging"
RESOLVE = "prompts/support/triage/resolve"
REGISTER = {"prompt": "a/new", "spec": {"template": "new"}}


@pytest.fixture
def backend() -> str:
    return "sqlite"


@pytest.fixture
def service(recorded: Callable[[Fill], PromptService]) -> PromptService:
    return recorded(fill)


def fill(service: PromptService) -> None:
    service.register_text("support/triage", "one", alias="staging")
    service.register_text("support/triage", "two")


def file_of(service: PromptService) -> Path:
    return Path(str(service.engine.url.database))


def test_no_write_is_confirmed_while_the_file_is_away(api: TestClient, service: PromptService) -> None:
    assert api.put(ALIAS, json={"selector": "rev:2"}).status_code == 200
    service.close()
    file = file_of(service)
    away = file.rename(file.with_suffix(".away"))
    answers = [api.put(ALIAS, json={"selector": "rev:1"}), api.post("prompts/register", json=REGISTER)]
    assert [answer.status_code for answer in answers] == [502, 502]
    assert not file.exists()
    away.rename(file)
    assert [view.revision for view in service.aliases("support/triage")] == [2]
    assert api.put(ALIAS, json={"selector": "rev:1"}).status_code == 200
    assert api.post("prompts/register", json=REGISTER).status_code == 201


def test_a_server_never_creates_the_registry_that_it_had(service: PromptService) -> None:
    """The first write of a token comes when the file is away, so that no connection of its own is open."""
    token = bearer(token_of(service, "admin"))
    service.close()
    file = file_of(service)
    with client_for(create_app(service.settings), API) as api:
        assert api.get(RESOLVE, headers=token).status_code == 200
        file.rename(file.with_suffix(".away"))
        assert api.post("prompts/register", json=REGISTER, headers=token).status_code == 502
    assert not file.exists()


@pytest.mark.parametrize("is_used", [True, False], ids=["used", "unused"])
def test_a_server_that_has_seen_a_token_stays_closed_over_an_empty_registry(
    service: PromptService, new_database: NewDatabase, is_used: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FRESH", "IDLE"):
        monkeypatch.setattr(f"promptdb.api.remembered.{name}", 0)
    token = token_of(service, "read")
    service.close()
    file, empty = file_of(service), Path(new_database(name="empty").removeprefix("sqlite:///"))
    app = create_app(service.settings)
    with client_for(app, API) as api:
        if is_used:
            assert api.get(RESOLVE, headers=bearer(token)).status_code == 200
        else:
            until(lambda: app.state.served.doorkeeper._is_closed)
        for log in file.parent.glob(f"{file.name}-*"):
            log.unlink()
        shutil.copyfile(empty, file.with_suffix(".new")).replace(file)
        until(lambda: not has_tokens(app.state.served.reader.registry))
        assert api.get("prompts").status_code == 401
        assert api.post("prompts/register", json=REGISTER).status_code == 401
