"""The source of development: prompts as the work tree has them."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from registries import write
from repositories import Git, commit_all
from steered import until

from promptdb.client.client import PromptClient
from promptdb.client.sources.files import FilesSource
from promptdb.domain.delivery import Reason, Status
from promptdb.errors import InvalidPrompts, PromptNotFound, VersionNotFound
from promptdb.project.load import prompt_in
from promptdb.settings import AppSettings

GREET = "support/greet"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(
        tmp_path,
        {
            "prompts/support/greet.yaml": "template: Hello {name}\nmetadata: {user_version: v1}\n",
            "prompts/support/new.yaml": "template: N\nrenamed_from: [support/old]\n",
            "prompts/support/table.yaml": "template: T\nassets: [{path: _data.csv}]\n",
            "prompts/support/_data.csv": "1,2\n",
            "prompts/broken.txt": "{",
        },
    )
    return tmp_path


@pytest.fixture
def client(project: Path) -> Iterator[PromptClient]:
    with PromptClient.from_settings(AppSettings(base=project, source="files")) as client:
        yield client


@pytest.mark.parametrize("selector", ["", ":latest", ":production", ":anything", ":v1"])
def test_every_moving_selector_is_the_file_as_it_is(client: PromptClient, selector: str) -> None:
    found = client.get(GREET + selector)
    assert found.render_text(name="Ada") == "Hello Ada"
    assert (found.source, found.reason, found.version.is_recorded) == ("files", Reason.STATIC, False)
    assert found.alias == {":production": "production", ":anything": "anything"}.get(selector)


def test_an_edit_is_live_also_a_wrong_one(client: PromptClient, project: Path) -> None:
    file = project / "prompts/support/greet.yaml"
    client.get(GREET)
    file.write_text("template: Good day {name}\n")
    until(lambda: client.get(GREET).render_text(name="Ada") == "Good day Ada")
    file.write_text("template: Bye {\n")

    def is_refused() -> bool:
        try:
            client.get(GREET)
        except InvalidPrompts as error:
            return "support/greet.yaml:1" in str(error.problems[0])
        return False

    until(is_refused)
    assert client.status() is Status.READY
    file.write_text("template: Again {name}\n")
    until(lambda: not is_refused())
    assert client.get(GREET).render_text(name="Ada") == "Again Ada"


@pytest.fixture
def patient(project: Path) -> Iterator[PromptClient]:
    """A client that reads a file again only because it has noticed a change."""
    with PromptClient(FilesSource(AppSettings(base=project)), ttl=3600) as client:
        yield client


@pytest.mark.parametrize("ref", [GREET, "support/table"])
def test_an_edit_during_the_reading_is_seen(
    patient: PromptClient, project: Path, ref: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is another one when the source notes which files it has read."""
    edits = [("greet.yaml", "template: Later\n"), ("_data.csv", "3\n")]

    def read(*arguments: Any) -> Any:
        found = prompt_in(*arguments)
        while edits:
            name, text = edits.pop()
            (project / "prompts/support" / name).write_text(text)
        return found

    monkeypatch.setattr("promptdb.client.sources.files.prompt_in", read)
    before = patient.get(ref).version.spec_hash
    until(lambda: patient.get(ref).version.spec_hash != before)


def test_a_file_that_is_deleted_during_the_reading_is_gone(
    patient: PromptClient, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*arguments: Any) -> Any:
        found = prompt_in(*arguments)
        (project / "prompts/support/greet.yaml").unlink(missing_ok=True)
        return found

    monkeypatch.setattr("promptdb.client.sources.files.prompt_in", read)
    patient.get(GREET)
    until(lambda: patient.get(GREET, fallback="x").reason is Reason.DEFAULT)


def test_a_file_that_is_deleted_is_gone(client: PromptClient, project: Path) -> None:
    client.get(GREET)
    (project / "prompts/support/greet.yaml").unlink()

    def is_gone() -> bool:
        try:
            client.get(GREET)
        except PromptNotFound:
            return True
        return False

    until(is_gone)


@pytest.mark.parametrize(
    ("ref", "error", "message"),
    [
        ("support/none", PromptNotFound, "there is no prompt file for support/none"),
        (f"{GREET}:rev:1", VersionNotFound, "comes from a file, which has no revisions"),
        (f"{GREET}:sha256:0123456789", VersionNotFound, "has the digest sha256:"),
        (f"{GREET}:git:nope", VersionNotFound, "is not in a git repository"),
        ("broken", InvalidPrompts, "1 error"),
    ],
)
def test_what_no_file_has(client: PromptClient, ref: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        client.get(ref)


def test_digests_earlier_names_and_assets(client: PromptClient, caplog: pytest.LogCaptureFixture) -> None:
    digest = client.resolve(GREET).spec_hash
    assert client.get(f"{GREET}:{digest}").render_text(name="Ada") == "Hello Ada"
    assert client.get("support/old").render_text() == "N"
    assert "prompt support/old is now support/new: use the new name" in caplog.messages
    with client.get("support/table").asset("_data.csv") as stream:
        assert stream.read() == b"1,2\n"
    assert [view.prompt.name for view in client.list_versions(GREET)] == ["greet"]


def test_a_preload_reads_what_is_valid(client: PromptClient) -> None:
    assert client.preload("production") == 3
    assert client.preload("production", "support") == 3
    assert client.preload("production", "supp") == 0
    assert client.get(f"{GREET}:production").reason is Reason.CACHED


def test_a_commit_is_read_from_git(client: PromptClient, git: Git, project: Path) -> None:
    commit = commit_all(git)
    (project / "prompts/support/greet.yaml").write_text("template: Later\n")
    found = client.get(f"{GREET}:git:{commit}")
    assert (found.render_text(name="Ada"), found.commit_id) == ("Hello Ada", commit)


def test_a_commit_changes_no_version(client: PromptClient, git: Git, project: Path) -> None:
    commit_all(git)
    greet = project / "prompts/support/greet.yaml"
    heard: set[str] = set()
    client.on_change(lambda change: heard.update(change.refs))
    others = ("support/new", "support/table")
    before = [client.get(ref).commit_id for ref in others]
    client.get(GREET)
    greet.write_text("template: Later\n")
    until(lambda: GREET in heard)
    commit_all(git)
    greet.write_text("template: Last\n")
    until(lambda: client.get(GREET).render_text() == "Last")
    assert before != [client.get(ref).commit_id for ref in others]
    assert heard == {GREET}


@pytest.mark.slow
def test_no_database_is_loaded(project: Path) -> None:
    program = (
        "import sys; from promptdb import PromptClient\n"
        f"print(PromptClient.from_env().get({GREET!r}).render_text(name='Ada'), 'sqlalchemy' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=project, env={"PROMPTDB_SOURCE": "files"}, capture_output=True, text=True
    )
    assert (ran.stdout, ran.stderr) == ("Hello Ada False\n", "")
