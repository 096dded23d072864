"""The pages of the documentation: their sections and tables."""

import re
from functools import cache
from pathlib import Path

from sources import ROOT

DOCS = ROOT / "docs"
INDEX = DOCS / "README.md"
PAGES = sorted(
    file
    for folder, name in (
        ("", "*"),
        ("docs", "*"),
        ("prompts", "README"),
        (".github", "*"),
        ("skills/promptdb", "SKILL"),
    )
    for file in (ROOT / folder).glob(f"{name}.md")
)
"""Every page that people read. Other Markdown files are prompts."""

_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s#]*)(?:#([^)\s]*))?\)")


@cache
def page(name: str) -> str:
    file = DOCS / name
    assert file.is_file(), f"docs/{name} is not written"
    return file.read_text(encoding="utf-8")


def section(document: str, title: str) -> str:
    """What stands under the heading `## title`, down to the next one."""
    _, found, rest = f"\n{document}".partition(f"\n## {title}\n")
    assert found, f"no section {title!r}"
    return rest.partition("\n## ")[0]


def rows(document: str) -> dict[str, list[str]]:
    """The rows of all tables, by their first cell without backticks."""
    lines = [line.strip("| ") for line in document.splitlines() if line.startswith("|") and not line.startswith("|-")]
    cells = [re.split(r"\s*(?<!\\)\|\s*", line) for line in lines]
    return {first.replace("`", ""): rest for first, *rest in cells}


def anchors(document: str) -> set[str]:
    """The anchors that GitHub gives to the headings: lower case, hyphens for spaces, no other punctuation."""
    prose = re.sub(r"^```.*?^```", "", document, flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ +(.+?)\s*$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def links(file: Path) -> list[tuple[Path, str]]:
    """The relative links of a page: the file that each leads to, and its anchor or an empty text."""
    found = _LINK.findall(_CODE.sub("", file.read_text(encoding="utf-8")))
    return [((file.parent / target).resolve() if target else file, anchor) for target, anchor in found]
