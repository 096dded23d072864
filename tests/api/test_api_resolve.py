"""Lookups over HTTP: the version that the library finds, with headers for caches."""

from pathlib import Path

import pytest
from registries import on_sqlite, write
from starlette.testclient import TestClient
from waiting import until

from promptdb import PromptRef, PromptService
from promptdb.api.answers import Answers
from promptdb.domain.wire.versions import decode_version

NAME = "support/eu/triage"
PATHS = ["prompts/support/eu/triage/resolve", "prompts/support%2Feu%2Ftriage/resolve"]


@pytest.mark.parametrize("path", PATHS)
def test_a_selector_gives_the_version_that_the_library_finds(
    api: TestClient, service: PromptService, path: str
) -> None:
    first = service.register_text(NAME, "Grüße {name}", metadata={"user_version": "v1"}).version
    service.register_text(NAME, "Hi {name}", alias="production")
    selectors = ("latest", "production", "v1", "rev:1", str(first.id), first.spec_hash, first.spec_hash[:15])
    for selector in selectors * 2:
        found = service.find(PromptRef.parse(f"{NAME}:{selector}"))
        answer = api.get(path, params={"selector": selector})
        stored = decode_version(answer.json(), lambda _, files: files)
        assert (stored.view, stored.spec_json, stored.alias) == (found.view, found.spec_json, found.alias)
        assert (stored.archived, stored.commit_id, stored.assets) == (False, None, ())
    assert api.get(path).content == api.get(path, params={"selector": "latest"}).content


@pytest.mark.parametrize(
    ("selector", "caching"),
    [
        ("production", "max-age=5, stale-while-revalidate=60, stale-if-error=86400"),
        ("latest", "max-age=5, stale-while-revalidate=60, stale-if-error=86400"),
        ("rev:1", "public, max-age=31536000, immutable"),
    ],
)
@on_sqlite
def test_a_client_that_has_the_answer_gets_no_body(
    api: TestClient, service: PromptService, selector: str, caching: str
) -> None:
    service.register_text(NAME, "Hello", alias="production")
    path = f"{PATHS[0]}?selector={selector}"
    first = api.get(path)
    etag = first.headers["etag"]
    assert first.headers["cache-control"] == caching
    for names in (etag, f'"x", {etag}', f"W/{etag}", "*"):
        answer = api.get(path, headers={"If-None-Match": names})
        assert (answer.status_code, answer.content) == (304, b"")
        assert (answer.headers["etag"], answer.headers["cache-control"]) == (etag, caching)
    for names in ('"x"', etag.strip('"'), ""):
        assert api.get(path, headers={"If-None-Match": names}).content == first.content


