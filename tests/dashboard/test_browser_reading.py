"""Reading in a real browser: menus, filters, addresses, prompts that try to be more than text, and barriers."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from browsers import barriers, chromium, go, needs_chromium, opened, promptdb_dashboard, settled
from dashboards import HOSTILE, environment_of
from playwright.sync_api import Browser, ConsoleMessage, Request
from registries import settings_for

from promptdb import PromptService
from promptdb.dashboard.links import OVERVIEW, PROMPTS, Link, to_history, to_promotion, to_prompt
from promptdb.domain.prompt_id import PromptId

pytestmark = [needs_chromium, pytest.mark.slow]

TRAPS = "\n".join(
    (
        HOSTILE,
        "<script>window.trapped = 1</script><img src=x onerror='window.trapped = 2'><svg onload='window.trapped = 3'>",
        "![](http://192.0.2.1/pixel) [click](javascript:window.trapped=4) </pre></div><style>* {display: none}</style>",
        "\u202eright to left\u202c \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 \x1b[2J\x07",
    )
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a dashboard over prompts of all kinds."""
    folder = tmp_path_factory.mktemp("reading")
    settings = settings_for(f"sqlite:///{folder}/registry.sqlite3", folder)
    with PromptService(settings) as service:
        fill(service)
    with promptdb_dashboard(folder, environment_of(settings)) as url:
        yield url


def fill(service: PromptService) -> None:
    metadata = dict.fromkeys(("title", "description"), TRAPS) | {"tags": [HOSTILE], "owners": [HOSTILE]}
    spec = {"template": TRAPS, "template_format": "plain", "model": {"name": TRAPS}, "metadata": metadata}
    service.register_spec("evil/one", spec)
    service.promote("evil/one", "production", reason=HOSTILE.replace("\x1b", ""))
    service.register_text("big/one", "0123456789abcde\n" * 65_536, template_format="plain")
    service.register_text("a/one", "Hello {name}", metadata={"title": "Greeting"}, alias="production")
    service.register_text("a/one", "Good day {name}", metadata={"title": "Greeting"})


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def test_prompts_are_found_read_and_left_by_the_back_button(place: str, browser: Browser) -> None:
    page = opened(browser, place)
    assert page.get_by_role("heading", name="Overview").is_visible()
    page.get_by_role("link", name="Prompts", exact=True).click()
    page.get_by_role("textbox", name="Text").fill("greeting")
    page.keyboard.press("Enter")
    page.wait_for_url("**/prompts?q=greeting")
    settled(page)
    assert page.get_by_role("link", name="big/one").count() == 0
    page.get_by_role("link", name="a/one").click()
    page.wait_for_url("**/prompt?name=a%2Fone")
    settled(page)
    assert page.locator("mark").inner_text() == "{name}"
    assert "Good day" in page.locator("pre").first.inner_text()
    page.get_by_role("link", name="v1", exact=True).click()
    page.wait_for_url("**/prompt?name=a%2Fone&version=rev%3A1")
    settled(page)
    assert "Hello" in page.locator("pre").first.inner_text()
    again = opened(browser, page.url)
    assert "Hello" in again.locator("pre").first.inner_text()
    page.go_back()
    page.wait_for_url("**/prompt?name=a%2Fone")
    settled(page)
    assert "Good day" in page.locator("pre").first.inner_text()
    assert page.title() == "a/one · Prompt · promptdb"


def test_a_prompt_that_wants_to_be_more_than_text_is_text(place: str, browser: Browser) -> None:
    page = browser.new_context().new_page()
    foreign: list[str] = []
    wrong: list[str] = []

    def note_request(request: Request) -> None:
        if not request.url.startswith((place, place.replace("http", "ws"), "data:", "blob:")):
            foreign.append(request.url)

    def note_console(message: ConsoleMessage) -> None:
        if message.type == "error" and "404" not in message.text:
            wrong.append(message.text)

    page.on("request", note_request)
    page.on("console", note_console)
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    evil = PromptId("evil", "one")
    for link in (to_prompt(evil), Link(PROMPTS), Link(OVERVIEW), to_promotion(evil, "production"), to_history(evil)):
        go(page, f"{place}{link}")
        assert page.evaluate("window.trapped") is None
        assert page.evaluate("document.dir") == ""
        assert page.locator("[data-testid=stMain] script, [data-testid=stMain] img").count() == 0
        assert (
            "<script>alert(1)</script> **bold** [x](javascript:alert(1)) $x^2$ :red[r]"
            in page.locator("[data-testid=stMain]").inner_text()
        )
    assert (foreign, wrong) == ([], [])


def test_a_large_prompt_is_cut_and_its_download_is_whole(place: str, browser: Browser, tmp_path: Path) -> None:
    page = opened(browser, f"{place}{to_prompt(PromptId('big', 'one'))}")
    assert page.get_by_text("The first 100,000 of 1,048,576 characters.").is_visible()
    with page.expect_download() as started:
        page.get_by_role("button", name="Download as a file").click()
    started.value.save_as(tmp_path / "one.yaml")
    assert (tmp_path / "one.yaml").read_text().count("0123456789abcde") == 65_536


@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.soak), "dark"])
def test_nothing_of_ours_is_a_serious_barrier(place: str, browser: Browser, scheme: str) -> None:
    page = opened(browser, place, color_scheme=scheme)
    one = PromptId("a", "one")
    moves = (to_promotion(one, "production"), to_history(), to_history(at=datetime.now(UTC)))
    for link in (Link(OVERVIEW), Link(PROMPTS), to_prompt(one), *moves):
        go(page, f"{place}{link}")
        assert barriers(page) == []
