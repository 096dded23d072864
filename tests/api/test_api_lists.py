"""Lists over HTTP: what they have, their filters and their pages."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from registries import Fill, on_sqlite, write
from starlette.testclient import TestClient

from promptdb import PromptService
from promptdb.domain.plan import Policy
from promptdb.domain.wire.versions import decode_view
from promptdb.project.load import load_tree
from promptdb.sync.sync_tree import sync_tree


@pytest.fixture
def service(recorded: Callable[[Fill], PromptService]) -> PromptService:
    """Prompts with tags, owners, versions and moves."""
    return recorded(fill)


def fill(service: PromptService) -> None:
    metadata: dict[str, Any] = {"title": "Sort tickets", "tags": ["de", 'q"1'], "owners": ["ann@example.com"]}
    service.register_text("support/triage", "Sort {ticket}", metadata=metadata, alias="staging")
    service.register_text("support/triage", "Sort the {ticket}", metadata=metadata, alias="staging")
    service.promote("support/triage:rev:1", "production", reason="as agreed")
    service.register_text("support/eu/greet", "Grüße", metadata={"tags": ["de"], "description": "Says hello"})
    service.register_spec("supportive/chat", {"messages": [{"role": "system", "template": "Be KIND. 100% _sure_"}]})
    service.register_text("Zoo/last", "x")


def walk(api: TestClient, path: str, limit: int, **params: Any) -> Iterator[list[dict[str, Any]]]:
    """The pages of a list, by the cursor in the body, which the header has too."""
    cursor = None
    while True:
        answer = api.get(path, params={**params, "limit": limit} | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        page = answer.json()
        yield page["items"]
        following = answer.links.get("next")
        assert (following is None) == (page["next"] is None)
        if following is None:
            return
        assert api.get(f"{path}{following['url']}").json()["items"]
        cursor = page["next"]


def names(api: TestClient, **params: Any) -> list[str]:
    return [item["prompt"] for item in api.get("prompts", params=params).json()["items"]]


def test_prompts_are_filtered(api: TestClient, service: PromptService) -> None:
    everything = ["Zoo/last", "support/eu/greet", "support/triage", "supportive/chat"]
    assert sorted(names(api)) == everything
    for params, found in [
        ({"namespace": "support"}, ["support/eu/greet", "support/triage"]),
        ({"namespace": "support/eu"}, ["support/eu/greet"]),
        ({"namespace": "sup%"}, []),
        ({"tag": "de"}, ["support/eu/greet", "support/triage"]),
        ({"tag": "d"}, []),
        ({"tag": 'q"1'}, ["support/triage"]),
        ({"owner": "ann@example.com"}, ["support/triage"]),
        ({"owner": "ann@example.com", "tag": "de", "namespace": "support/eu"}, []),
        ({"q": "TICKETS"}, ["support/triage"]),
        ({"q": "the {ticket"}, ["support/triage"]),
        ({"q": "grüße"}, ["support/eu/greet"]),
        ({"q": "GRÜ"}, ["support/eu/greet"]),
        ({"q": "says"}, ["support/eu/greet"]),
        ({"q": "support/t"}, ["support/triage"]),
        ({"q": "zoo"}, ["Zoo/last"]),
        ({"q": "be kind"}, ["supportive/chat"]),
        ({"q": "100% _S"}, ["supportive/chat"]),
        ({"q": "_"}, ["supportive/chat"]),
        ({"q": "template_format"}, []),
        ({"q": ""}, everything),
        ({"q": "GR\u00dc\u1e9eE"}, ["support/eu/greet"]),
        ({"q": "%"}, ["supportive/chat"]),
        ({"behind": "production"}, ["support/triage"]),
        ({"behind": "staging"}, []),
        ({"fragment": "tone.md"}, []),
    ]:
        assert sorted(names(api, **params)) == found, params


def test_a_prompt_is_listed_with_its_metadata_and_aliases(api: TestClient, service: PromptService) -> None:
    [listed] = api.get("prompts", params={"q": "tickets"}).json()["items"]
    head = service.resolve("support/triage")
    assert listed == {
        "prompt": "support/triage",
        "version_id": str(head.id),
        "revision": 2,
        "spec_hash": head.spec_hash,
        "updated_at": head.created_at.isoformat(),
        "archived": False,
        "splits": {},
        "title": "Sort tickets",
        "description": None,
        "tags": ["de", 'q"1'],
        "owners": ["ann@example.com"],
        "aliases": {"production": 1, "staging": 2},
    }
    one = api.get("prompts/support/triage").json()
    assert {**one, "aliases": None, "splits": {}} == {**listed, "aliases": None}
    assert [(a["alias"], a["revision"], a["generation"], a["held"]) for a in one["aliases"]] == [
        ("production", 1, 1, False),
        ("staging", 2, 2, False),
    ]


def test_archived_prompts_are_listed_on_request(api: TestClient, service: PromptService) -> None:
    write(service.settings.prompts_path, {"a.txt": "x", "b.txt": "y"})
    sync_tree(service.registry, load_tree(service.settings), Policy())
    (service.settings.prompts_path / "b.txt").unlink()
    sync_tree(service.registry, load_tree(service.settings), Policy(prune=True, max_prune=100))
    assert names(api, namespace="default") == ["default/a"]
    assert names(api, namespace="default", archived=True) == ["default/a", "default/b"]
    assert api.get("prompts/default/b").json()["archived"] is True


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_have_everything_once_and_in_order(api: TestClient, service: PromptService, limit: int) -> None:
    for path, params in [
        ("prompts", {}),
        ("prompts", {"q": "s", "archived": True}),
        ("versions", {}),
        ("prompts/support/triage/versions", {}),
        ("prompts/support/triage/history", {}),
        ("prompts/support/triage/history", {"alias": "staging"}),
        ("history", {}),
        ("history", {"alias": "staging"}),
        ("blame", {}),
        ("blame", {"prompt": "support/triage"}),
        ("sync-runs", {}),
    ]:
        whole = api.get(path, params={**params, "limit": 1000}).json()
        assert whole["next"] is None
        pages = list(walk(api, path, limit, **params))
        assert [item for page in pages for item in page] == whole["items"], path
        assert all(len(page) == limit for page in pages[:-1])
        assert pages[-1] or not whole["items"]


def test_a_list_that_grows_between_pages_neither_skips_nor_repeats(api: TestClient, service: PromptService) -> None:
    pages = walk(api, "versions", 2)
    first = next(pages)
    service.register_text("a/new", "x")
    rest = [item for page in pages for item in page]
    assert len({item["id"] for item in first + rest}) == len(first + rest) == 5


def test_versions_are_listed_with_origin_and_aliases_the_newest_first(api: TestClient, service: PromptService) -> None:
    items = api.get("prompts/support/triage/versions").json()["items"]
    assert [decode_view(item) for item in items] == service.list_versions("support/triage")
    assert [(item["revision"], item["aliases"], item["source"]) for item in items] == [
        (2, ["staging"], None),
        (1, ["production"], None),
    ]
    below = api.get("prompts/support/triage/versions", params={"below": 2}).json()["items"]
    assert [item["revision"] for item in below] == [1]
    write(service.settings.prompts_path, {"synced.txt": "x"})
    sync_tree(service.registry, load_tree(service.settings), Policy())
    newest = api.get("versions", params={"limit": 1}).json()["items"][0]
    assert (newest["prompt"], newest["source"]["path"]) == ("default/synced", "synced.txt")
    [run] = api.get("sync-runs").json()["items"]
    assert (run["outcome"], run["is_dirty"], run["created_by"]) == ("applied", False, "tester")
    assert run["counts"]["create"] == 1


def test_history_has_the_moves_and_blame_what_was_there(api: TestClient, service: PromptService) -> None:
    moves = api.get("prompts/support/triage/history").json()["items"]
    log = service.alias_log("support/triage")
    assert [(m["alias"], m["from_revision"], m["to_revision"], m["reason"]) for m in moves] == [
        (m.alias, m.from_revision, m.to_revision, m.reason) for m in log
    ]
    first = min(move.created_at for move in log)
    assert api.get("blame", params={"at": (first - timedelta(seconds=1)).isoformat()}).json()["items"] == []
    assert [b["revision"] for b in api.get("blame", params={"at": first.isoformat()}).json()["items"]] == [1]
    now = api.get("blame", params={"prompt": "support/triage"}).json()["items"]
    assert [(b["alias"], b["revision"], b["reason"]) for b in now] == [
        ("production", 1, "as agreed"),
        ("staging", 2, None),
    ]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("prompts?limit=0", 422, "invalid-request"),
        ("prompts?limit=1001", 422, "invalid-request"),
        ("prompts?tag=a%00b", 422, "invalid-request"),
        ("prompts?archived=maybe", 422, "invalid-request"),
        ("prompts?cursor=x", 422, "invalid-request"),
        ("prompts?cursor=", 422, "invalid-request"),
        (f"prompts?cursor={'A' * 5000}", 422, "invalid-request"),
        ("prompts/a/none", 404, "prompt-not-found"),
        ("prompts/a", 422, "invalid-ref"),
        ("prompts/a/none/versions", 404, "prompt-not-found"),
        ("prompts/a/none/history", 404, "prompt-not-found"),
        ("prompts/support/triage/history?alias=No%20alias", 422, "invalid-ref"),
        ("prompts/support/triage/versions?below=0", 422, "invalid-request"),
        ("history?alias=No%20alias", 422, "invalid-ref"),
        ("blame?at=yesterday", 422, "invalid-request"),
        ("blame?at=2026-11-30T12:00:00", 422, "invalid-request"),
        ("blame?at=0001-01-01T00:00:00%2B14:00", 422, "invalid-request"),
        ("blame?at=9999-12-31T23:59:59-14:00", 422, "invalid-request"),
        ("blame?prompt=a/none", 404, "prompt-not-found"),
        ("blame?prompt=a:b", 422, "invalid-ref"),
    ],
)
def test_a_wrong_value_is_refused(api: TestClient, service: PromptService, path: str, status: int, code: str) -> None:
    answer = api.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@on_sqlite
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_cursor_that_was_changed_is_refused(api: TestClient, service: PromptService, data: st.DataObject) -> None:
    cursor: str = api.get("versions?limit=2").json()["next"]
    place = data.draw(st.integers(0, len(cursor) - 1))
    changed = cursor[:place] + data.draw(st.sampled_from("Aa0-_.=%")) + cursor[place + 1 :]
    status = api.get("versions", params={"cursor": changed}).status_code
    assert status == (200 if changed == cursor else 422)


@on_sqlite
def test_a_cursor_is_of_one_list_and_its_filters(api: TestClient, service: PromptService) -> None:
    cursor = api.get("prompts", params={"limit": 1, "namespace": "support"}).json()["next"]
    for path, params, status in [
        ("prompts", {"namespace": "support", "limit": 5}, 200),
        ("prompts", {}, 422),
        ("prompts", {"namespace": "support", "tag": "de"}, 422),
        ("versions", {"namespace": "support"}, 422),
    ]:
        assert api.get(path, params={**params, "cursor": cursor}).status_code == status


@on_sqlite
def test_blame_without_a_time_stays_at_that_of_its_first_page(api: TestClient, service: PromptService) -> None:
    before = datetime.now(UTC)
    page = api.get("blame", params={"limit": 1}).json()
    service.promote("support/triage:rev:1", "staging")
    [second] = api.get("blame", params={"limit": 1, "cursor": page["next"]}).json()["items"]
    assert (second["alias"], second["revision"]) == ("staging", 2)
    assert datetime.fromisoformat(second["moved_at"]) < before


@on_sqlite
def test_an_earlier_name_still_finds_the_prompt(api: TestClient, service: PromptService) -> None:
    write(service.settings.prompts_path, {"old.txt": "x"})
    sync_tree(service.registry, load_tree(service.settings), Policy())
    (service.settings.prompts_path / "old.txt").unlink()
    write(service.settings.prompts_path, {"new.txt": "---\nrenamed_from: [default/old]\n---\nx"})
    sync_tree(service.registry, load_tree(service.settings), Policy())
    assert api.get("prompts/default/old").json()["prompt"] == "default/new"
    for below in ("versions", "history"):
        assert api.get(f"prompts/default/old/{below}").status_code == 200
