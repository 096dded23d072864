"""Moves of aliases in a real browser: clicks that come twice, addresses, and people with tokens of their own."""

from collections.abc import Iterator

import pytest
from apis import token_of, until_refused
from browsers import chromium, needs_chromium, opened, promptdb_dashboard, settled
from dashboards import environment_of
from playwright.sync_api import Browser, Locator, Page
from registries import settings_for

from promptdb import PromptService
from promptdb.dashboard.links import Link, to_history, to_promotion
from promptdb.domain.prompt_id import PromptId
from promptdb.registry.tokens import revoke_token

pytestmark = [needs_chromium, pytest.mark.slow]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PromptService]:
    folder = tmp_path_factory.mktemp("moves")
    with PromptService(settings_for(f"sqlite:///{folder}/registry.sqlite3", folder)) as opened_service:
        yield opened_service


@pytest.fixture(scope="module")
def place(service: PromptService) -> Iterator[str]:
    """A dashboard over the registry itself."""
    with promptdb_dashboard(service.settings.base, environment_of(service.settings)) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def filled(service: PromptService, name: str) -> PromptId:
    """A prompt with five versions. production is at v3, and was at v1 and v2 before."""
    for number in range(1, 6):
        service.register_text(name, f"Hello {{name}}, {number}")
    for number in range(1, 4):
        service.promote(f"{name}:rev:{number}", "production")
    return PromptId.parse(name)


def log(service: PromptService, prompt: PromptId) -> list[tuple[str, int | None, str | None]]:
    """The moves of production after the first three."""
    moves = service.alias_log(str(prompt), "production")[:-3]
    return [(move.action, move.to_revision, move.reason) for move in moves]


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name)


def click_twice(found: Locator) -> None:
    """Click so fast that the page cannot change between the two clicks, and the second cannot hit another button."""
    found.evaluate("button => { document.activeElement.blur(); button.click(); button.click(); }")


def said(page: Page, text: str) -> None:
    page.get_by_text(text).first.wait_for()
    settled(page)


def test_a_double_click_moves_an_alias_once(service: PromptService, place: str, browser: Browser) -> None:
    prompt = filled(service, "twice/one")
    page = opened(browser, f"{place}{to_promotion(prompt, 'production', 'rev:4')}")
    # The reason is still being written when the click comes.
    page.get_by_label("Reason").fill("it is better")
    click_twice(button(page, "Promote production to v4"))
    said(page, "production moved from v3 to v4")
    assert log(service, prompt) == [("promote", 4, "it is better")]
    button(page, "Make another move").click()
    page.get_by_text("Roll back", exact=True).click()
    settled(page)
    click_twice(button(page, "Roll production back to v3"))
    said(page, "production rolled back from v4 to v3")
    assert log(service, prompt)[0] == ("rollback", 3, None)
    assert len(log(service, prompt)) == 2


def test_links_within_a_page_are_in_the_address(service: PromptService, place: str, browser: Browser) -> None:
    prompt = filled(service, "links/one")
    service.promote("links/one:rev:5", "staging")
    page = opened(browser, f"{place}{to_promotion(prompt)}")
    page.get_by_role("link", name="production").click()
    page.wait_for_url("**/promote?name=links%2Fone&alias=production")
    settled(page)
    version = page.get_by_role("combobox", name="Version")
    version.click()
    page.keyboard.type("staging")
    page.keyboard.press("Enter")
    page.wait_for_url("**/promote?name=links%2Fone&alias=production&version=staging")
    again = opened(browser, page.url)
    assert button(again, "Promote production to v5").is_enabled()
    page.go_back()
    page.wait_for_url("**/promote?name=links%2Fone&alias=production")
    page = opened(browser, f"{place}{to_history(prompt)}")
    when = page.get_by_role("link", name="UTC").last
    when.click()
    page.wait_for_url("**/history?at=*")
    settled(page)
    assert page.get_by_text("State at (UTC)").is_visible()
    assert opened(browser, page.url).get_by_role("heading", name="Aliases at").is_visible()


def enter(browser: Browser, place: str, link: Link, token: str) -> Page:
    page = opened(browser, f"{place}{link}")
    page.get_by_label("Access token").fill(token)
    button(page, "Use this token").click()
    page.get_by_role("heading", name="Aliases").wait_for()
    settled(page)
    return page


def test_each_person_moves_with_a_token_until_it_ends(
    service: PromptService, server_port: int, remote_place: str, browser: Browser
) -> None:
    prompt = filled(service, "people/one")
    reader, ann = token_of(service, "read", name="reader"), token_of(service, "read", "promote:production", name="ann")
    link = to_promotion(prompt, "production", "rev:5")
    page = enter(browser, remote_place, link, reader)
    assert page.get_by_text("promote:production@people").is_visible()
    assert page.locator("td.pdb-new").last.inner_text() == "Hello {name}, 5"
    assert button(page, "Promote production").count() == 0
    page = enter(browser, remote_place, link, ann)
    service.promote("people/one:rev:4", "production", reason="needed at once")
    button(page, "Promote production to v5").click()
    said(page, "production was not moved")
    assert page.get_by_text("needed at once").first.is_visible()
    button(page, "Decide again").click()
    button(page, "Promote production to v5").click()
    said(page, "production moved from v4 to v5")
    assert service.alias_log("people/one", "production")[0].actor == "token:ann"
    page.get_by_text("Split", exact=True).click()
    page.get_by_role("textbox", name="Arms").fill("rev:5=75 rev:4=25")
    page.keyboard.press("Enter")
    page.get_by_role("cell", name="25 %").wait_for()
    settled(page)
    button(page, "Split production").click()
    said(page, "production moved from v5 to")
    assert str(service.get("people/one:production").split) == "rev:5=75 rev:4=25"
    page.get_by_text("Roll back", exact=True).click()
    button(page, "Roll production back to v5").wait_for()
    settled(page)
    revoke_token(service.registry, "ann")
    until_refused(server_port, ann)
    button(page, "Roll production back to v5").click()
    said(page, "The server does not accept this token")
    assert len(log(service, prompt)) == 3
