"""Renders, differences, assets and snapshots over HTTP: as the library has them, within limits."""

import io
from pathlib import Path
from typing import Any

import pytest
from registries import on_sqlite, write
from starlette.testclient import TestClient

from promptdb import PromptService
from promptdb.transfer.snapshot import write_snapshot

NAME = "support/triage"
CHAT: dict[str, Any] = {
    "messages": [
        {"role": "system", "template": "You sort tickets for {team}."},
        {"variable_name": "history", "optional": True},
        {"role": "user", "template": "{ticket}"},
    ],
    "variables": {"team": {"type": "string", "default": "support"}, "ticket": {"type": "string"}},
    "model": {"provider": "openai", "name": "some-model", "temperature": 0.5},
}
VALUES = {"ticket": "Grüße {x}", "history": [{"role": "user", "content": "hi"}]}


def render(api: TestClient, body: dict[str, Any], name: str = NAME, selector: str = "latest") -> Any:
    return api.post(f"prompts/{name}/render", params={"selector": selector}, json=body)


@on_sqlite
def test_a_render_is_that_of_the_library(api: TestClient, service: PromptService) -> None:
    service.register_spec(NAME, CHAT, alias="production")
    found = service.get(NAME)
    text, messages = found.render_text(VALUES), [message.as_dict() for message in found.render_messages(VALUES)]
    for selector in ("production", "rev:1"):
        answer = render(api, {"variables": VALUES}, selector=selector).json()
        assert (answer["text"], answer["messages"]) == (text, messages)
        assert answer["version"]["id"] == str(found.version.id)
    assert answer["alias"] is None
    for form, expected in [
        ("text", {"text": text}),
        ("messages", {"messages": messages}),
        ("openai", {"request": found.to_openai(VALUES)}),
        ("anthropic", {"request": found.to_anthropic(VALUES)}),
    ]:
        answer = render(api, {"variables": VALUES, "as": form}).json()
        assert {key: answer[key] for key in answer if key not in ("version", "alias")} == expected
    service.register_text("a/text", "Hello {name}")
    assert render(api, {"variables": {"name": "Ann"}}, "a/text").json()["text"] == "Hello Ann"
    assert render(api, {"variables": {"name": "Ann", "x": 1}, "ignore_extra": True}, "a/text").status_code == 200


@pytest.mark.parametrize(
    ("spec", "variables", "code", "details"),
    [
        (CHAT, {}, "missing-variables", {"names": ["ticket"]}),
        (CHAT, {"ticket": "x", "b": 1, "a": 2}, "unknown-variables", {"names": ["a", "b"]}),
        (CHAT, {"ticket": 1}, "render-error", {}),
        (CHAT, {"ticket": "x", "history": [{"role": "?"}]}, "render-error", {}),
        # Bombs
        ({"template": "{a}" * 500, "template_format": "f-string"}, {"a": "x" * 100_000}, "template-error", {}),
        ({"template": "{a:>999}" * 9000, "template_format": "f-string"}, {"a": "x"}, "template-error", {}),
        (
            {"template": "{{#a}}{{b}}{{/a}}", "template_format": "mustache"},
            {"a": [1] * 9999, "b": "x" * 9999},
            "template-error",
            {},
        ),
        (
            {
                "template": "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
                "template_format": "jinja2",
            },
            {},
            "template-error",
            {},
        ),
        ({"template": "{{ 'x' * 99999999 }}", "template_format": "jinja2"}, {}, "template-error", {}),
        ({"template": "{{ a.__class__.__mro__ }}", "template_format": "jinja2"}, {"a": 1}, "template-error", {}),
        ({"messages": [{"role": "user", "template": "{a}"}] * 60}, {"a": "x" * 100_000}, "template-error", {}),
    ],
    ids=range(11),
)
@on_sqlite
def test_a_render_that_fails_says_why(
    api: TestClient, service: PromptService, spec: dict[str, Any], variables: dict[str, Any], code: str, details: Any
) -> None:
    service.register_spec(NAME, spec)
    answer = render(api, {"variables": variables})
    found = answer.json()
    assert (answer.status_code, found["code"]) == (422, code), found
    assert details.items() <= found.items()


@pytest.mark.parametrize(
    "body",
    [
        {"variables": []},
        {"variables": {"a": 1}, "as": "yaml"},
        {"vars": {}},
        {"as_": "text"},
        {"ignore_extra": "yes"},
        [],
    ],
)
@on_sqlite
def test_a_wrong_body_is_refused(api: TestClient, service: PromptService, body: Any) -> None:
    service.register_text(NAME, "x")
    assert render(api, body).json()["code"] == "invalid-request"


@on_sqlite
def test_a_diff_is_that_of_the_command(api: TestClient, service: PromptService) -> None:
    service.register_spec(NAME, CHAT)
    service.register_spec(
        NAME,
        {
            **CHAT,
            "messages": [*CHAT["messages"], {"role": "user", "template": "{more}"}],
            "variables": {**CHAT["variables"], "more": {"type": "string"}},
        },
    )
    found = api.get(f"prompts/{NAME}/diff", params={"from": "rev:1"}).json()
    assert (found["from"], found["to"]) == (f"{NAME}:rev:1", f"{NAME}:rev:2")
    assert found["parts"] == ["template", "variables"]
    assert found["diff"][:2] == [f"--- {NAME}:rev:1", f"+++ {NAME}:rev:2"]
    assert "+{more}" in found["diff"]
    assert [(change["kind"], change["name"], change["is_breaking"]) for change in found["contract"]] == [
        ("variable_added", "more", True)
    ]
    same = api.get(f"prompts/{NAME}/diff", params={"from": "latest"}).json()
    assert (same["parts"], same["diff"], same["contract"]) == ([], [], [])
    assert api.get(f"prompts/{NAME}/diff").json()["code"] == "invalid-request"
    assert api.get(f"prompts/{NAME}/diff", params={"from": "rev:9"}).json()["code"] == "version-not-found"


