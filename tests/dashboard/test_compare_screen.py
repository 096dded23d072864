"""The page that compares two versions: what callers notice, texts, settings and renders, all restored by the address."""

import json
from pathlib import Path
from typing import Any

from dashboards import HOSTILE, html_of, links_of, seen, visit
from registries import on_sqlite, write
from sqlalchemy import Engine, event

from promptdb import PromptService
from promptdb.dashboard.links import COMPARE, FILE, TRY, Link, to_comparison
from promptdb.domain.prompt_id import PromptId

pytestmark = on_sqlite

ONE = PromptId("a", "one")


def fill(service: PromptService) -> None:
    variables: dict[str, Any] = {"name": {"type": "string"}}
    service.register_text("a/one", "Hello {name}", variables=variables, model={"name": "gpt", "temperature": 0.2})
    service.promote("a/one:rev:1", "production")
    variables["mood"] = {"enum": ["good", "bad"]}
    metadata = {"title": "Greets"}
    service.register_text(
        "a/one",
        "Hello {name}, {mood}",
        variables=variables,
        model={"name": "gpt", "temperature": 0.7},
        metadata=metadata,
    )


def test_effects_texts_and_settings_of_two_versions_are_shown(dashboard: PromptService) -> None:
    fill(dashboard)
    app = visit(to_comparison(ONE, "production"))
    found = html_of(app)
    assert [heading.value for heading in app.subheader] == [
        "Effects on callers",
        "Text",
        "Settings",
        "Render both with the same inputs",
    ]
    assert '<li><span class="pdb-badge pdb-breaking">⚠ breaking</span> new required variable &#x27;mood&#x27;' in found
    assert 'Hello {name}<mark class="pdb-word">, {mood}</mark>' in found
    assert 'temperature: 0.<mark class="pdb-word">7</mark>' in found
    assert '<h4 class="pdb-diff-title">metadata</h4>' in found
    assert "<strong>v1</strong>" in found
    assert "<strong>v2</strong>" in found
    assert ("Swap", "compare?name=a%2Fone&from=latest&to=production") in links_of(app)


def test_the_address_restores_versions_view_and_inputs(dashboard: PromptService) -> None:
    fill(dashboard)
    inputs = '{"name":"Bo","mood":"bad"}'
    app = visit(to_comparison(ONE, "rev:1", "rev:2", view="Unified", inputs=inputs))
    found = html_of(app)
    assert app.text_area(key="compare name text").value == "Bo"
    assert '<tr><td class="pdb-number">1</td><td class="pdb-number"></td><td class="pdb-sign pdb-old"' in found
    assert 'tabindex="0">Hello Bo</pre>' in found
    assert 'tabindex="0">Hello Bo, bad</pre>' in found
    assert app.subheader[-1].value == "Differences of the renders"
    assert (
        "Try rev:2",
        f"try?{Link(TRY, {'name': 'a/one', 'version': 'rev:2', 'inputs': inputs})}".replace("try?/", ""),
    ) in links_of(app)


def test_inputs_that_someone_writes_are_in_the_address(dashboard: PromptService) -> None:
    fill(dashboard)
    app = visit(to_comparison(ONE, "production"))
    assert [box.value.replace("\\", "") for box in app.info] == [
        "The render appears here.  \nFill in the form.",
        "The render appears here.  \nFill in the form.",
    ]
    app.text_area(key="compare name text").set_value("Bo")
    seen(app.button(key="render").click().run())
    assert json.loads(app.query_params["inputs"]) == {"name": "Bo"}
    assert "Hello Bo" in html_of(app)
    assert "missing variable: mood" in app.info[0].value.replace("\\", "")


def test_an_error_of_one_side_is_shown_on_its_side(dashboard: PromptService) -> None:
    dashboard.register_spec("a/one", {"template": "{{ 1 // n }}", "template_format": "jinja2", "variables": {"n": {}}})
    dashboard.register_spec("a/one", {"template": "{{ n }}", "template_format": "jinja2", "variables": {"n": {}}})
    app = visit(to_comparison(ONE, "rev:1", "rev:2", inputs='{"n": 0, "other": 1}'))
    assert len(app.error) == 1
    assert 'tabindex="0">0</pre>' in html_of(app)
    assert "Neither of them has a variable other" in app.info[0].value


