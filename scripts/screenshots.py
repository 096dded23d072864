"""Takes the pictures of the dashboard in docs/images/dashboard: each page, wide and narrow, light and dark.

Run it from the repository: python scripts/screenshots.py [PAGE ...]. It needs Chromium, and looks at a registry that it makes
itself from the example prompts.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from promptdb.dashboard import links
from promptdb.domain.prompt_id import PromptId

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs" / "images" / "dashboard"
WIDTHS = (1280, 768)
HEIGHT = 860
COLOURS = 48

TICKET = PromptId("support", "summarize-ticket")
PAGES = {
    "overview": links.Link(links.OVERVIEW),
    "prompts": links.Link(links.PROMPTS),
    "prompt": links.to_prompt(TICKET),
    "compare": links.to_comparison(TICKET, "production"),
    "try": links.to_trial(
        TICKET, inputs='{"thread":"[09:12] customer: The app closes when I open a photo.","reader":"engineer"}'
    ),
    "promote": links.to_promotion(TICKET, "production", "rev:4"),
    "history": links.to_history(),
}
"""The pictures. Pages that do not exist yet are left out."""

COMMITS = (
    (
        "Ann Author",
        "support/summarize-ticket.md",
        "**Language:** the one that the customer writes.\n",
        "Name the language",
    ),
    (
        "Ben Builder",
        "support/summarize-ticket.md",
        "**Deadline:** the next date that was promised.\n",
        "Ask for the deadline",
    ),
    ("Ann Author", "support/subject-line.yaml", "# At most eight words.\n", "Say why subjects are short"),
    ("Ben Builder", "support/summarize-ticket.md", "Keep every line under 30 words.\n", "Shorter lines"),
)
MOVES = (
    ("promote", "support/summarize-ticket:rev:1", "production", "first release"),
    ("promote", "support/triage", "production", "evaluated on 200 tickets"),
    ("promote", "support/reply", "production", "evaluated on 200 tickets"),
    ("promote", "support/summarize-ticket:rev:3", "production", "agents ask for the deadline"),
    ("promote", "support/summarize-ticket:rev:4", "production", "shorter lines"),
    ("promote", "support/summarize-ticket:rev:4", "staging", "to see how it reads"),
    ("rollback", "support/summarize-ticket", "production", "lines were cut in the middle"),
)


def main(names: list[str]) -> None:
    """Take the pictures of these pages, by default of all."""
    TARGET.mkdir(parents=True, exist_ok=True)
    wanted = {name: link for name, link in PAGES.items() if link.leads_somewhere and (not names or name in names)}
    with TemporaryDirectory() as folder, dashboard(example(Path(folder) / "acme")) as url, sync_playwright() as started:
        path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
        browser = started.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for name, link in wanted.items():
            for width in WIDTHS:
                for scheme in ("light", "dark"):
                    take(browser, f"{url}{link}", TARGET / f"{name}-{width}-{scheme}.png", width, scheme)
        browser.close()


def take(browser: Browser, url: str, file: Path, width: int, scheme: str) -> None:
    page = browser.new_page(viewport={"width": width, "height": HEIGHT}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(url)
    page.wait_for_selector("h1")
    before = ""
    # A busy machine draws the page bit by bit.
    while (now := page.locator("[data-testid=stApp][data-test-script-state=notRunning]").inner_html()) != before:
        before = now
        sleep(1.5)
    picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)
    page.close()
    print(f"{file.relative_to(ROOT)}  {file.stat().st_size:,} bytes")


def example(folder: Path) -> Path:
    """Make a repository with a registry that has versions, moves and changes that are not synced."""
    folder.mkdir()
    shutil.copytree(ROOT / "prompts", folder / "prompts")
    run(folder, "git", "init", "-q", "-b", "main")
    run(folder, "git", "remote", "add", "origin", "https://github.com/acme/prompts.git")
    commit(folder, "Ann Author", "The prompts as they were")
    for author, path, line, message in COMMITS:
        with (folder / "prompts" / path).open("a", encoding="utf-8") as file:
            file.write(line)
        commit(folder, author, message)
    for action, ref, alias, reason in MOVES:
        run(folder, *PROMPTDB, action, ref, alias, "--reason", reason)
    (folder / "prompts/_aliases.yaml").write_text("staging:\n  support/triage: rev:1\n", encoding="utf-8")
    with (folder / "prompts/support/reply.yaml").open("a", encoding="utf-8") as file:
        file.write("# draft\n")
    (folder / "prompts/support/thanks.txt").write_text("Thank {customer} for the report.\n", encoding="utf-8")
    with (folder / "prompts/_shared/tone.md").open("a", encoding="utf-8") as file:
        file.write("Never promise a date.\n")
    return folder


PROMPTDB = (sys.executable, "-m", "promptdb")


def commit(folder: Path, author: str, message: str) -> None:
    email = f"{author.split()[0].lower()}@example.com"
    run(folder, "git", "add", "-A")
    run(folder, "git", "-c", f"user.name={author}", "-c", f"user.email={email}", "commit", "-qm", message)
    run(folder, *PROMPTDB, "--quiet", "sync")


def run(folder: Path, *command: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PROMPTDB_")}
    subprocess.run(
        command, cwd=folder, check=True, env={**environment, "PROMPTDB_ACTOR": "ann"}, stdout=subprocess.PIPE
    )


@contextmanager
def dashboard(folder: Path) -> Iterator[str]:
    """Run the dashboard of a folder; gives its address."""
    command = [*PROMPTDB, "dashboard", "--port", "0"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        try:
            line = process.stderr.readline() if process.stderr is not None else ""
            found = re.fullmatch(r"the dashboard is at (http://\S+)\n", line)
            if found is None:
                sys.exit(f"the dashboard did not start: {line}")
            sleep(3)
            yield found[1]
        finally:
            process.terminate()


if __name__ == "__main__":
    main(sys.argv[1:])
