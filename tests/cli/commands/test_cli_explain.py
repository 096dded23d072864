"""`promptdb explain`: each code has a page that fits a terminal, and each example gives its code."""

from pathlib import Path

import pytest
from clitools import Run

from promptdb.cli.code_pages import code_pages
from promptdb.domain.integrity import IntegrityCode
from promptdb.problems import Code

PAGES = code_pages()


def test_each_code_has_a_page_and_no_other() -> None:
    assert list(PAGES) == [code.value for code in (*Code, *IntegrityCode)]
    assert [
        page.code for page in PAGES.values() if page.code.startswith("PDB") and bool(page.cause) == bool(page.files)
    ] == []


@pytest.mark.parametrize("code", [page.code for page in PAGES.values() if page.files])
def test_an_example_gives_its_code(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.chdir(tmp_path)
    for path, text in PAGES[code].files.items():
        file = tmp_path / "prompts" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    checked = run("check")
    assert f"[{code}]" in checked.out + checked.err


def test_a_page_shows_meaning_example_and_remedy(run: Run) -> None:
    assert run("explain", "pdb302").out == (
        "PDB302: an error\n\n"
        "A template uses a variable that `variables` does not declare.\n\n"
        "Example, greeting.yaml:\n\n"
        "    template: Hello {nmae}\n    variables:\n      name: {type: string}\n\n"
        "Remedy: declare it, or fix its name.\n"
    )


def test_each_page_fits_a_terminal(run: Run) -> None:
    wide = {code: line for code in PAGES for line in run("explain", code).out.splitlines() if len(line) > 80}
    assert wide == {}


def test_an_unknown_code_names_the_nearest(run: Run) -> None:
    ran = run("explain", "PDB3O2")
    assert ran.code == 1
    assert ran.err.startswith("error: no code 'PDB3O2'\n")
    assert "PDB302" in ran.err
