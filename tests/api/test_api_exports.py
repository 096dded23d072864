"""Exports over HTTP: files that another registry imports."""

from pathlib import Path

import pytest
from apis import API, bearer, client_for, token_of
from registries import NewRegistry, dump, on_sqlite, write
from starlette.testclient import TestClient

from promptdb import PromptService, create_app
from promptdb.api.routes import exports
from promptdb.domain.plan import Policy
from promptdb.project.load import load_tree
from promptdb.service import PromptService as Service
from promptdb.sync.sync_tree import sync_tree
from promptdb.transfer.open_file import source_file
from promptdb.transfer.receive import receive


def with_asset(service: Service) -> None:
    spec = "template: Look\nassets:\n  - {path: data.bin, kind: attachment}\n"
    write(service.settings.prompts_path, {"a/one.yaml": spec, "a/data.bin": b"\0\1" * 50_000})
    sync_tree(service.registry, load_tree(service.settings), Policy())
    service.promote("a/one", "production")


@pytest.mark.parametrize("form", ["json", "zip"])
@on_sqlite
def test_an_export_is_the_file_that_the_command_writes(
    api: TestClient, service: PromptService, tmp_path: Path, form: str
) -> None:
    with_asset(service)
    answer = api.get("exports/a/one/production", params={"format": form})
    name = "a-one-rev-1.zip" if form == "zip" else "a-one-rev-1.bundle.json"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    [file] = service.export_to_file("a/one", tmp_path / name)
    assert answer.content == file.read_bytes()
    assert answer.headers["content-length"] == str(len(answer.content))


@on_sqlite
def test_another_registry_imports_it(
    api: TestClient, service: PromptService, new_registry: NewRegistry, tmp_path: Path
) -> None:
    with_asset(service)
    (tmp_path / "one.zip").write_bytes(api.get("exports/a/one/rev:1?format=zip").content)
    other = new_registry()
    with source_file(tmp_path / "one.zip") as source:
        receive(other.registry, source)
    assert other.resolve("a/one").spec_hash == service.resolve("a/one").spec_hash
    with other.asset(other.resolve("a/one"), "data.bin") as stream:
        assert stream.read() == b"\0\1" * 50_000


@on_sqlite
def test_to_create_an_export_checks_it_and_names_its_address(api: TestClient, service: PromptService) -> None:
    with_asset(service)
    before = dump(service.engine)
    answer = api.post("exports/a/one/production")
    found = answer.json()
    assert (answer.status_code, found["assets"], found["byte_size"]) == (201, 1, 100_000)
    assert answer.headers["location"] == f"{API}/exports/a/one/rev:1"
    document = api.get(f"http://127.0.0.1:8000{answer.headers['location']}").json()
    assert document["bundle"] == found["bundle"]
    assert dump(service.engine) == before


@on_sqlite
def test_the_etag_changes_with_the_bytes_only(api: TestClient, service: PromptService) -> None:
    with_asset(service)
    etags = {form: api.get(f"exports/a/one/rev:1?format={form}").headers["etag"] for form in ("json", "zip")}
    assert len(set(etags.values())) == 2
    for form, etag in etags.items():
        for selector in ("rev:1", "production", "latest"):
            again = api.get(f"exports/a/one/{selector}?format={form}", headers={"If-None-Match": etag})
            assert (again.status_code, again.content) == (304, b"")
    service.register_text("a/one", "2")
    assert api.get("exports/a/one/latest", headers={"If-None-Match": etags["json"]}).status_code == 200


@on_sqlite
def test_a_blob_that_is_missing_is_an_answer_and_not_half_a_file(api: TestClient, service: PromptService) -> None:
    with_asset(service)
    for blob in service.assets(service.resolve("a/one")):
        if blob.path is not None:
            (service.settings.blob_path / blob.object_key).unlink()
    assert api.post("exports/a/one/rev:1").json()["code"] == "integrity-failure"
    answer = api.get("exports/a/one/rev:1?format=zip")
    assert (answer.status_code >= 500, answer.headers["content-type"]) == (True, "application/problem+json")
    assert api.get("exports/a/one/rev:1").status_code == 200


@on_sqlite
def test_large_assets_are_for_the_command(
    api: TestClient, service: PromptService, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_asset(service)
    monkeypatch.setattr(exports, "MAX_ASSETS", 99_999)
    for method, path in (("POST", "exports/a/one/rev:1"), ("GET", "exports/a/one/rev:1?format=zip")):
        assert api.request(method, path).json()["code"] == "too-large"
    assert api.get("exports/a/one/rev:1").status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("exports/a/one/rev:9", 404),
        ("exports/a/none/latest", 404),
        ("exports/a/one/rev:x", 422),
        ("exports/a/one/rev:1?format=exe", 422),
        ("exports/a/one/..%2f..%2fetc%2fpasswd", 404),
        ("exports/one/latest", 422),
        ("exports/a/one/git:feature%2Fx", 404),
    ],
)
@on_sqlite
def test_what_is_not_there_is_not_exported(api: TestClient, service: PromptService, path: str, status: int) -> None:
    service.register_text("a/one", "1")
    for method in ("GET", "POST"):
        if "format" in path and method == "POST":
            continue
        answer = api.request(method, f"http://127.0.0.1:8000{API}/{path}")
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


@on_sqlite
def test_an_export_needs_the_scope_of_its_prompt(service: PromptService) -> None:
    service.register_text("a/one", "1")
    with client_for(create_app(service.settings), API) as client:
        for scope, status in (("read@b", 403), ("read@a", 200)):
            headers = bearer(token_of(service, scope, name=f"t{status}"))
            assert client.get("exports/a/one/latest", headers=headers).status_code == status
