"""The page that tries a version: a form from the contract, the output in four forms, code, and golden tests."""

import json
from pathlib import Path
from typing import Any

from dashboards import HOSTILE, html_of, links_of, seen, visit
from registries import on_sqlite, write
from streamlit.testing.v1 import AppTest

from promptdb import PromptService
from promptdb.dashboard.links import FILE, TRY, Link, to_trial
from promptdb.domain.prompt_id import PromptId

pytestmark = on_sqlite

ONE = PromptId("a", "one")
CHAT: dict[str, Any] = {
    "template_format": "jinja2",
    "messages": [
        {"role": "system", "template": "{{ mood }} {{ count }} {{ ratio }} {{ tags | join('+') }} {{ urgent }}"},
        {"variable_name": "history"},
        {"role": "human", "template": "{{ ticket }}"},
    ],
    "variables": {
        "ticket": {"type": "string", "description": "what the customer *wrote*"},
        "mood": {"type": "string", "enum": ["kind", "short"], "default": "kind"},
        "count": {"type": "integer", "default": 1},
        "ratio": {"type": "number", "default": 0.5},
        "tags": {"type": "array", "default": []},
        "urgent": {"type": "boolean", "default": False},
    },
    "model": {"provider": "openai", "name": "gpt-5"},
}


def render(app: AppTest) -> AppTest:
    return seen(app.button(key="render").click().run())


def texts(app: AppTest) -> list[str]:
    return [part.partition("</pre>")[0] for part in html_of(app).split('tabindex="0">')[1:]]


def test_the_form_follows_the_contract(dashboard: PromptService) -> None:
    dashboard.register_spec("a/one", CHAT)
    app = visit(Link(TRY, {"name": "a/one", "as": "Messages"}))
    # Nothing was typed yet, so nothing is wrong.
    assert app.info[0].value.startswith("The output appears here")
    # The code has a value of its type for each variable.
    assert all(part in app.code[0].value for part in ("'ticket': '...'", "'count': 1", "'tags': []", "'history': []"))
    assert "missing variable: ticket" in render(app).info[0].value.replace("\\", "")
    app.text_area(key="try ticket text").set_value("It is late.")
    [mood, urgent] = [box for box in app.selectbox if box.label.startswith(("mood", "urgent"))]
    assert (mood.options, urgent.options) == (["kind", "short"], ["true", "false"])
    mood.set_value('"short"')
    urgent.set_value("true")
    app.number_input(key="try count integer").set_value(7)
    app.text_input(key="try ratio number").set_value("3")
    app.text_area(key="try tags json").set_value('["a", "b"]')
    app.text_area(key="try history content 0").set_value("Hello")
    assert texts(render(app)) == ["short 7 3 a+b True", "Hello", "It is late."]
    assert json.loads(app.query_params["inputs"])["history"] == [{"role": "human", "content": "Hello"}]


def test_a_message_more_has_a_row_of_its_own(dashboard: PromptService) -> None:
    dashboard.register_spec("a/one", CHAT)
    inputs = json.dumps(
        {"ticket": "x", "history": [{"role": "human", "content": "Hi"}, {"role": "ai", "content": "Yes?"}]}
    )
    app = visit(Link(TRY, {"name": "a/one", "as": "Messages", "inputs": inputs}))
    seen(app.button(key="add history").click().run())
    app.text_area(key="try history content 2").set_value("My order")
    assert texts(render(app))[1:] == ["Hi", "Yes?", "My order", "x"]


def test_an_entry_that_is_not_json_is_an_error_at_its_field(dashboard: PromptService) -> None:
    dashboard.register_spec("a/one", CHAT)
    app = visit(to_trial(ONE, inputs='{"ticket": "x"}'))
    app.text_area(key="try tags json").set_value('["a",')
    app.text_input(key="try ratio number").set_value("half")
    render(app)
    errors = [box.value.replace("\\", "") for box in app.error]
    assert ["tags: it is not JSON" in errors[1], "ratio: it is not JSON" in errors[0], len(errors)] == [True, True, 2]
    assert texts(app) == []
    assert app.query_params["inputs"] in ('{"ticket": "x"}', ['{"ticket": "x"}'])


def test_the_output_has_four_forms_and_code_for_each(dashboard: PromptService) -> None:
    dashboard.register_spec("a/one", CHAT, alias="production")
    for form, method, output in (
        ("Text", "render_text", "System: kind 1 0.5"),
        ("OpenAI", "to_openai", "&quot;model&quot;: &quot;gpt-5&quot;"),
        ("Anthropic", "to_anthropic", "&quot;system&quot;: &quot;kind 1 0.5"),
    ):
        query = {"name": "a/one", "version": "production", "as": form, "inputs": '{"ticket":"x","history":[]}'}
        app = visit(Link(TRY, query))
        assert output in texts(app)[0]
        python, curl = (block.value for block in app.code)
        assert "client.get('a/one:production')" in python
        assert f"prompt.{method}(values)" in python
        assert f'"as": "{form.lower()}"' in curl
        assert "http://localhost:8000/api/v1/prompts/a/one/render?selector=production" in curl
        assert "$PROMPTDB_TOKEN" in curl


