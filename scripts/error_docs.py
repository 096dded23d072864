"""Rewrites the tables of docs/errors.md from promptdb/cli/codes.toml: `python scripts/error_docs.py`. A test compares them."""

import re
from pathlib import Path

from promptdb.cli.code_pages import CodePage, code_pages
from promptdb.problems import WARNINGS

PAGE = Path(__file__).parents[1] / "docs" / "errors.md"


def document(page: str) -> str:
    """Put the rows of all codes into the tables of a page."""
    pages = code_pages().values()
    problems = "".join(_row(entry) for entry in pages if entry.code.startswith("PDB"))
    findings = "".join(_row(entry) for entry in pages if entry.code.startswith("V"))
    page = re.sub(r"(?:^\| `PDB.*\n)+", lambda _: problems, page, flags=re.MULTILINE)
    return re.sub(r"(?:^\| `V\d.*\n)+", lambda _: findings, page, flags=re.MULTILINE)


def _row(entry: CodePage) -> str:
    severity = "warning" if entry.code in WARNINGS else "error"
    cells = [f"`{entry.code}`", *([severity] if entry.code.startswith("PDB") else []), entry.wrong, entry.remedy]
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    PAGE.write_text(document(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
