"""What clients ask to stay fresh: changes, long polls, and many versions at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from registries import on_sqlite
from starlette.testclient import TestClient

from promptdb import PromptService
from promptdb.domain.wire.versions import decode_version


def test_changes_since_a_generation_are_the_prompts_that_changed(api: TestClient, service: PromptService) -> None:
    service.register_text("a/one", "1")
    first = api.get("changes").json()
    assert (first["everything"], first["prompts"]) == (True, [])
    assert api.get("changes", params={"since": first["generation"]}).json() == {**first, "everything": False}
    service.register_text("a/two", "1")
    service.register_text("a/three", "1")
    found = api.get("changes", params={"since": first["generation"]}).json()
    assert (found["everything"], found["prompts"]) == (False, ["a/three", "a/two"])
    other = f"{uuid4()}:1"
    assert api.get("changes", params={"since": other}).json()["everything"] is True


@on_sqlite
def test_a_long_poll_answers_when_the_registry_changes(api: TestClient, service: PromptService) -> None:
    service.register_text("a/one", "1")
    generation = api.get("changes").json()["generation"]
    with ThreadPoolExecutor() as pool:
        polls = [pool.submit(api.get, "changes", params={"since": generation, "wait": 30}) for _ in range(3)]
        service.register_text("a/one", "2")
        for poll in polls:
            found = poll.result().json()
            assert (found["everything"], found["prompts"]) == (False, ["a/one"])
    assert api.get("prompts/a/one/resolve").json()["revision"] == 2


@on_sqlite
def test_a_long_poll_ends_without_a_change_and_when_the_app_ends(api: TestClient, service: PromptService) -> None:
    service.register_text("a/one", "1")
    generation = api.get("changes").json()["generation"]
    answer = api.get("changes", params={"since": generation, "wait": 0.05})
    assert answer.json() == {"generation": generation, "everything": False, "prompts": []}
    with ThreadPoolExecutor() as pool:
        poll = pool.submit(api.get, "changes", params={"since": generation, "wait": 30})
        close: Callable[[], None] = api.app.state.served.hub.close  # type: ignore[attr-defined]
        api.portal.call(close)  # type: ignore[union-attr]
        assert poll.result().json()["prompts"] == []


def test_preload_reads_the_versions_of_an_alias(api: TestClient, service: PromptService) -> None:
    service.register_text("a/one", "1", alias="production")
    service.register_text("b/two", "2", alias="production")
    service.register_text("b/three", "3")
    for body, names in [
        ({}, ["a/one", "b/two"]),
        ({"alias": "production", "namespace": None}, ["a/one", "b/two"]),
        ({"namespace": "b"}, ["b/two"]),
        ({"alias": "latest", "namespace": "b"}, ["b/three", "b/two"]),
        ({"alias": "none"}, []),
    ]:
        found = api.post("preload", json=body).json()
        versions = [decode_version(one, lambda *_: None) for one in found["versions"]]
        assert sorted(str(stored.view.prompt) for stored in versions) == names
        assert found["generation"] == api.get("changes").json()["generation"]


def test_preload_reads_references_in_their_order(api: TestClient, service: PromptService) -> None:
    service.register_text("a/one", "1", alias="production")
    refs = ["a/none", "a/one:production", "not a ref", "a/one", "a/one:rev:9", "a/one"]
    answers = api.post("preload", json={"refs": refs}).json()["answers"]
    assert [one["ref"] for one in answers] == refs
    codes = [one.get("problem", {}).get("code") for one in answers]
    assert codes == ["prompt-not-found", None, "invalid-ref", None, "version-not-found", None]
    assert [decode_version(one["version"], lambda *_: None).alias for one in answers if "version" in one] == [
        "production",
        None,
        None,
    ]
