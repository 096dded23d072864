"""A dashboard over the HTTP API in a real browser: one token for each person, until it ends."""

from collections.abc import Iterator

import pytest
from apis import token_of, until_refused
from browsers import chromium, needs_chromium, opened, settled
from registries import settings_for

from promptdb import PromptService
from promptdb.registry.tokens import revoke_token

pytestmark = [needs_chromium, pytest.mark.slow]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PromptService]:
    folder = tmp_path_factory.mktemp("tokens")
    with PromptService(settings_for(f"sqlite:///{folder}/registry.sqlite3", folder)) as opened_service:
        opened_service.register_text("a/one", "Hello {name}", alias="production")
        opened_service.register_text("a/one", "Good day {name}")
        opened_service.register_text("b/two", "Bye", alias="production")
        yield opened_service


def test_a_person_enters_a_token_that_shows_its_namespaces_until_it_ends(
    service: PromptService, server_port: int, remote_place: str
) -> None:
    token = token_of(service, "read@a", name="ann")
    with chromium() as browser:
        page = opened(browser, f"{remote_place}/prompts")
        assert page.get_by_role("link", name="a/one").count() == 0
        field = page.get_by_label("Access token")
        assert field.get_attribute("type") == "password"
        field.fill(token)
        page.get_by_role("button", name="Use this token").click()
        page.get_by_role("link", name="a/one").wait_for()
        assert page.get_by_role("link", name="b/two").count() == 0
        page.get_by_role("link", name="a/one").click()
        page.wait_for_url("**/prompt?name=a%2Fone")
        settled(page)
        assert page.locator("mark").inner_text() == "{name}"
        page.get_by_role("link", name="Try").first.click()
        page.wait_for_url("**/try?name=a%2Fone**")
        settled(page)
        page.get_by_role("textbox", name="name").fill("Ada")
        page.get_by_role("button", name="Render").click()
        page.get_by_text("Good day Ada").first.wait_for()
        settled(page)
        page.get_by_role("link", name="Compare with").click()
        page.wait_for_url("**/compare?name=a%2Fone**")
        page.get_by_text("Hello Ada").first.wait_for()
        settled(page)
        assert token not in page.content()
        assert page.context.cookies() == [] or all(token not in str(cookie) for cookie in page.context.cookies())
        assert token not in page.evaluate("JSON.stringify([localStorage, sessionStorage])")
        other = opened(browser, page.url)
        assert other.get_by_label("Access token").is_visible()
        revoke_token(service.registry, "ann")
        until_refused(server_port, token)
        page.get_by_role("link", name="Prompts", exact=True).click()
        page.get_by_text("The server does not accept this token").wait_for()
