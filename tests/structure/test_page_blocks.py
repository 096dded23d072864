"""The code blocks of the pages run, in a project like that of their reader, and print what the page shows."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from page_blocks import FOR_PAGES, WORDS, Block, blocks, said_of
from page_session import PageSession
from pages import PAGES
from repositories import commit_all, new_repository
from servers import in_thread
from sources import ROOT

from promptdb.cli.app import run

GREETING = """\
messages:
  - role: system
    template: You greet customers of {company}. One sentence, no emoji.
  - role: human
    template: "{message}"
variables:
  company: {type: string}
  message: {type: string}
"""
NAMES = {file.relative_to(ROOT).as_posix(): file for file in PAGES}
BLOCKS = {name: [*blocks(file)] for name, file in NAMES.items()}
SAID = {name: said_of(file) for name, file in NAMES.items()}
"""What pages say about all of their blocks."""


def is_ours(block: Block) -> bool:
    return not block.said.keys() & {"not run", "run by"}


RUN = sorted(name for name, found in BLOCKS.items() if "blocks run by" not in SAID[name] and any(map(is_ours, found)))


@pytest.fixture(scope="session")
def _example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prompts of this repository with a greeting. `support/triage` has four revisions, and is in production with the third."""
    folder = tmp_path_factory.mktemp("example")
    git = new_repository(folder)
    shutil.copytree(ROOT / "prompts", folder / "prompts")
    (folder / "prompts" / "support" / "greeting.yaml").write_text(GREETING)
    (folder / ".gitignore").write_text("*.sqlite3*\n.blobs/\n")
    triage = folder / "prompts" / "support" / "triage.yaml"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for words in (10, 11, 12, 13):
            triage.write_text(triage.read_text().replace("at most 12 words", f"at most {words} words"))
            triage.write_text(triage.read_text().replace(f"at most {words - 1} words", f"at most {words} words"))
            commit_all(git, f"Reasons of at most {words} words")
            assert run(["sync"]) == 0
            if words == 12:
                assert run(["promote", "--all", "latest", "production"]) == 0
    return folder


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PageSession]:
    """The project that the page asks for: `example` unless it says another."""
    kind = SAID[request.getfixturevalue("page")].get("project", "example")
    folder = tmp_path / "project"
    if kind == "empty":
        folder.mkdir()
        new_repository(folder)
    else:
        shutil.copytree(request.getfixturevalue("_example"), folder, symlinks=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PROMPTDB_ACTOR", "ann")
    if kind != "served":
        yield PageSession(folder)
        return
    from promptdb.api import create_app

    with in_thread(create_app()) as port:
        yield PageSession(folder, {"localhost:8000": f"localhost:{port}"})


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN)
def test_the_blocks_of_a_page_run(page: str, project: PageSession) -> None:
    for block in filter(is_ours, BLOCKS[page]):
        project.do(block)


@pytest.mark.parametrize("page", sorted(BLOCKS))
def test_a_page_says_what_runs_its_blocks(page: str) -> None:
    """In words that exist, and the tests that it names are about this page."""
    said = SAID[page]
    assert said.keys() <= FOR_PAGES.keys()
    tests = [said["blocks run by"]] if "blocks run by" in said else []
    for block in BLOCKS[page]:
        assert block.said.keys() <= WORDS.keys(), block
        runnable = block.language in ("console", "sh", "bash", "python", "pycon")
        assert runnable or block.said or tests, f"{block}: say what runs it, or why nothing can"
        tests += [block.said["run by"]] if "run by" in block.said else []
    for test in tests:
        file = ROOT / test
        assert file.is_file(), test
        assert NAMES[page].name in file.read_text(encoding="utf-8"), f"{test} does not name the page"
    reasons = " ".join(block.said.get("not run", "") for block in BLOCKS[page])
    assert [name for name in re.findall(r"tests/[\w/.]*\w", reasons) if not (ROOT / name).exists()] == []