DATA = bytes(range(256)) * 4


@pytest.fixture
def with_asset(service: PromptService, tmp_path: Path) -> PromptService:
    spec = "template: x\nassets:\n- {path: _a/ü b.html, kind: attachment}\n- {path: empty.txt, kind: attachment}\n"
    write(tmp_path, {"a.yaml": spec, "_a/ü b.html": DATA, "empty.txt": b""})
    service.register_file(tmp_path / "a.yaml", NAME)
    return service


ASSET = f"prompts/{NAME}/assets/_a/%C3%BC%20b.html"


@on_sqlite
def test_assets_are_listed_and_read(api: TestClient, with_asset: PromptService) -> None:
    listed = api.get(f"prompts/{NAME}/assets").json()
    assert [(one["path"], one["byte_size"]) for one in listed["items"]] == [("_a/ü b.html", 1024), ("empty.txt", 0)]
    answer = api.get(ASSET)
    assert answer.content == DATA
    assert answer.headers["etag"] == f'"sha256:{listed["items"][0]["checksum_sha256"]}"'
    # It could be a page with scripts.
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''%C3%BC%20b.html"
    assert api.get(ASSET, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    assert api.get(f"{ASSET}?selector=rev:1").headers["cache-control"].endswith("immutable")
    assert api.get(f"prompts/{NAME}/assets/empty.txt").content == b""
    head = api.head(ASSET)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "1024")
    for path in (
        "a.yaml",
        "../a.yaml",
        "%2e%2e/a.yaml",
        "/etc/passwd",
        "",
        "_a%5Cü b.html",
        "x%00",
    ):
        assert api.get(f"prompts/{NAME}/assets/{path}").status_code == 404, path


@pytest.mark.parametrize(
    ("header", "status", "expected"),
    [
        ("bytes=0-9", 206, DATA[:10]),
        ("bytes=10-", 206, DATA[10:]),
        ("bytes=-10", 206, DATA[-10:]),
        ("bytes=-9999", 206, DATA),
        ("bytes=1023-9999", 206, DATA[1023:]),
        ("bytes=1024-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=9-1", 200, DATA),
        ("bytes=0-1,5-6", 200, DATA),
        ("lines=0-1", 200, DATA),
        ("bytes=x", 200, DATA),
    ],
)
@on_sqlite
def test_a_range_is_a_part(
    api: TestClient, with_asset: PromptService, header: str, status: int, expected: bytes | None
) -> None:
    answer = api.get(ASSET, headers={"Range": header})
    assert answer.status_code == status
    if expected is None:
        assert (answer.headers["content-range"], answer.json()["code"]) == ("bytes */1024", "range-not-satisfiable")
    else:
        assert answer.content == expected
        assert ("content-range" in answer.headers) == (status == 206)
        changed = api.get(ASSET, headers={"Range": header, "If-Range": '"other"'})
        assert (changed.status_code, changed.content) == (200, DATA)


@on_sqlite
def test_an_asset_that_was_changed_in_the_store_never_arrives_whole(
    api: TestClient, with_asset: PromptService, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = next(
        file for file in (with_asset.settings.blob_path).rglob("*") if file.is_file() and file.stat().st_size == 1024
    )
    blob.chmod(0o600)
    blob.write_bytes(DATA[::-1])
    with pytest.raises(RuntimeError, match="already started"):
        api.get(ASSET)


@on_sqlite
def test_a_snapshot_is_that_of_the_command_until_its_versions_change(
    api: TestClient, service: PromptService, tmp_path: Path
) -> None:
    service.register_text(NAME, "One", alias="production")
    service.register_text("b/two", "Two", alias="production")
    expected = io.BytesIO()
    write_snapshot(service.registry, expected, ["production"])
    first = api.get("snapshots/production")
    assert first.content == expected.getvalue()
    (tmp_path / "file").write_bytes(api.get("snapshots/production?namespace=b").content)
    etag = {"If-None-Match": first.headers["etag"]}
    assert api.get("snapshots/production", headers=etag).status_code == 304
    service.register_text("c/three", "not in it")
    assert api.get("snapshots/production", headers=etag).status_code == 304
    service.register_text(NAME, "New", alias="production")
    assert api.get("snapshots/production", headers=etag).content != first.content
    assert api.get("snapshots/none").json()["code"] == "version-not-found"
    assert api.get("snapshots/No%20alias").json()["code"] == "invalid-ref"
    for alias in ("latest", "production"):
        for namespace in ("b", "c", "support"):
            api.get(f"snapshots/{alias}?namespace={namespace}")
    assert len(api.app.state.served.snapshots._kept) == 4  # type: ignore[attr-defined]