def test_inputs_that_are_too_long_for_the_address_stay_in_the_session(dashboard: PromptService) -> None:
    dashboard.register_text("a/one", "<{text}>")
    app = visit(to_trial(ONE, inputs='{"text": "short"}'))
    app.text_area(key="try text text").set_value("x" * 5_000)
    render(app)
    assert "inputs" not in app.query_params
    assert "too long for the address" in html_of(app)
    assert "5,002 characters" in html_of(app)
    assert "request.json" in app.code[0].value
    seen(app.segmented_control(key="inputs_as").set_value("JSON").run())
    assert json.loads(app.text_area(key="try all").value) == {"text": "x" * 5_000}


def test_what_the_form_cannot_show_is_shown_as_json(dashboard: PromptService) -> None:
    dashboard.register_text("a/one", "{% for a in many %}{{ a }},{% endfor %}", template_format="jinja2")
    app = visit(to_trial(ONE, inputs='{"many": [1, 2]}'))
    assert "many: the form cannot show this value" in html_of(app)
    assert texts(app) == ["1,2,"]
    app.text_area(key="try all").set_value('{"many": ["a"], "more": 1}')
    assert "no variable" in render(app).error[0].value
    app.text_area(key="try all").set_value("[")
    assert "not JSON" in render(app).error[0].value
    assert "inputs in the address" in visit(to_trial(ONE, inputs="[1]")).error[0].value


def test_golden_tests_run_on_the_file_at_a_click(dashboard: PromptService, tree: Path) -> None:
    dashboard.register_text("a/one", "Hi {name}")
    expected = "- {name: passes, variables: {name: Bo}, expect: {equals: Hi Bo}}\n"
    expected += f'- {{name: {json.dumps(HOSTILE)}, variables: {{name: Cy}}, expect: {{equals: "Hi\\nCy <b>"}}}}\n'
    write(tree, {"a/one.yaml": f"template: Hi {{name}}\ntests:\n{expected}"})
    app = visit(to_trial(ONE))
    [button] = [button for button in app.button if button.label == "Run the tests of the file"]
    found = html_of(seen(button.click().run()))
    assert "✗ 1 of 2 tests pass." in found
    assert "differs" not in found
    assert "✗ fail</span> &lt;script&gt;" in found
    assert '<span class="pdb-old">-Cy &lt;b&gt;\n</span>' in found
    assert "<script" not in found
    write(tree, {"a/one.yaml": "template: Hi {name}!"})
    found = html_of(seen(button.click().run()))
    assert "a/one.yaml differs from the version above" in found
    assert "has no tests" in app.info[-1].value


def test_the_file_as_it_is_can_be_tried(dashboard: PromptService, tree: Path) -> None:
    dashboard.register_text("a/one", "Hi {name}", alias="production")
    write(tree, {"a/one.txt": "Hello {name}"})
    app = visit(to_trial(ONE, FILE, '{"name":"Bo"}'))
    assert texts(app) == ["Hello Bo"]
    assert "PROMPTDB_SOURCE=files" in app.code[0].value
    assert len(app.code) == 1
    assert (
        "Compare with production",
        "compare?name=a%2Fone&from=production&to=file&inputs=%7B%22name%22%3A%22Bo%22%7D",
    ) in links_of(app)


def test_a_hostile_contract_is_text_and_a_hostile_template_ends(dashboard: PromptService) -> None:
    template = "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}{{ x }}"
    variables = {"x": {"enum": [HOSTILE, "b"], "description": HOSTILE}}
    dashboard.register_spec("a/one", {"template_format": "jinja2", "template": template, "variables": variables})
    app = visit(to_trial(ONE, inputs=json.dumps({"x": HOSTILE})))
    assert "too long" in app.error[0].value or "items" in app.error[0].value
    assert "<script" not in html_of(app)
    dashboard.register_spec("a/one", {"template_format": "jinja2", "template": "{{ x }}", "variables": variables})
    app = visit(to_trial(ONE, inputs=json.dumps({"x": HOSTILE})))
    assert "&lt;script&gt;" in texts(app)[0]
    assert "<script" not in html_of(app)


def test_a_long_text_is_cut(dashboard: PromptService) -> None:
    dashboard.register_text("a/one", "{text}" + "x" * 1_000_000)
    app = visit(to_trial(ONE, inputs='{"text": "a"}'))
    assert "The first 100,000 of 1,000,001 characters" in html_of(app)


def test_a_page_without_a_prompt_says_what_to_do(dashboard: PromptService) -> None:
    assert "no prompt" in visit(Link(TRY)).info[0].value
    dashboard.register_text("a/one", "Hi")
    assert "rev:9" in visit(to_trial(ONE, "rev:9")).error[0].value.replace("\\", "")
