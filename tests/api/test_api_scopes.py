"""Lists, renders and files with a token for one namespace: nothing of another one shows."""

from collections.abc import Callable
from typing import Any

import pytest
from apis import bearer, token_of
from registries import Fill, on_sqlite, write
from starlette.testclient import TestClient

from promptdb import PromptService

pytestmark = on_sqlite


@pytest.fixture
def service(recorded: Callable[[Fill], PromptService]) -> PromptService:
    """A registry with a secret prompt."""
    return recorded(fill)


def fill(service: PromptService) -> None:
    folder = service.settings.base
    write(folder, {"a.yaml": "template: x\nassets:\n- {path: data.csv, kind: attachment}\n", "data.csv": "a,b\n"})
    for name in ("legal/secret", "support/eu/triage", "support/triage", "zoo/secret"):
        service.register_file(folder / "a.yaml", name, alias="production")


@pytest.fixture
def headers(service: PromptService) -> dict[str, str]:
    """Those of a token for `support`."""
    return bearer(token_of(service, "read@support"))


@pytest.mark.parametrize("path", ["prompts", "prompts?q=x", "versions", "history", "blame"])
@pytest.mark.parametrize("limit", [1, 100])
def test_lists_have_the_own_namespace_only(api: TestClient, headers: dict[str, str], path: str, limit: int) -> None:
    found: list[str] = []
    params: dict[str, Any] = {"limit": limit}
    while True:
        page = api.get(path, params=params, headers=headers).json()
        found += [item["prompt"] for item in page["items"]]
        assert page["items"]
        if page["next"] is None:
            break
        params["cursor"] = page["next"]
    assert sorted(found) == ["support/eu/triage", "support/triage"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("prompts/legal/secret", 403),
        ("prompts/legal/secret/versions", 403),
        ("prompts/legal/secret/history", 403),
        ("prompts/legal/secret/diff?from=latest", 403),
        ("prompts/legal/secret/assets", 403),
        ("prompts/legal/secret/assets/data.csv", 403),
        ("prompts/support/none/assets/data.csv", 404),
        ("blame?prompt=legal/secret", 403),
        ("blame?prompt=legal/none", 403),
        ("sync-runs", 403),
        ("snapshots/production", 403),
        ("snapshots/production?namespace=legal", 403),
        ("snapshots/production?namespace=support", 200),
        ("snapshots/production?namespace=support/eu", 200),
        ("prompts/support/triage/assets/data.csv", 200),
        ("prompts/support/triage/versions", 200),
        ("prompts?namespace=legal", 200),
    ],
)
def test_a_route_opens_the_own_namespace_only(api: TestClient, headers: dict[str, str], path: str, status: int) -> None:
    answer = api.get(path, headers=headers)
    assert answer.status_code == status
    assert "secret" not in answer.text.replace("legal/secret", "")
    body = {"variables": {}}
    assert api.post("prompts/legal/secret/render", json=body, headers=headers).status_code == 403
    assert api.post("prompts/support/triage/render", json=body, headers=headers).status_code == 200


def test_a_snapshot_has_no_namespace_that_differs_in_case(
    api: TestClient, service: PromptService, headers: dict[str, str]
) -> None:
    service.register_text("Support/EU/private", "not for this token", alias="production")
    assert b"private" not in api.get("snapshots/production?namespace=support", headers=headers).content


def test_what_a_token_got_is_for_its_own_cache_only(api: TestClient, headers: dict[str, str]) -> None:
    for path, caching in [
        ("resolve?selector=production", "private, max-age=5, stale-while-revalidate=60, stale-if-error=86400"),
        ("resolve?selector=rev:1", "private, max-age=31536000, immutable"),
        ("assets/data.csv?selector=rev:1", "private, max-age=31536000, immutable"),
    ]:
        answer = api.get(f"prompts/support/triage/{path}", headers=headers)
        assert answer.headers["cache-control"] == caching
        again = api.get(f"prompts/support/triage/{path}", headers={**headers, "If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.headers["cache-control"]) == (304, caching)
    answer = api.get("snapshots/production?namespace=support", headers=headers)
    assert answer.headers["cache-control"].startswith("private, ")


def test_a_token_learns_its_own_scopes(api: TestClient, headers: dict[str, str]) -> None:
    assert api.get("me", headers=headers).json() == {"actor": "token:test", "scopes": ["read@support"]}
