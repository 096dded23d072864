"""Aliases over HTTP: who may move them, from where, and once."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from apis import API, bearer, client_for, token_of
from registries import Fill, on_sqlite, rows, write
from starlette.testclient import TestClient

from promptdb import PromptService, create_app
from promptdb.domain.plan import Policy
from promptdb.project.load import load_tree
from promptdb.sync.sync_tree import sync_tree

ALIASES = "prompts/support/triage/aliases"
PRODUCTION = f"{ALIASES}/production"
STAGING = f"{ALIASES}/staging"


def revisions(service: PromptService) -> None:
    """Four of `support/triage`, the last of which breaks callers. `production` and `staging` are at the second."""
    for text in ("one {x}", "two {x}", "three {x}", "four"):
        service.register_text("support/triage", text)
    service.register_text("legal/terms", "Terms", alias="production")
    for alias in ("production", "staging"):
        service.promote("support/triage:rev:1", alias)
        service.promote("support/triage:rev:2", alias, reason="evaluated")


@pytest.fixture
def triage(recorded: Callable[[Fill], PromptService]) -> PromptService:
    return recorded(revisions)


@pytest.fixture
def api(triage: PromptService) -> Iterator[TestClient]:
    """A client of a server where `production` is protected."""
    settings = triage.settings.model_copy(update={"protected_aliases": ["production"]})
    with client_for(create_app(settings), API) as client:
        yield client


def at(service: PromptService, alias: str = "production") -> int | None:
    return next((view.revision for view in service.aliases("support/triage") if view.alias == alias), None)


def count(service: PromptService) -> int:
    return len(rows(service.engine, "alias_events"))


def resolved(api: TestClient, selector: str = "production") -> int:
    revision: int = api.get("prompts/support/triage/resolve", params={"selector": selector}).json()["revision"]
    return revision


# Reads


@on_sqlite
def test_aliases_are_listed_and_read_with_the_state_that_moves_compare(api: TestClient) -> None:
    found = api.get(ALIASES).json()
    assert [(one["alias"], one["revision"], one["generation"], one["held"]) for one in found["items"]] == [
        ("production", 2, 2, False),
        ("staging", 2, 2, False),
    ]
    assert found["next"] is None
    read = api.get(STAGING)
    assert read.json() == found["items"][1]
    assert read.headers["cache-control"] == "private, no-cache"
    again = api.get(STAGING, headers={"If-None-Match": read.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", read.headers["etag"])
    api.put(STAGING, json={"selector": "rev:1"})
    moved = api.get(STAGING, headers={"If-None-Match": read.headers["etag"]})
    assert (moved.status_code, moved.json()["revision"]) == (200, 1)


# Moves


def test_a_move_is_recorded_and_found_at_once_by_whoever_made_it(api: TestClient, triage: PromptService) -> None:
    assert resolved(api, "staging") == 2
    answer = api.put(STAGING, json={"selector": "rev:3", "reason": "faster"})
    assert answer.status_code == 200
    assert answer.headers["etag"] == api.get(STAGING).headers["etag"]
    found = answer.json()
    assert (found["moved"], found["from_revision"], found["to_revision"], found["generation"]) == (True, 2, 3, 3)
    assert (found["action"], found["breaking"], found["held"]) == ("promote", [], False)
    assert resolved(api, "staging") == 3
    event = triage.alias_log("support/triage", "staging")[0]
    assert (event.action, event.reason, event.actor) == ("promote", "faster", "tester")


@pytest.mark.parametrize(
    ("selector", "revision"),
    [("rev:4", 4), ("latest", 4), ("staging", 2), ("sha256:DIGEST", 3), ("UUID", 3)],
)
@on_sqlite
def test_a_move_takes_any_selector_of_its_prompt(
    api: TestClient, triage: PromptService, selector: str, revision: int
) -> None:
    third = triage.resolve("support/triage:rev:3")
    text = selector.replace("DIGEST", third.spec_hash[7:19]).replace("UUID", str(third.id))
    answer = api.put(f"{ALIASES}/canary", json={"selector": text})
    assert (answer.status_code, answer.json()["to_revision"]) == (201, revision)


@on_sqlite
def test_the_same_target_moves_nothing(api: TestClient, triage: PromptService) -> None:
    before, etag = count(triage), api.get(STAGING).headers["etag"]
    answer = api.put(STAGING, json={"selector": "rev:2"})
    assert (answer.status_code, answer.json()["moved"], answer.json()["generation"]) == (200, False, 2)
    assert (answer.headers["etag"], count(triage)) == (etag, before)


def test_rollbacks_go_back_one_step_each_and_a_deletion_keeps_the_history(
    api: TestClient, triage: PromptService
) -> None:
    api.put(STAGING, json={"selector": "rev:3"})
    for revision in (2, 1):
        found = api.post(f"{STAGING}/rollback", json={"reason": "wrong"}).json()
        assert (found["action"], found["to_revision"]) == ("rollback", revision)
        assert resolved(api, "staging") == revision
    assert api.post(f"{STAGING}/rollback").json()["code"] == "not-found"
    deleted = api.delete(STAGING, params={"reason": "unused"})
    assert (deleted.status_code, deleted.json()["to_revision"]) == (200, None)
    assert "etag" not in deleted.headers
    for answer in (api.get(STAGING), api.delete(STAGING), api.post(f"{STAGING}/rollback")):
        assert answer.status_code == 404
    assert api.get("prompts/support/triage/resolve", params={"selector": "staging"}).status_code == 404
    assert [(e.action, e.reason) for e in triage.alias_log("support/triage", "staging")][:2] == [
        ("delete", "unused"),
        ("rollback", "wrong"),
    ]


# Compare and set


@pytest.mark.parametrize(
    ("headers", "more", "status", "code"),
    [
        ({}, {}, 428, "precondition-required"),
        ({"If-Match": "ETAG"}, {}, 200, None),
        ({"If-Match": "*"}, {}, 200, None),
        ({"If-Match": '"1-0000000000000000", ETAG'}, {}, 200, None),
        ({"If-Match": '"1-0000000000000000"'}, {}, 412, "precondition-failed"),
        ({"If-Match": "W/ETAG"}, {}, 412, "precondition-failed"),
        ({"If-Match": '"*"'}, {}, 412, "precondition-failed"),
        ({"If-None-Match": "*"}, {}, 412, "precondition-failed"),
        ({"If-None-Match": "ETAG"}, {}, 400, "bad-request"),
        ({"If-Match": "2"}, {}, 400, "bad-request"),
        ({"If-Match": ""}, {}, 400, "bad-request"),
        ({"If-Match": 'ETAG, "'}, {}, 400, "bad-request"),
        ({}, {"expected": 2}, 200, None),
        ({}, {"expected": 1}, 409, "alias-moved"),
        ({}, {"expected": None}, 409, "alias-moved"),
        ({}, {"expected": 0}, 422, "invalid-request"),
        ({}, {"expected": "2"}, 422, "invalid-request"),
        ({}, {"expected": True}, 422, "invalid-request"),
        ({"If-Match": "ETAG"}, {"expected": 2}, 422, "invalid-request"),
    ],
    ids=str,
)
@on_sqlite
def test_a_protected_alias_moves_from_where_the_request_says(
    api: TestClient, triage: PromptService, headers: dict[str, str], more: dict[str, Any], status: int, code: str | None
) -> None:
    etag, before = api.get(PRODUCTION).headers["etag"], count(triage)
    sent = {name: value.replace("ETAG", etag) for name, value in headers.items()}
    answer = api.put(PRODUCTION, json={"selector": "rev:3", **more}, headers=sent)
    assert (answer.status_code, answer.json().get("code")) == (status, code)
    assert (at(triage), count(triage)) == ((3, before + 1) if status == 200 else (2, before))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", PRODUCTION, {"selector": "rev:3"}),
        ("POST", f"{PRODUCTION}/rollback", None),
        ("DELETE", PRODUCTION, None),
    ],
)
def test_each_kind_of_move_compares(
    api: TestClient, triage: PromptService, method: str, path: str, body: dict[str, Any] | None
) -> None:
    old = api.get(PRODUCTION).headers["etag"]
    assert api.request(method, path, json=body).status_code == 428
    triage.promote("support/triage:rev:1", "production", reason="by someone else")
    refused = api.request(method, path, json=body, headers={"If-Match": old})
    found = refused.json()
    assert (refused.status_code, found["code"]) == (412, "precondition-failed")
    assert (found["last_move"]["actor"], found["last_move"]["reason"]) == ("tester", "by someone else")
    assert (found["last_move"]["from_revision"], found["last_move"]["to_revision"]) == (2, 1)
    etag = api.get(PRODUCTION).headers["etag"]
    assert api.request(method, path, json=body, headers={"If-Match": etag}).status_code == 200


@on_sqlite
def test_the_expected_revision_of_a_deletion_is_in_the_query(api: TestClient, triage: PromptService) -> None:
    assert api.delete(PRODUCTION, params={"expected": 1}).json()["code"] == "alias-moved"
    assert api.request("DELETE", PRODUCTION, json={"expected": 2}).json()["code"] == "invalid-request"
    assert at(triage) == 2
    assert api.delete(PRODUCTION, params={"expected": 2}).status_code == 200


@pytest.mark.parametrize(
    ("alias", "headers", "status", "detail", "hint"),
    [
        ("canary", {"If-Match": "*"}, 412, "support/triage:canary does not exist", None),
        ("staging", {"If-None-Match": "*"}, 412, "support/triage:staging already exists, at rev:2", None),
        ("staging", {"If-Match": '"x"'}, 412, "at rev:2, and is not in the state that the request names", None),
        ("production", {}, 428, "is protected", 'send its ETag as If-Match, or "expected" with the revision'),
    ],
    ids=str,
)
@on_sqlite
def test_a_refused_move_says_where_the_alias_is(
    api: TestClient, alias: str, headers: dict[str, str], status: int, detail: str, hint: str | None
) -> None:
    answer = api.put(f"{ALIASES}/{alias}", json={"selector": "rev:3"}, headers=headers)
    found = answer.json()
    assert (answer.status_code, detail in found["detail"], (hint or "") in found["hint"]) == (status, True, True)


@on_sqlite
def test_a_protected_alias_that_does_not_exist_is_created_with_a_condition(
    api: TestClient, triage: PromptService
) -> None:
    assert api.delete(PRODUCTION, params={"expected": 2}).status_code == 200
    answer = api.put(PRODUCTION, json={"selector": "rev:1"})
    assert (answer.status_code, at(triage)) == (428, None)
    assert answer.json()["hint"] == 'the alias does not exist: send If-None-Match: *, or "expected": null'
    created = api.put(PRODUCTION, json={"selector": "rev:1"}, headers={"If-None-Match": "*"})
    assert created.status_code == 201


@on_sqlite
def test_an_alias_is_created_only_once(api: TestClient) -> None:
    for request in ({"headers": {"If-None-Match": "*"}}, {"json": {"selector": "rev:1", "expected": None}}):
        alias = f"{ALIASES}/canary-{len(request)}{'json' in request}".lower()
        answers = [api.put(alias, **{"json": {"selector": "rev:1"}, **request}).status_code for _ in range(2)]
        assert answers in ([201, 412], [201, 409])


def test_of_twenty_that_compare_with_one_state_one_moves(api: TestClient, triage: PromptService) -> None:
    before = count(triage)
    for target in (3, 1, 3):
        etag, headers = api.get(PRODUCTION).headers["etag"], {}
        headers = {"If-Match": etag}

        def move(_: int, headers: dict[str, str] = headers, target: int = target) -> int:
            return api.put(PRODUCTION, json={"selector": f"rev:{target}"}, headers=headers).status_code

        with ThreadPoolExecutor(20) as pool:
            statuses = sorted(pool.map(move, range(20)))
        assert statuses == [200, *[412] * 19]
        assert resolved(api) == target
    assert count(triage) == before + 3


# Repetitions


def test_a_repeated_move_gets_the_same_answer_and_moves_nothing(api: TestClient, triage: PromptService) -> None:
    etag = api.get(PRODUCTION).headers["etag"]
    for number, (method, path, body) in enumerate(
        [
            ("PUT", PRODUCTION, {"selector": "rev:3"}),
            ("POST", f"{PRODUCTION}/rollback", {}),
            ("DELETE", PRODUCTION, None),
        ]
    ):
        headers, before = {"If-Match": etag, "Idempotency-Key": f"key-{number}"}, count(triage)
        answers = [api.request(method, path, json=body, headers=headers) for _ in range(3)]
        assert {(one.status_code, one.headers.get("etag"), one.text) for one in answers} == {
            (200, answers[0].headers.get("etag"), answers[0].text)
        }
        assert count(triage) == before + 1
        etag = answers[0].headers.get("etag", "")


@on_sqlite
def test_a_key_with_another_request_is_refused(api: TestClient, triage: PromptService) -> None:
    headers = {"Idempotency-Key": "key"}
    assert api.put(STAGING, json={"selector": "rev:3"}, headers=headers).status_code == 200
    before = count(triage)
    others: list[tuple[str, str, Any, dict[str, str]]] = [
        ("PUT", STAGING, {"selector": "rev:1"}, {}),
        ("PUT", STAGING, {"selector": "rev:3", "reason": "x"}, {}),
        ("PUT", f"{ALIASES}/canary", {"selector": "rev:3"}, {}),
        ("PUT", "prompts/legal/terms/aliases/staging", {"selector": "rev:1"}, {}),
        ("PUT", STAGING, {"selector": "rev:3"}, {"If-Match": "*"}),
        ("POST", f"{STAGING}/rollback", None, {}),
        ("DELETE", STAGING, None, {}),
    ]
    for method, path, body, more in others:
        answer = api.request(method, path, json=body, headers={**headers, **more})
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused"), (method, path, body)
    assert count(triage) == before


@pytest.mark.parametrize("key", ["", "a b", "k" * 256, "sch\u00f6n".encode()])
@on_sqlite
def test_a_malformed_key_is_refused(api: TestClient, triage: PromptService, key: str | bytes) -> None:
    answer = api.put(STAGING, json={"selector": "rev:3"}, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["code"], at(triage, "staging")) == (400, "bad-request", 2)


def test_of_twelve_with_one_key_one_moves_and_all_get_its_answer(api: TestClient, triage: PromptService) -> None:
    before = count(triage)

    def roll_back(_: int) -> tuple[int, str]:
        answer = api.post(f"{STAGING}/rollback", headers={"Idempotency-Key": "one"})
        return answer.status_code, answer.text

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(roll_back, range(12)))
    assert set(answers) == {(200, answers[0][1])}
    assert (count(triage), at(triage, "staging")) == (before + 1, 1)


# Protection


@on_sqlite
def test_a_move_that_breaks_callers_lists_what_breaks_them(api: TestClient, triage: PromptService) -> None:
    body = {"selector": "rev:4", "expected": 2}
    refused = api.put(PRODUCTION, json=body)
    found = refused.json()
    assert (refused.status_code, found["code"], at(triage)) == (409, "guard", 2)
    change = {"kind": "variable_removed", "name": "x", "message": "variable 'x' removed"}
    assert found["breaking"] == [{"prompt": "support/triage", "alias": "production", **change}]
    assert found["hint"].endswith('send "allow_breaking": true')
    allowed = api.put(PRODUCTION, json={**body, "allow_breaking": True, "reason": "callers are ready"})
    assert (allowed.status_code, allowed.json()["breaking"]) == (200, [change])
    event = triage.alias_log("support/triage", "production")[0]
    assert (event.reason, [one.name for one in event.breaking]) == ("callers are ready", ["x"])
    # A rollback returns to what callers worked with.
    assert api.post(f"{PRODUCTION}/rollback", json={"expected": 4}).status_code == 200


# Holds


@on_sqlite
def test_an_alias_that_was_moved_by_hand_is_held_until_it_is_released(service: PromptService) -> None:
    root = service.settings.prompts_path
    write(root, {"a/one.txt": "1", "_aliases.yaml": "production:\n  a/one: rev:1\n"})
    sync_tree(service.registry, load_tree(service.settings), Policy())
    service.register_text("a/one", "2")
    with client_for(create_app(service.settings), API) as client:
        path = "prompts/a/one/aliases/production"
        moved = client.put(path, json={"selector": "rev:2", "expected": 1})
        assert moved.json()["held"] is True
        assert client.get("prompts/a/one/aliases").json()["items"][0]["held"] is True
        held = client.get(path)
        assert (held.json()["held"], held.headers["etag"]) == (True, moved.headers["etag"])
        same = {"If-Match": held.headers["etag"]}
        assert client.put(path, json={"selector": "rev:2"}, headers=same).status_code == 200
        released = client.post(f"{path}/release", json={"reason": "fixed in git"})
        assert released.json() == {"prompt": "a/one", "alias": "production", "revision": 2, "git_revision": 1}
        assert client.get("prompts/a/one/aliases").json()["items"][0]["held"] is False
        seen = {"If-None-Match": held.headers["etag"]}
        assert client.get(path, headers=seen).json()["held"] is False
        assert client.post(f"{path}/release").status_code == 404


# Tokens


@pytest.mark.parametrize(
    ("scopes", "statuses"),
    [
        (["read"], (200, 403, 403, 403)),
        (["write"], (200, 403, 403, 403)),
        (["promote:staging"], (200, 200, 403, 403)),
        (["promote:staging@support"], (200, 200, 403, 403)),
        (["promote:staging@legal"], (403, 403, 403, 403)),
        (["promote:*@support"], (200, 200, 200, 403)),
        (["promote:*"], (200, 200, 200, 200)),
        (["admin@legal"], (403, 403, 403, 200)),
    ],
    ids=str,
)
@on_sqlite
def test_a_token_moves_the_aliases_of_its_scopes(
    api: TestClient, triage: PromptService, scopes: list[str], statuses: tuple[int, ...]
) -> None:
    headers = bearer(token_of(triage, *scopes, name="ci"))
    found = (
        api.get(STAGING, headers=headers),
        api.put(STAGING, json={"selector": "rev:3"}, headers=headers),
        api.put(PRODUCTION, json={"selector": "rev:3", "expected": 2}, headers=headers),
        api.put("prompts/legal/terms/aliases/canary", json={"selector": "rev:1"}, headers=headers),
    )
    assert tuple({201: 200}.get(one.status_code, one.status_code) for one in found) == statuses
    assert at(triage, "staging") == (3 if statuses[1] == 200 else 2)
    for one in rows(triage.engine, "alias_events")[5:]:
        assert one["actor"] == "token:ci"


@on_sqlite
def test_each_token_has_its_own_keys(api: TestClient, triage: PromptService) -> None:
    for name, selector in (("one", "rev:3"), ("two", "rev:1")):
        headers = {**bearer(token_of(triage, "promote:*", name=name)), "Idempotency-Key": "key"}
        assert api.put(STAGING, json={"selector": selector}, headers=headers).status_code == 200


@on_sqlite
def test_an_old_name_moves_no_prompt_that_left_the_scope(service: PromptService) -> None:
    """Even if the token may read the whole registry."""
    root = service.settings.prompts_path
    write(root, {"support/triage.txt": "1"})
    sync_tree(service.registry, load_tree(service.settings), Policy())
    (root / "support/triage.txt").unlink()
    write(root, {"legal/sorting.yaml": "template: '1'\nrenamed_from: [support/triage]\n"})
    sync_tree(service.registry, load_tree(service.settings), Policy())
    with client_for(create_app(service.settings), API) as client:
        for scopes, status in ((["read", "promote:*@support"], 404), (["promote:*"], 201)):
            headers = bearer(token_of(service, *scopes, name=f"t{status}"))
            answer = client.put(f"{ALIASES}/staging", json={"selector": "latest"}, headers=headers)
            assert answer.status_code == status
            assert "legal" not in answer.text or status == 201
