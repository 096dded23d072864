"""The dashboard in a real browser: `promptdb dashboard` in a process of its own, and headless Chromium."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright
from waiting import until

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")

_FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
TIMEOUT = 60_000.0
"""Milliseconds: only what hangs takes so long."""

_DONE = "[data-testid=stApp][data-test-script-state=notRunning]"


@contextmanager
def promptdb_dashboard(folder: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Run the command in a folder; gives its address."""
    command = [sys.executable, "-m", "promptdb", "dashboard", "--port", "0"]
    with subprocess.Popen(
        command, cwd=folder, stderr=subprocess.PIPE, env={**os.environ, **environment}, text=True
    ) as process:
        assert process.stderr is not None
        try:
            found = re.fullmatch(r"the dashboard is at (http://\S+)\n", process.stderr.readline())
            assert found is not None
            yield found[1]
        finally:
            process.terminate()
            process.wait(60)


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        yield browser
        browser.close()


def opened(browser: Browser, url: str, **options: object) -> Page:
    """Open an address, and wait until the page is complete."""
    page = browser.new_context(**options).new_page()  # type: ignore[arg-type]
    page.set_default_timeout(TIMEOUT)
    go(page, url)
    return page


def go(page: Page, url: str) -> None:
    """Go to an address. The server may not have started yet."""

    def is_there() -> bool:
        try:
            page.goto(url)
        except Exception as error:
            if "ERR_CONNECTION_REFUSED" not in str(error):
                raise
            return False
        return True

    until(is_there)
    settled(page)


def settled(page: Page) -> None:
    """Wait until the script has run, and its last element is there."""
    page.wait_for_selector("h1")
    page.wait_for_selector(_DONE)
    # Streamlit draws what has arrived in the next frames.
    page.wait_for_timeout(300)
    page.wait_for_selector(_DONE)


def barriers(page: Page) -> list[str]:
    """The serious findings of axe-core, without those in what Streamlit draws by itself."""
    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]
