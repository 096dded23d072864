"""The pages of the documentation: their sections and tables."""

import re
from functools import cache

from sources import ROOT

DOCS = ROOT / "docs"


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
