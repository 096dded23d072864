"""The overview: what differs and why, what changed since production, and the latest moves and syncs."""

from collections.abc import Callable
from pathlib import Path

import pytest
from apis import token_of
from dashboards import HOSTILE, html_of, links_of, visit
from registries import on_sqlite, write
from servers import in_thread

from promptdb import PromptService, create_app
from promptdb.dashboard.links import OVERVIEW, PROMPTS, Link, to_prompts

pytestmark = on_sqlite

HOME = Link(OVERVIEW)


def test_each_difference_has_its_reason(dashboard: PromptService, tree: Path, sync: Callable[..., object]) -> None:
    texts = {"a/same.txt": "x", "a/gone.txt": "x", "a/changed.txt": "Hello {name}", "a/live.txt": "1"}
    write(tree, {**texts, "_aliases.yaml": "production:\n  a/live: rev:1\n"})
    sync()
    write(tree, {"a/changed.txt": "Hello {name} and {other}", "a/new.txt": "<b>", "a/live.txt": "2"})
    (tree / "a/gone.txt").unlink()
    dashboard.register_text("a/live", "3")
    dashboard.promote("a/live", "production", reason=HOSTILE[:60])
    found = html_of(visit(HOME))
    for subject, place, reason in [
        ("a/changed", "files, registry", "the file differs from v1 in template"),
        ("a/new", "files, registry", "the file is new: no sync has recorded it"),
        ("a/gone", "files, registry", "the prompt has no file any more; it stays"),
        (
            "a/live:production",
            "files, alias",
            "it points at v2, prompts/_aliases.yaml:2 says v1. tester moved it by hand on",
        ),
    ]:
        assert subject in found or subject in dict(links_of(visit(HOME)))
        assert place in found
        assert reason in found
    assert "⚠ breaking: new required variable" in found
    assert "<script" not in found


def test_files_that_were_synced_do_not_differ(
    dashboard: PromptService, tree: Path, sync: Callable[..., object]
) -> None:
    write(tree, {"a/one.txt": "x"})
    sync()
    assert "✓ The files, the registry and the declared aliases are the same." in html_of(visit(HOME))
    write(tree, {"a/one.txt": "{"})
    app = visit(HOME)
    assert "Some files have problems" in app.warning[0].value
    assert "a/one.txt:1:1: PDB301 " in app.code[0].value


def test_prompts_that_changed_since_production_lead_to_what_changed(dashboard: PromptService) -> None:
    dashboard.register_text("a/one", "1", alias="production")
    dashboard.register_text("a/two", "1", alias="production")
    dashboard.register_text("a/none", "1")
    assert "it is at the newest version" in html_of(visit(HOME))
    dashboard.register_text("a/one", "2")
    app = visit(HOME)
    assert "production v1, newest v2" in html_of(app)
    assert "template</span>" in html_of(app)
    assert "breaking" not in html_of(app)
    dashboard.register_text("a/one", "{new}")
    assert "⚠ breaking: " in html_of(visit(HOME))
    assert ("a/one", "prompt?name=a%2Fone") in links_of(app)
    assert [label for label, _ in links_of(visit(Link(PROMPTS, {"behind": "production"})))][1:] == ["a/one"]


def test_moves_say_who_why_and_what_broke_and_mark_rollbacks(dashboard: PromptService) -> None:
    dashboard.register_text("a/one", "{x}", alias="production")
    dashboard.register_text("a/one", "{y}")
    dashboard.promote("a/one", "production", reason="new <name>", allow_breaking=True)
    dashboard.rollback("a/one", "production", reason="it broke")
    found = html_of(visit(HOME))
    newest, second = found.index("↩ rolled back"), found.index("new &lt;name&gt;")
    assert newest < second
    assert "it broke" in found
    assert "⚠ breaking: variable" in found
    assert "by tester" in found


def test_behind_the_api_each_person_has_a_token(dashboard: PromptService, monkeypatch: pytest.MonkeyPatch) -> None:
    dashboard.register_text("a/one", "1", alias="production")
    dashboard.register_text("b/two", "1", alias="production")
    token = token_of(dashboard, "read@a")
    with in_thread(create_app(dashboard.settings)) as port:
        monkeypatch.setenv("PROMPTDB_URL", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("PROMPTDB_DATABASE_URL", "sqlite:////nowhere/none.sqlite3")
        app = visit(to_prompts())
        assert "it needs a token" in app.info[0].value
        app.text_input(key="pdb_token_field").set_value(f" {token} ")
        app.button[0].click().run()
        assert [label for label, _ in links_of(app)] == ["a/one"]
        assert token not in str(app.query_params)
        home = visit(HOME, {"pdb_token": token})
        assert "outside of a checkout" in html_of(home)
        assert "syncs concern all" in html_of(home)
        monkeypatch.setenv("PROMPTDB_API_PREFIX", "/elsewhere")
        assert "ask the person who runs this dashboard" in visit(HOME, {"pdb_token": token}).error[0].value
        monkeypatch.delenv("PROMPTDB_API_PREFIX")
        wrong = visit(to_prompts(), {"pdb_token": "pdb_" + "x" * 36})
        assert "ended or been revoked" in wrong.error[0].value
        wrong.button[-1].click().run()
        assert "pdb_token" not in wrong.session_state


def test_a_dashboard_that_others_reach_asks_for_a_token_before_any_request(
    dashboard: PromptService, monkeypatch: pytest.MonkeyPatch
) -> None:
    import streamlit.config

    streamlit.config.set_option("server.address", "0.0.0.0")
    dashboard.register_text("a/one", "1")
    with in_thread(create_app(dashboard.settings)) as port:
        monkeypatch.setenv("PROMPTDB_URL", f"http://127.0.0.1:{port}")
        app = visit(to_prompts())
        assert "needs an access token of yours" in app.info[0].value
        assert links_of(app) == []
        monkeypatch.setenv("PROMPTDB_TOKEN", "pdb_mine")
        assert "refuses this visit" in visit(to_prompts()).error[0].value
