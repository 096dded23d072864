"""Comparing and trying in a real browser: what someone writes is in the address, and text is text in each view."""

import json
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from browsers import barriers, chromium, go, needs_chromium, opened, promptdb_dashboard, settled
from dashboards import HOSTILE, environment_of
from playwright.sync_api import Browser, Page
from registries import settings_for
from waiting import until

from promptdb import PromptService
from promptdb.dashboard.links import TRY, Link, to_comparison
from promptdb.domain.prompt_id import PromptId

pytestmark = [needs_chromium, pytest.mark.slow]

ONE, EVIL = PromptId("a", "one"), PromptId("evil", "one")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("comparing")
    settings = settings_for(f"sqlite:///{folder}/registry.sqlite3", folder)
    with PromptService(settings) as service:
        fill(service)
    with promptdb_dashboard(folder, environment_of(settings)) as url:
        yield url


def fill(service: PromptService) -> None:
    rules = [f"Rule {number}." for number in range(30)]
    variables = {"name": {"type": "string"}, "history": {"type": "messages", "required": False}}
    for greeting in ("Hello", "Good day"):
        system = "\n".join([*rules, f"Say {greeting}."])
        messages = [
            {"role": "system", "template": system},
            {"variable_name": "history", "optional": True},
            {"role": "human", "template": f"{greeting} {{name}}"},
        ]
        service.register_spec("a/one", {"messages": messages, "variables": variables})
    service.promote("a/one:rev:1", "production")
    trap = f"{HOSTILE}<script>window.trapped = 1</script><svg onload='window.trapped = 2'>"
    for end in ("", "!"):
        variables = {"x": {"enum": [trap, "b"], "default": trap, "description": trap}}
        spec = {"template_format": "jinja2", "template": "{{ x }}{% raw %}" + trap + end + "{% endraw %}"}
        service.register_spec("evil/one", {**spec, "variables": variables, "metadata": {"title": trap + end}})


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def query(page: Page) -> dict[str, str]:
    return {name: value for name, [value] in parse_qs(urlsplit(page.url).query).items()}


def outputs(page: Page) -> list[str]:
    return page.locator("pre.pdb-text").all_inner_texts()


def test_a_comparison_is_swapped_written_sent_and_left_by_the_back_button(place: str, browser: Browser) -> None:
    page = opened(browser, f"{place}{to_comparison(ONE, 'production')}")
    shown = page.locator(".pdb-line strong")
    page.get_by_role("link", name="Swap").click()
    page.wait_for_url("**from=latest&to=production**")
    settled(page)
    assert shown.all_inner_texts()[:2] == ["v2", "v1"]
    page.go_back()
    settled(page)
    assert shown.all_inner_texts()[:2] == ["v1", "v2"]
    choice = page.get_by_role("combobox", name="From")
    choice.fill("rev:2")
    page.keyboard.press("Enter")
    page.wait_for_url("**from=rev%3A2**")
    page.get_by_text("Both have the same content.").wait_for()
    settled(page)
    choice.fill("rev:1")
    page.keyboard.press("Enter")
    page.wait_for_url("**from=rev%3A1**")
    settled(page)
    page.get_by_text("Unified").click()
    page.wait_for_url("**view=Unified**")
    settled(page)
    page.get_by_role("textbox", name="name, string").fill("Bo")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**inputs=**")
    settled(page)
    assert query(page) | {"inputs": ""} == {
        "name": "a/one",
        "from": "rev:1",
        "to": "latest",
        "view": "Unified",
        "inputs": "",
    }
    assert json.loads(query(page)["inputs"]) == {"name": "Bo"}
    folded = page.locator("summary", has_text="27 equal lines").first
    assert page.locator("details").first.get_by_text("Rule 20.").is_hidden()
    folded.click()
    assert page.locator("details").first.get_by_text("Rule 20.").is_visible()
    again = opened(browser, page.url)
    again.get_by_text("Differences of the renders").wait_for()
    until(lambda: [text for text in outputs(again) if "Bo" in text] == ["Hello Bo", "Good day Bo"])


def test_inputs_follow_to_the_page_that_tries(place: str, browser: Browser) -> None:
    link = to_comparison(ONE, "production", inputs='{"name":"Bo"}')
    page = opened(browser, f"{place}{link}")
    page.get_by_role("link", name="Try latest").click()
    page.wait_for_url("**/try?**")
    settled(page)
    field = page.get_by_role("textbox", name="name, string")
    assert field.input_value() == "Bo"
    page.get_by_role("textbox", name="Message 1").fill("Hi")
    page.get_by_role("button", name="Add a message to history").click()
    settled(page)
    page.get_by_role("textbox", name="Message 2").fill("Yes?")
    field.fill("x" * 3_000)
    page.get_by_role("button", name="Render").click()
    page.get_by_text("These inputs are too long for the address").wait_for()
    assert "inputs" not in query(page)
    page.get_by_text("Messages", exact=True).click()
    page.wait_for_url("**as=Messages**")
    settled(page)
    assert outputs(page)[1:] == ["Hi", "Yes?", "Good day " + "x" * 3_000]


@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.soak), "dark"])
def test_traps_are_text_and_nothing_of_ours_is_a_serious_barrier(place: str, browser: Browser, scheme: str) -> None:
    page = opened(browser, place, color_scheme=scheme)
    for link in (
        to_comparison(EVIL, "rev:1"),
        to_comparison(ONE, "production", view="Unified", inputs='{"name":"Bo"}'),
        Link(TRY, {"name": "evil/one", "as": "OpenAI"}),
    ):
        go(page, f"{place}{link}")
        assert page.evaluate("window.trapped") is None
        assert page.locator("[data-testid=stMain] script, [data-testid=stMain] img").count() == 0
        assert barriers(page) == []
