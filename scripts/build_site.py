"""Builds the documentation site in build/site: `make docs`. A broken link fails the build.

The pages keep their places in the repository, so the same links work on GitHub and on the site. The Markdown of a page is
beside it, and `llms.txt` lists all.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "build" / "site-source"
SITE = ROOT / "build" / "site"
PAGES = ["*.md", "docs/*.md", "prompts/README.md", "skills/promptdb/SKILL.md"]
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s#]+)")


def main() -> int:
    pages = [page for pattern in PAGES for page in sorted(ROOT.glob(pattern))]
    shutil.rmtree(SOURCE, ignore_errors=True)
    for file in {*pages, *_linked(pages)}:
        target = SOURCE / file.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    built = subprocess.run([sys.executable, "-m", "zensical", "build", "--strict", "--clean"], cwd=ROOT, check=False)
    if built.returncode:
        return built.returncode
    for page in pages:
        twin = SITE / page.relative_to(ROOT)
        twin.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(page, twin)
    (SITE / "llms.txt").write_text(llms_txt(), encoding="utf-8")
    return 0


def _linked(pages: list[Path]) -> set[Path]:
    """List the files that pages link and that are not pages themselves, such as images."""
    targets = {(page.parent / link).resolve() for page in pages for link in _LINK.findall(page.read_text("utf-8"))}
    return {target for target in targets if target.is_file()}


def llms_txt() -> str:
    """List the Markdown of each page as https://llmstxt.org describes it, in the order of the index of the documentation."""
    summary = (ROOT / "README.md").read_text("utf-8").split("\n\n")[1].replace("\n", " ")
    index = (ROOT / "docs" / "README.md").read_text("utf-8").partition("For people who write")
    index = "".join(index[1:])
    index = re.sub(r"^(For .*):$", r"## \1", index, flags=re.MULTILINE)
    index = re.sub(r"\]\((?!\.\./)", "](docs/", index).replace("](../", "](")
    return f"# promptdb\n\n> {summary}\n\n{index}"


if __name__ == "__main__":
    sys.exit(main())