def test_the_file_as_it_is_is_a_side(dashboard: PromptService, tree: Path) -> None:
    fill(dashboard)
    write(tree, {"a/one.yaml": "template: Hello {name}, how are you?\nmodel: {name: gpt, temperature: 0.2}\n"})
    app = visit(to_comparison(ONE, "production", FILE))
    assert "the file as it is" in html_of(app)
    assert '<mark class="pdb-word">, how are you?</mark>' in html_of(app)
    write(tree, {"a/one.yaml": "template: ["})
    app = visit(to_comparison(ONE, "production", FILE))
    assert "1 error in 1 file" in app.error[0].value
    (tree / "a/one.yaml").unlink()
    assert "has no file for" in visit(to_comparison(ONE, "production", FILE)).error[0].value


def test_equal_versions_and_unknown_ones_say_so(dashboard: PromptService) -> None:
    fill(dashboard)
    assert "same content" in visit(to_comparison(ONE, "latest")).info[0].value
    app = visit(to_comparison(ONE, "rev:9"))
    assert "rev:9" in app.error[0].value.replace("\\", "")
    assert "newest revisions" in app.error[0].value
    assert "rev:2" in app.selectbox(key="from").options
    assert "no prompt" in visit(Link(COMPARE)).info[0].value
    assert "a/two" in visit(to_comparison(PromptId("a", "two"), "latest")).error[0].value.replace("\\", "")


def test_without_versions_in_the_address_the_newest_is_compared_with_production(dashboard: PromptService) -> None:
    fill(dashboard)
    app = visit(Link(COMPARE, {"name": "a/one"}))
    assert [box.placeholder for box in app.selectbox][:2] == ["production", "latest"]
    assert "<strong>v1</strong>" in html_of(app)


def test_assets_that_differ_are_listed(dashboard: PromptService, tree: Path, sync: Any) -> None:
    prompt = "---\nassets: [{path: ../_data.json, kind: attachment}]\n---\nHello"
    write(tree, {"_data.json": "{}", "a/one.txt": prompt})
    sync()
    write(tree, {"_data.json": "[]"})
    sync()
    found = html_of(visit(to_comparison(ONE, "rev:1")))
    assert "<code>../_data.json</code></th><td>changed</td>" in found


def test_hostile_texts_are_text_and_hostile_templates_end(dashboard: PromptService) -> None:
    loop = "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}"
    for extra in ("", " more"):
        spec = {
            "template_format": "jinja2",
            "template": "{% raw %}" + HOSTILE + extra + "{% endraw %}{% if go %}" + loop + "{% endif %}",
            "variables": {"go": {"type": "boolean", "default": False, "description": HOSTILE}},
            "metadata": {"description": HOSTILE + extra},
        }
        dashboard.register_spec("a/one", spec)
    app = visit(to_comparison(ONE, "rev:1", inputs='{"go": false}'))
    assert "<script" not in html_of(app)
    assert "<img" not in html_of(app)
    app = visit(to_comparison(ONE, "rev:1", inputs='{"go": true}'))
    assert len(app.error) == 2
    assert "too long" in app.error[0].value or "items" in app.error[0].value


def test_a_long_history_takes_few_queries_and_none_of_its_versions(dashboard: PromptService) -> None:
    for number in range(1, 40):
        dashboard.register_text("a/one", f"Hello {number}")
    app = visit(to_comparison(ONE, "rev:38", "rev:39"))
    assert app.selectbox(key="from").options == ["latest", FILE, *(f"rev:{n}" for n in range(39, 31, -1))]
    queries: list[str] = []

    def note(*given: Any) -> None:
        queries.append(given[2])

    event.listen(Engine, "before_cursor_execute", note)
    seen(app.run())
    event.remove(Engine, "before_cursor_execute", note)
    # Each of the two versions takes one more, past SQLAlchemy.
    assert sum(query.startswith("SELECT") for query in queries) == 3
