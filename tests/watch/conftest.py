"""A project with a few prompts in a git repository."""

from pathlib import Path

import pytest
from registries import write
from repositories import Git, commit_all, git_in

FILES = {
    "prompts/greet.txt": "Hello {name}!\n",
    "prompts/support/triage.yaml": "template: Triage {ticket}.\n",
    "prompts/support/tone.jinja": '{% include "_shared/tone.md" %} {{ text }}\n',
    "prompts/_shared/tone.md": "Be kind.\n",
    ".gitignore": "*.sqlite3*\n.blobs/\n",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder below `tmp_path`, so that what tests write beside it is no part of it."""
    folder = tmp_path / "project"
    write(folder, FILES)
    monkeypatch.setenv("PROMPTDB_ACTOR", "tester")
    return folder


@pytest.fixture
def repository(project: Path) -> Git:
    """The same, committed on `main`."""
    git = git_in(project)
    git("init", "--quiet", "--initial-branch=main")
    commit_all(git)
    return git
