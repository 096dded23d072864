"""Traffic splits over HTTP: who may set one, from where, and what lookups and renders give a key."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from apis import API, bearer, client_for, token_of
from hooks import hook, promised
from registries import Fill, on_sqlite
from starlette.testclient import TestClient

from promptdb import PromptService, create_app
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.splits import Arm, Split, split_fields

pytestmark = on_sqlite

TRIAGE = "support/triage"
STAGING = f"prompts/{TRIAGE}/aliases/staging"
ARMS = [{"selector": "rev:1", "weight": 60}, {"selector": "rev:2", "weight": 40}]
SPLIT = Split.of([Arm(1, 60), Arm(2, 40)])
USERS = [f"user-{number}" for number in range(20)]


def revisions(service: PromptService) -> None:
    """Three of `support/triage`, the last of which breaks callers."""
    for text in ("one {x}", "two {x}", "three"):
        service.register_text(TRIAGE, text)
    for alias in ("production", "staging"):
        service.promote(f"{TRIAGE}:rev:1", alias)


@pytest.fixture
def triage(recorded: Callable[[Fill], PromptService]) -> PromptService:
    return recorded(revisions)


@pytest.fixture
def api(triage: PromptService) -> Iterator[TestClient]:
    settings = triage.settings.model_copy(update={"protected_aliases": ["production"], "ofrep": True})
    with client_for(create_app(settings), API) as client:
        yield client


def expected(key: str) -> int:
    return SPLIT.arm_of(PromptId.parse(TRIAGE), key)


def test_a_split_is_set_shown_and_ended(api: TestClient, triage: PromptService) -> None:
    answer = api.put(f"{STAGING}/split", json={"arms": ARMS, "reason": "a try"})
    assert answer.status_code == 200
    made = answer.json()
    assert (made["action"], made["moved"], made["from_split"], made["to_split"]) == (
        *("split", True, None),
        split_fields(SPLIT),
    )
    read = api.get(STAGING)
    assert read.headers["ETag"] == answer.headers["ETag"]
    assert (read.json()["revision"], read.json()["split"]) == (1, split_fields(SPLIT))
    [listed] = [one for one in api.get(f"prompts/{TRIAGE}").json()["aliases"] if one["alias"] == "staging"]
    [in_list] = [one for one in api.get("prompts").json()["items"] if one["prompt"] == TRIAGE]
    assert in_list["splits"] == {"staging": listed["split"]}
    [entry] = [one for one in api.get("blame").json()["items"] if one["alias"] == "staging"]
    event = api.get(f"prompts/{TRIAGE}/history", params={"alias": "staging"}).json()["items"][0]
    assert [one["split"] for one in (listed, entry, event)] == [split_fields(SPLIT)] * 3
    assert event["reason"] == "a try"
    ended = api.put(STAGING, json={"selector": "rev:2"}).json()
    assert (ended["from_split"], ended["to_split"], ended["to_revision"]) == (split_fields(SPLIT), None, 2)
    back = api.post(f"{STAGING}/rollback").json()
    assert (back["to_split"], back["to_revision"]) == (split_fields(SPLIT), 1)


def test_a_key_gets_its_arm_and_no_key_the_control_with_all_arms(api: TestClient, triage: PromptService) -> None:
    api.put(f"{STAGING}/split", json={"arms": ARMS})
    path = f"prompts/{TRIAGE}/resolve"
    control = api.get(path, params={"selector": "staging"}).json()
    assert (control["revision"], control["split"], [arm["revision"] for arm in control["arms"]]) == (
        *(1, split_fields(SPLIT)),
        [2],
    )
    for key in USERS:
        found = api.get(path, params={"selector": "staging", "key": key})
        assert (found.json()["revision"], found.json()["alias"], found.json()["arms"]) == (expected(key), "staging", [])
        again = api.get(
            path, params={"selector": "staging", "key": key}, headers={"If-None-Match": found.headers["ETag"]}
        )
        assert again.status_code == 304
        body = {"variables": {"x": "X"}, "key": key, "ignore_extra": True}
        rendered = api.post(f"prompts/{TRIAGE}/render", params={"selector": "staging"}, json=body).json()
        assert rendered["version"]["revision"] == expected(key)
    assert {expected(key) for key in USERS} == {1, 2}
    assert api.get(path, params={"key": "user-1"}).json()["revision"] == 3
    assert api.get(path, params={"selector": "rev:1", "key": "user-1"}).json()["revision"] == 1
    # Another split, at the next look.
    api.put(f"{STAGING}/split", json={"arms": [ARMS[0], {"selector": "rev:2", "weight": 60}]})
    assert api.get(path, params={"selector": "staging"}).json()["split"]["arms"][1]["weight"] == 60


CONDITIONS = [
    ({"If-Match": '"1-other"'}, {}, 412),
    ({"If-None-Match": "*"}, {}, 412),
    ({}, {"expected": 2}, 409),
    ({}, {"expected": 1}, 200),
]


@pytest.mark.parametrize(("headers", "more", "status"), CONDITIONS)
def test_a_split_has_the_conditions_of_a_move(
    api: TestClient, triage: PromptService, headers: dict[str, str], more: dict[str, Any], status: int
) -> None:
    answer = api.put(f"{STAGING}/split", json={"arms": ARMS, **more}, headers=headers)
    assert answer.status_code == status


def test_a_repeated_request_splits_once(api: TestClient, triage: PromptService) -> None:
    answers = [api.put(f"{STAGING}/split", json={"arms": ARMS}, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len(triage.alias_log(TRIAGE, "staging")) == 2


def test_a_protected_alias_wants_a_condition_and_refuses_an_arm_that_breaks_callers(
    api: TestClient, triage: PromptService
) -> None:
    path = f"prompts/{TRIAGE}/aliases/production/split"
    assert api.put(path, json={"arms": ARMS}).status_code == 428
    broken = {"arms": [ARMS[0], {"selector": "rev:3", "weight": 1}], "expected": 1}
    answer = api.put(path, json=broken)
    assert (answer.status_code, answer.json()["breaking"][0]["message"]) == (409, "variable 'x' removed")
    assert api.put(path, json={**broken, "allow_breaking": True}).status_code == 200


@pytest.mark.parametrize(
    "arms",
    [
        [],
        ARMS[:1],
        [*ARMS, ARMS[0]],
        [ARMS[0], {"selector": "rev:2", "weight": 0}],
        [ARMS[0], {"selector": "rev:2", "weight": 2**31}],
        [ARMS[0], {"selector": "rev:2", "weight": 1.5}],
        [ARMS[0], {"selector": "rev:2", "weight": "1"}],
        [ARMS[0], {"selector": "rev:2", "weight": True}],
        [ARMS[0], {"selector": "rev:2", "weight": 2**31 - 1}],
        [ARMS[0], {"selector": "rev:x", "weight": 1}],
        [{"selector": f"rev:{number}", "weight": 1} for number in range(1, 20)],
    ],
)
def test_what_is_no_split_is_refused(api: TestClient, triage: PromptService, arms: list[Any]) -> None:
    assert api.put(f"{STAGING}/split", json={"arms": arms}).status_code == 422
    assert triage.alias_log(TRIAGE, "staging")[0].action == "promote"


def test_a_scope_for_an_alias_permits_its_splits(api: TestClient, triage: PromptService) -> None:
    token = token_of(triage, "read", "promote:staging", name="ci")
    assert api.put(f"{STAGING}/split", json={"arms": ARMS}, headers=bearer(token)).status_code == 200
    other = f"prompts/{TRIAGE}/aliases/production/split"
    assert api.put(other, json={"arms": ARMS, "expected": 1}, headers=bearer(token)).status_code == 403


def test_an_event_reports_a_split_in_few_bytes(api: TestClient, triage: PromptService) -> None:
    hook(triage)
    api.put(f"{STAGING}/split", json={"arms": ARMS})
    [event] = promised(triage)
    assert (event["type"], event["action"]) == ("alias.moved", "split")
    assert (event["from_split"], event["to_split"]) == (None, {"arms": split_fields(SPLIT)["arms"]})


def test_the_targeting_key_of_openfeature_decides(api: TestClient, triage: PromptService) -> None:
    triage.split(TRIAGE, "production", [("rev:1", 60), ("rev:2", 40)])
    path = f"/ofrep/v1/evaluate/flags/{TRIAGE}"
    with client_for(api.app, "") as http:
        for key in USERS:
            found = http.post(path, json={"context": {"targetingKey": key, "x": "X"}}).json()
            assert (found["variant"], found["reason"]) == (f"rev:{expected(key)}", "SPLIT")
            [flag] = http.post("/ofrep/v1/evaluate/flags", json={"context": {"targetingKey": key, "x": "X"}}).json()[
                "flags"
            ]
            assert (flag["variant"], flag["reason"]) == (f"rev:{expected(key)}", "SPLIT")
        for context in ({"x": "X"}, {"targetingKey": "", "x": "X"}):
            found = http.post(path, json={"context": context}).json()
            assert (found["variant"], found["reason"]) == ("rev:1", "STATIC")
