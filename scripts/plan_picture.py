"""Takes the picture of a plan in docs/images/plan.png, from what `promptdb plan --format markdown` prints for a real change.

Run it from the repository: python scripts/plan_picture.py. It needs Chromium, and makes a repository and a registry of its own.
"""

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from markdown_it import MarkdownIt
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "images" / "plan.png"
PROMPT = """\
messages:
  - role: system
    template: You greet customers of {company}. One sentence, no emoji.
  - role: human
    template: "{message}"
variables:
  company: {type: string}
  message: {type: string}
"""
EDITS = {
    "{company}. One sentence": "{company} in {language}. At most two sentences",
    "  message: {": "  language: {type: string}\n  message: {",
}
STYLE = """
body { font: 15px/1.5 sans-serif; margin: 0; padding: 8px 24px; color: #1f2328; }
table { border-collapse: collapse; } td, th { border: 1px solid #d1d9e0; padding: 4px 12px; text-align: left; }
code { background: #eff1f3; border-radius: 4px; padding: 2px 5px; } pre { background: #f6f8fa; padding: 12px; }
pre code { background: none; padding: 0; } h3, h4 { margin: 14px 0 6px; }
.added { background: #dafbe1; } .removed { background: #ffebe9; }
"""


def main() -> None:
    with TemporaryDirectory() as folder:
        page = MarkdownIt("commonmark").enable("table").render(plan(Path(folder)))
    page = "\n".join(marked(line) for line in page.replace("<details>", "<details open>").splitlines())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        view = browser.new_page(viewport={"width": 860, "height": 400}, device_scale_factor=1.5)
        view.set_content(f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>{page}")
        view.screenshot(path=PICTURE, full_page=True)
        browser.close()


def plan(folder: Path) -> str:
    """Sync and promote a prompt, change it, and print the plan of the change."""
    file = folder / "prompts" / "support" / "greeting.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(PROMPT)
    identity = ("-c", "user.name=Ann Author", "-c", "user.email=ann@example.com")
    run(folder, "git", "init", "--quiet")
    run(folder, "promptdb", "init")
    run(folder, "git", "add", "--all")
    run(folder, "git", *identity, "commit", "--quiet", "--message", "A greeting")
    run(folder, "promptdb", "sync")
    run(folder, "promptdb", "promote", "support/greeting", "production")
    for old, new in EDITS.items():
        file.write_text(file.read_text().replace(old, new))
    return run(folder, "promptdb", "plan", "--format", "markdown")


def run(folder: Path, *command: str) -> str:
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, encoding="utf-8").stdout


def marked(line: str) -> str:
    kind = {"+": "added", "-": "removed"}.get(line[:1])
    return f'<span class="{kind}">{line}</span>' if kind else line


if __name__ == "__main__":
    main()
