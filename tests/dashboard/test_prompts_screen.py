"""The list of prompts: filters in the address, 50 on a page, and a link for each."""

from pathlib import Path

import pytest
from dashboards import HOSTILE, html_of, links_of, visit
from registries import on_sqlite

from promptdb import PromptService
from promptdb.dashboard.links import PROMPTS, Link, to_prompts

pytestmark = on_sqlite


def names(link: Link) -> list[str]:
    return [label for label, address in links_of(visit(link)) if address.startswith("prompt?")]


def fill(service: PromptService) -> None:
    service.register_text("a/one", "Hello {name}", metadata={"tags": ["greeting"], "owners": ["ann"], "title": "First"})
    service.register_text("a/b/two", "Bye {name}", metadata={"tags": ["other"], "owners": ["ben"]})
    service.register_text("c/three", "ÄRGER, Kelvin 300\u212a", alias="production")


def test_filters_of_the_address_choose_the_prompts(dashboard: PromptService) -> None:
    fill(dashboard)
    assert names(to_prompts()) == ["a/one", "a/b/two", "c/three"]
    assert names(to_prompts(namespace="a")) == ["a/one", "a/b/two"]
    assert names(to_prompts(tag="greeting")) == ["a/one"]
    assert names(to_prompts(owner="ben")) == ["a/b/two"]
    assert names(to_prompts(q="hello")) == ["a/one"]
    assert names(to_prompts(q="ärger")) == ["c/three"]
    assert names(to_prompts(q="300k")) == ["c/three"]
    assert names(to_prompts(q="100%")) == []


def test_a_filter_that_someone_writes_chooses_too(dashboard: PromptService) -> None:
    fill(dashboard)
    app = visit(to_prompts())
    app.text_input(key="tag").set_value("other").run()
    assert [label for label, _ in links_of(app)] == ["a/b/two"]


def test_fifty_prompts_are_on_a_page_and_a_filter_begins_at_the_first(dashboard: PromptService) -> None:
    for number in range(60):
        dashboard.register_text(f"many/p{number:02}", "Hello")
    app = visit(to_prompts(namespace="many"))
    *shown, (label, _) = links_of(app)
    assert (len(shown), label) == (50, "Next page")
    cursor = '"many/p49"'
    assert names(Link(PROMPTS, {"namespace": "many", "cursor": cursor})) == [f"many/p{n}" for n in range(50, 60)]
    second = visit(Link(PROMPTS, {"namespace": "many", "cursor": cursor}))
    second.text_input(key="q").set_value("p0").run()
    assert "cursor" not in second.query_params
    assert [label for label, _ in links_of(second)] == [f"many/p0{n}" for n in range(10)]


def test_a_cursor_of_another_list_is_an_error_with_a_remedy(dashboard: PromptService) -> None:
    app = visit(Link(PROMPTS, {"cursor": "[[[["}))
    assert "open the first page" in app.error[0].value


def test_a_page_without_prompts_says_why(dashboard: PromptService) -> None:
    assert "no prompt yet" in visit(to_prompts()).info[0].value
    assert "No prompt matches" in visit(to_prompts(tag="none")).info[0].value


def test_a_missing_registry_is_an_error_with_its_remedy(
    dashboard: PromptService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PROMPTDB_DATABASE_URL", f"sqlite:///{tmp_path}/none.sqlite3")
    assert "promptdb sync" in visit(to_prompts()).error[0].value


def test_titles_and_tags_are_text(dashboard: PromptService) -> None:
    dashboard.register_text("a/one", "x", metadata={"title": HOSTILE, "tags": [HOSTILE], "owners": [HOSTILE]})
    found = html_of(visit(to_prompts()))
    assert "<script" not in found
    assert "<img" not in found
    assert "&lt;script&gt;" in found
