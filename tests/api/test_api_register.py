"""Registrations over HTTP: a new version, the one that has this content, or what is wrong with the spec."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from apis import API, bearer, client_for, token_of
from registries import dump, on_sqlite, rows, write
from starlette.testclient import TestClient

from promptdb import PromptService, create_app
from promptdb.domain.plan import Policy
from promptdb.project.load import load_tree
from promptdb.sync.sync_tree import sync_tree

REGISTER = "prompts/register"


def registered(api: TestClient, text: str, name: str = "a/one", **more: Any) -> Any:
    return api.post(REGISTER, json={"prompt": name, "spec": {"template": text}, **more})


def test_new_content_makes_a_version_and_known_content_names_its_own(api: TestClient, service: PromptService) -> None:
    for text, status, revision in [("1", 201, 1), ("1", 200, 1), ("2", 201, 2), ("1", 201, 3)]:
        answer = registered(api, text)
        found = answer.json()
        assert (answer.status_code, found["created"], found["version"]["revision"]) == (status, status == 201, revision)
        assert answer.headers["location"] == f"{API}/prompts/a/one/resolve?selector=rev:{revision}"
        at_location = api.get(f"http://127.0.0.1:8000{answer.headers['location']}").json()
        assert at_location["spec"]["template"] == text
        assert {name: at_location[name] for name in found["version"]} == found["version"]
        assert api.get("prompts/a/one/resolve").json()["revision"] == revision
    assert [version.revision for version in service.list_versions("a/one")] == [3, 2, 1]


@pytest.mark.parametrize("name", ["a/b/versions", "a/b/c", "one"])
@on_sqlite
def test_the_location_leads_to_prompts_of_any_name(api: TestClient, name: str) -> None:
    location = registered(api, "1", name).headers["location"]
    found = api.get(f"http://127.0.0.1:8000{location}").json()
    assert found["prompt"] == (name if "/" in name else f"default/{name}")


@on_sqlite
def test_the_location_is_below_the_path_of_a_proxy(service: PromptService) -> None:
    with client_for(create_app(service.settings), API, root_path="/prompts-of-team") as client:
        location = registered(client, "1").headers["location"]
    assert location == f"/prompts-of-team{API}/prompts/a/one/resolve?selector=rev:1"


def test_an_alias_moves_in_the_same_transaction_and_compares(api: TestClient, service: PromptService) -> None:
    """`production` is protected unless the settings say otherwise."""
    assert registered(api, "1", alias="staging", reason="first").status_code == 201
    for body, status, code in [
        ({}, 428, "precondition-required"),
        ({"expected": 1}, 409, "alias-moved"),
        ({"expected": None}, 201, None),
    ]:
        before = dump(service.engine)
        answer = registered(api, "2 {x}", alias="production", **body)
        assert (answer.status_code, answer.json().get("code")) == (status, code)
        assert (dump(service.engine) == before) == (status != 201)
    before = dump(service.engine)
    broken = registered(api, "3", alias="production", expected=2)
    assert (broken.status_code, broken.json()["code"]) == (409, "guard")
    assert [change["name"] for change in broken.json()["breaking"]] == ["x"]
    assert dump(service.engine) == before
    allowed = registered(api, "3", alias="production", expected=2, allow_breaking=True, reason="ready")
    assert (allowed.status_code, allowed.json()["alias"]) == (201, "production")
    assert api.get("prompts/a/one/resolve?selector=production").json()["revision"] == 3
    assert service.alias_log("a/one", "production")[0].reason == "ready"


@pytest.mark.parametrize(
    ("body", "headers", "status", "place", "hint"),
    [
        ({"alias": "production"}, {"If-Match": "*"}, 422, "header.If-Match", '"expected" in the body'),
        ({"alias": "production"}, {"If-None-Match": "*"}, 422, "header.If-None-Match", '"expected" in the body'),
        ({}, {"Idempotency-Key": "key"}, 422, "header.Idempotency-Key", '"expected" in the body'),
        ({"expected": 1}, {}, 422, "body.expected", 'add "alias"'),
        ({"expected": None}, {}, 422, "body.expected", 'add "alias"'),
        ({"reason": "faster"}, {}, 422, "body.reason", 'add "alias"'),
        ({"allow_breaking": True}, {}, 422, "body.allow_breaking", 'add "alias"'),
        ({"alias": "production"}, {}, 428, None, '"expected": REVISION, or null if the alias must not exist'),
    ],
    ids=str,
)
@on_sqlite
def test_nothing_that_a_registration_says_is_ignored(
    api: TestClient,
    service: PromptService,
    body: dict[str, Any],
    headers: dict[str, str],
    status: int,
    place: str | None,
    hint: str,
) -> None:
    answer = api.post(REGISTER, json={"prompt": "a/one", "spec": {"template": "1"}, **body}, headers=headers)
    found = answer.json()
    assert (answer.status_code, hint in found["hint"], service.list_prompts()) == (status, True, [])
    assert [one["place"] for one in found.get("errors", [])] == ([] if place is None else [place])
    if place is not None:
        assert found["detail"].startswith(f"{place}: ")


@on_sqlite
def test_a_comparison_that_fails_names_the_last_move(api: TestClient) -> None:
    registered(api, "1", alias="staging", reason="first")
    found = registered(api, "2", alias="staging", expected=7).json()
    assert (found["last_move"]["actor"], found["last_move"]["reason"]) == ("tester", "first")


def test_twenty_that_register_the_same_make_one_version(api: TestClient, service: PromptService) -> None:
    with ThreadPoolExecutor(20) as pool:
        statuses = sorted(pool.map(lambda _: registered(api, "1").status_code, range(20)))
    assert statuses == [*[200] * 19, 201]
    assert len(service.list_versions("a/one")) == 1


# Specs


@pytest.mark.parametrize(
    "spec",
    [
        {"template_file": "secret.txt"},
        {"template_file": "/etc/passwd"},
        {"messages": [{"role": "user", "template_file": "../secret.txt"}]},
        {"template": "{x}", "few_shot": {"examples_file": "secret.txt"}},
        {"template": "{% include 'secret.txt' %}", "template_format": "jinja2"},
        {"template": "x", "assets": [{"path": "secret.txt", "kind": "attachment"}]},
    ],
    ids=str,
)
@on_sqlite
def test_a_spec_reads_no_file_of_the_server(
    service: PromptService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, spec: dict[str, Any]
) -> None:
    write(service.settings.prompts_path, {"secret.txt": "SECRET"})
    write(tmp_path, {"secret.txt": "SECRET"})
    monkeypatch.chdir(service.settings.prompts_path)
    before = dump(service.engine)
    with client_for(create_app(service.settings), API) as client:
        answer = client.post(REGISTER, json={"prompt": "a/one", "spec": spec})
    found = answer.json()
    assert (answer.status_code, found["code"]) == (422, "invalid-prompts")
    assert "cannot name other files" in found["hint"]
    assert "a spec cannot name files" in found["detail"]
    assert "SECRET" not in answer.text
    assert dump(service.engine) == before


@on_sqlite
def test_every_problem_of_a_spec_is_listed(api: TestClient, service: PromptService) -> None:
    spec = {"template": "{x", "colour": 1}
    found = api.post(REGISTER, json={"prompt": "a/one", "spec": spec}).json()
    assert found["code"] == "invalid-prompts"
    assert {error["code"] for error in found["errors"]} >= {"PDB201"}
    assert service.list_prompts() == []


@on_sqlite
def test_a_label_names_one_content(api: TestClient) -> None:
    label = {"metadata": {"user_version": "1.0"}}
    for text, status in (("1", 201), ("2", 409)):
        answer = api.post(REGISTER, json={"prompt": "a/one", "spec": {"template": text, **label}})
        assert answer.status_code == status


@on_sqlite
def test_an_archived_prompt_comes_back(api: TestClient, service: PromptService) -> None:
    root = service.settings.prompts_path
    write(root, {"a/one.txt": "1", "a/two.txt": "2"})
    sync_tree(service.registry, load_tree(service.settings), Policy())
    (root / "a/one.txt").unlink()
    sync_tree(service.registry, load_tree(service.settings), Policy(prune=True, max_prune=100))
    found = registered(api, "1").json()
    assert (found["created"], found["revived"], found["version"]["revision"]) == (False, True, 1)


# Tokens


@pytest.mark.parametrize(
    ("scopes", "alias", "status"),
    [
        (["read"], None, 403),
        (["promote:*"], None, 403),
        (["write"], None, 201),
        (["write@a"], None, 201),
        (["write@b"], None, 403),
        (["write"], "staging", 403),
        (["write", "promote:production"], "staging", 403),
        (["write", "promote:staging@b"], "staging", 403),
        (["write", "promote:staging"], "staging", 201),
        (["admin@a"], "staging", 201),
    ],
    ids=str,
)
@on_sqlite
def test_a_registration_needs_write_and_for_its_alias_promote(
    api: TestClient, service: PromptService, scopes: list[str], alias: str | None, status: int
) -> None:
    headers = bearer(token_of(service, *scopes, name="ci"))
    body = {"prompt": "a/one", "spec": {"template": "1"}, "alias": alias}
    answer = api.post(REGISTER, json=body, headers=headers)
    assert answer.status_code == status
    assert [row["created_by"] for row in rows(service.engine, "prompt_versions")] == ["token:ci"] * (status == 201)