@on_sqlite
def test_a_move_by_another_process_is_served_soon_with_another_etag(api: TestClient, service: PromptService) -> None:
    service.register_text(NAME, "One", alias="production")
    first = api.get(f"{PATHS[0]}?selector=production")
    service.register_text(NAME, "Two", alias="production")
    until(lambda: api.get(f"{PATHS[0]}?selector=production").json()["revision"] == 2)
    again = api.get(f"{PATHS[0]}?selector=production", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 200
    assert again.headers["etag"] != first.headers["etag"]


@on_sqlite
def test_a_label_that_becomes_an_alias_is_served_as_one(api: TestClient, service: PromptService) -> None:
    """The spec and its digest are the same, the answer is not."""
    service.register_text(NAME, "One", metadata={"user_version": "stable"})
    first = api.get(f"{PATHS[0]}?selector=stable")
    service.promote(NAME, "stable")
    until(lambda: api.get(f"{PATHS[0]}?selector=stable").json()["alias"] == "stable")
    assert api.get(f"{PATHS[0]}?selector=stable").headers["etag"] != first.headers["etag"]


@on_sqlite
def test_assets_are_listed(api: TestClient, service: PromptService, tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": "template: x\nassets:\n- {path: data.csv, kind: attachment}\n", "data.csv": "a,b\n"})
    service.register_file(tmp_path / "a.yaml", NAME)
    for selector in ("latest", "rev:1"):
        [asset] = api.get(PATHS[0], params={"selector": selector}).json()["assets"]
        assert (asset["path"], asset["byte_size"], asset["kind"]) == ("data.csv", 4, "attachment")
        assert set(asset) == {"kind", "path", "content_type", "byte_size", "checksum_sha256"}


@pytest.mark.parametrize("name", ["a/versions", "a/b/versions", "resolve/diff", "assets/aliases/history"])
@on_sqlite
def test_a_name_may_have_the_word_of_a_route(api: TestClient, service: PromptService, name: str) -> None:
    service.register_text(name, "Hello")
    encoded = name.replace("/", "%2F")
    assert api.get(f"prompts/{encoded}/resolve").json()["prompt"] == name


@on_sqlite
def test_a_name_in_a_path_has_its_namespace(api: TestClient, service: PromptService) -> None:
    service.register_text("hello", "Hello")
    assert api.get("prompts/default/hello/resolve").status_code == 200
    assert api.get("prompts/hello").json()["hint"] == "add its namespace: default/hello"


@on_sqlite
def test_commits_of_the_repository_around_the_server_are_not_served(
    api: TestClient, service: PromptService, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.register_text(NAME, "Hello")

    def fail(*_: object) -> None:
        raise AssertionError("the repository was asked")

    monkeypatch.setattr("promptdb.sync.from_git.find_in_repository", fail)
    for commit in ("main", "0" * 40):
        assert api.get(PATHS[0], params={"selector": f"git:{commit}"}).json()["code"] == "version-not-found"


@on_sqlite
def test_kept_answers_have_a_limit(api: TestClient, service: PromptService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("promptdb.api.answers.MAX_BYTES", 3000)
    for number in range(6):
        service.register_text(f"a/p{number}", "x" * 300)
        api.get(f"prompts/a/p{number}/resolve")
        api.get(f"prompts/a/p{number}/resolve?selector=rev:1")
    answers: Answers = api.app.state.served.answers  # type: ignore[attr-defined]
    assert 0 < answers._size == sum(len(answer.body) for answer, _ in answers._made.values()) <= 3000
    assert api.get("prompts/a/p0/resolve").json()["prompt"] == "a/p0"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?selector=production",
        "?selector=rev:1",
        "?selector=rev%3A1",
        "?selector=a%2Bb",
        "?selector=a+b",
        "?selector=",
        "?selector=none",
        "?selector=latest&selector=rev:1",
        "?other=1&selector=rev:1",
        "?selectors=rev:1",
        "?Selector=rev:1",
    ],
)
@on_sqlite
def test_the_way_around_the_router_gives_the_answers_of_the_route(
    api: TestClient, service: PromptService, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    service.register_text(NAME, "One", metadata={"user_version": "a+b"}, alias="production")
    service.register_text(NAME, "Two")

    def asked() -> list[tuple[object, ...]]:
        answers = [
            api.get(f"prompts/{path}/resolve{query}", headers=headers)
            for path in (NAME, NAME.replace("/", "%2F"), "support:eu/triage", "triage", "support/eu/triage:rev:1")
            for headers in ({}, {"If-None-Match": "*"})
        ]
        own = ("x-request-id", "date")
        return [(a.status_code, a.content, {k: v for k, v in a.headers.items() if k not in own}) for a in answers]

    asked()
    around = asked()
    monkeypatch.setattr("promptdb.api.shortcut.Shortcut._response", lambda *_: None)
    assert around == asked()


@on_sqlite
def test_a_kept_answer_passes_the_router_by_and_is_logged_as_its_route(
    api: TestClient, service: PromptService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    service.register_text(NAME, "One", alias="production")
    path = f"{PATHS[0]}?selector=production"
    first = api.get(path)
    monkeypatch.setattr("promptdb.api.routes.resolve.reads", lambda _: pytest.fail("the route was asked"))
    with caplog.at_level("INFO"):
        for name in (path, path.replace("support/eu/", "support%2Feu%2F")):
            assert api.get(name).content == first.content
    routes = {record.exchange.route for record in caplog.records if hasattr(record, "exchange")}
    assert routes == {"/prompts/{prompt}/resolve"}
