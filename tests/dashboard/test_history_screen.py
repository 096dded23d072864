"""The page of moves: who moved what, when and why, and what ran at the time that the address has."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from dashboards import HOSTILE, html_of, links_of, seen, visit
from registries import on_sqlite

from promptdb import PromptService
from promptdb.dashboard.links import HISTORY, Link, to_history
from promptdb.domain.prompt_id import PromptId

pytestmark = on_sqlite

ONE = PromptId("a", "one")


def fill(service: PromptService) -> datetime:
    """Four moves; gives the time after the second one."""
    for text in ("Hello {name}", "Hello {name} of {town}"):
        service.register_text("a/one", text)
    service.register_text("b/two", "Bye", alias="staging")
    service.promote("a/one:rev:1", "production", reason="the first")
    then = service.alias_log("a/one")[0].created_at
    service.promote("a/one:rev:2", "production", allow_breaking=True)
    service.rollback("a/one", "production", reason="too long")
    return then


def prompts(link: Link) -> list[str]:
    return [label for label, address in links_of(visit(link)) if address.startswith("prompt?")]


def test_moves_are_listed_with_author_reason_and_what_they_broke(dashboard: PromptService) -> None:
    fill(dashboard)
    app = visit(to_history())
    found = html_of(app)
    assert [label for label, address in links_of(app) if address.startswith("prompt?")] == ["a/one"] * 3 + ["b/two"]
    assert 'v2 → <strong>v1</strong> <span class="pdb-badge">↩ rolled back</span>' in found
    assert "too long" in found
    assert "nothing → <strong>v1</strong>" in found
    assert "new required variable &#x27;town&#x27;" in found
    last = dashboard.alias_log("a/one")[0].created_at
    # Each move leads to what ran after it.
    assert (f"{last:%Y-%m-%d %H:%M} UTC", f"history?{urlencode({'at': last.isoformat()})}") in links_of(app)


def test_the_address_chooses_a_prompt_and_an_alias(dashboard: PromptService) -> None:
    fill(dashboard)
    assert prompts(to_history(ONE)) == ["a/one"] * 3
    assert prompts(Link(HISTORY, {"alias": "staging"})) == ["b/two"]
    assert prompts(Link(HISTORY, {"name": "a/one", "alias": "staging"})) == []
    app = visit(to_history())
    seen(app.text_input(key="name").set_value("b/two").run())
    assert app.query_params["name"] == "b/two"
    assert [label for label, address in links_of(app) if address.startswith("prompt?")] == ["b/two"]


def test_what_ran_at_a_time_is_at_an_address(dashboard: PromptService) -> None:
    then = fill(dashboard)
    app = visit(to_history(at=then))
    assert app.subheader[0].value.replace("\\", "") == f"Aliases at {then:%Y-%m-%d %H:%M:%S} UTC"
    shown = [link for link in links_of(app) if link[1].startswith("prompt?")]
    assert shown == [
        ("a/one", "prompt?name=a%2Fone&version=rev%3A1"),
        ("b/two", "prompt?name=b%2Ftwo&version=rev%3A1"),
    ]
    assert "the first" in html_of(app)
    assert prompts(to_history(ONE, then)) == ["a/one"]
    assert "No alias pointed" in visit(to_history(at=then - timedelta(days=1))).info[0].value


def test_fifty_moves_are_on_a_page(dashboard: PromptService) -> None:
    for number in range(55):
        dashboard.register_text("a/one", f"Hello {number}", alias="production")
    first = visit(to_history(ONE))
    assert len([link for link in links_of(first) if link[1].startswith("prompt?")]) == 50
    label, address = links_of(first)[-1]
    assert label == "Next page"
    assert address.startswith("history?name=a%2Fone&cursor=")
    assert prompts(Link(HISTORY, {"name": "a/one", "cursor": "6"})) == ["a/one"] * 5


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"name": "a/onw"}, "a/one"),
        ({"name": HOSTILE}, "name"),
        ({"alias": "Not an alias"}, "cannot be an alias"),
        ({"at": "yesterday"}, "is not a time"),
        ({"at": HOSTILE}, "is not a time"),
        ({"cursor": "[[["}, "open the first page"),
    ],
)
def test_an_address_that_names_nothing_is_explained(dashboard: PromptService, query: dict[str, str], said: str) -> None:
    dashboard.register_text("a/one", "Hello")
    app = visit(Link(HISTORY, query))
    assert said in app.error[0].value.replace("\\", "")


def test_a_registry_without_moves_says_so(dashboard: PromptService) -> None:
    assert "No alias has moved" in visit(to_history()).info[0].value


def test_authors_and_reasons_are_text(dashboard: PromptService) -> None:
    hostile = PromptService(dashboard.settings.model_copy(update={"actor": HOSTILE[:60]}))
    hostile.register_text("a/one", "Hello")
    hostile.promote("a/one", "production", reason=HOSTILE)
    for link in (to_history(), to_history(at=datetime.now(UTC))):
        found = html_of(visit(link))
        assert found.count("&lt;script&gt;") == 2
        assert "<script" not in found
        assert "<img" not in found
