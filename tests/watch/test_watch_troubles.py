"""What goes wrong around a watcher is told once, waited out, and leaves nothing behind."""

import os
import signal
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from registries import write
from repositories import Git
from watchdog.observers.api import BaseObserver
from watchtools import converges, heads, wait_for, watching

from promptdb.project.view import open_view
from promptdb.settings import AppSettings
from promptdb.watch.events import Event, Started, Synced, Warned
from promptdb.watch.loop import Watcher

pytestmark = pytest.mark.slow

GREET = "prompts/greet.txt"


def blobs(project: Path) -> int:
    """How many there are: they are written before the database is asked for its lock."""
    return sum(file.is_file() for file in (project / ".blobs").rglob("*"))


def test_an_invalid_file_is_told_once_and_holds_up_no_other(project: Path) -> None:
    with watching(folder=project) as running:
        converges(project)
        write(project, {GREET: "Hello {name\n", "prompts/other.txt": "Other.\n"})
        converges(project)
        assert "default/other" in heads(project)
        write(project, {"prompts/other.txt": "Another.\n"})
        converges(project)
        write(project, {GREET: "Hello {name}?\n"})
        converges(project)
        codes = [[problem["code"] for problem in event["problems"]] for event in running.told("invalid")]
        assert codes == [["PDB301"], []]


def test_the_blob_store_of_another_registry_is_told_once(project: Path) -> None:
    write(project, {".blobs/registries/00000000-0000-4000-8000-000000000001": "another\n"})
    with watching(folder=project) as running:
        converges(project)
        write(project, {GREET: "Hello {name}?\n"})
        converges(project)
        [warned] = running.told("warning")
        assert "has blobs of other registries too; 'promptdb gc' removes nothing there" in warned["message"]


def test_a_locked_database_is_told_once_and_waited_for(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTDB_LOCK_TIMEOUT", "0.1")
    with watching(folder=project) as running:
        converges(project)
        with closing(sqlite3.connect(project / "promptdb.sqlite3", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            write(project, {GREET: "One.\n"})
            running.wait_for("error")
            stored = blobs(project)
            write(project, {GREET: "Two.\n"})
            wait_for(lambda: blobs(project) > stored)  # the next attempt
        running.wait_for("resumed")
        converges(project)
        assert len(running.told("error")) == 1
        assert "another writer held the database" in running.told("error")[0]["message"]


def test_a_database_that_is_away_is_waited_for(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTDB_DATABASE_URL", "sqlite:///store/promptdb.sqlite3")
    (project / "store").mkdir()
    with watching(folder=project) as running:
        running.wait_for("synced")
        (project / "store").rename(project / "away")
        write(project, {GREET: "Meanwhile.\n"})
        running.wait_for("error")
        (project / "away").rename(project / "store")
        running.wait_for("resumed")
        (change,) = running.told("synced")[-1]["plan"]["changes"]
        assert (change["prompt"], change["revision"]) == ("default/greet", 2)


def test_a_removed_database_is_made_again(project: Path) -> None:
    with watching("--interval", "0.2", folder=project):
        converges(project)
        for file in project.glob("promptdb.sqlite3*"):
            file.unlink()
        wait_for((project / "promptdb.sqlite3").exists)
        converges(project)


def test_a_user_version_that_is_taken_is_told_until_the_file_is_mended(project: Path) -> None:
    text = "template: {}\nmetadata: {{user_version: v1}}\n"
    write(project, {"prompts/label.yaml": text.format("One.")})
    with watching(folder=project) as running:
        converges(project)
        write(project, {"prompts/label.yaml": text.format("Two.")})
        assert "v1" in running.wait_for("error")["message"]
        write(project, {"prompts/label.yaml": text.format("Two.").replace("v1", "v2")})
        running.wait_for("resumed")
        converges(project)


def test_a_repository_that_git_cannot_read_for_a_moment_is_waited_for(project: Path, repository: Git) -> None:
    with watching(folder=project) as running:
        converges(project)
        head = project / ".git/HEAD"
        text = head.read_text()
        head.write_text("nonsense")
        running.wait_for("error")
        head.write_text(text)
        running.wait_for("resumed")
        write(project, {GREET: "Later.\n"})
        converges(project)


def test_nothing_is_read_while_git_holds_the_lock_of_the_index(project: Path, repository: Git) -> None:
    with watching(folder=project) as running:
        converges(project)
        lock = project / ".git/index.lock"
        lock.touch()
        write(project, {GREET: "Locked.\n"})
        running.wait_for("waiting", reason="git is changing the work tree")
        assert len(running.told("synced")) == 1
        lock.unlink()
        running.wait_for("resumed")
        converges(project)


def test_a_lock_from_long_ago_is_told_once_and_passed_over(project: Path, repository: Git) -> None:
    lock = project / ".git/index.lock"
    lock.touch()
    os.utime(lock, (1_000_000_000, 1_000_000_000))
    with watching(folder=project) as running:
        converges(project)
        write(project, {GREET: "Unlocked.\n"})
        converges(project)
        assert [event["message"] for event in running.told("warning")] == [
            f"{lock} is old: it counts as a leftover of a killed git"
        ]


@pytest.mark.parametrize("moment", ["at rest", "at work"])
def test_after_a_kill_another_takes_over(moment: str, project: Path) -> None:
    files = {f"prompts/many/p{n}.txt": f"Many {n}.\n" for n in range(300)}
    with watching(folder=project) as running:
        if moment == "at rest":
            converges(project)
        else:
            write(project, files)
            wait_for((project / ".blobs").exists)
        assert running.end(signal.SIGKILL) == -signal.SIGKILL
    write(project, {GREET: "While nobody watched.\n"})
    with watching(folder=project):
        converges(project)


def test_sigterm_gives_up_a_sync_that_waits_for_the_database(project: Path) -> None:
    with watching(folder=project) as running:
        converges(project)
        with closing(sqlite3.connect(project / "promptdb.sqlite3", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            stored = blobs(project)
            write(project, {GREET: "Never.\n"})
            wait_for(lambda: blobs(project) > stored)
            assert running.end() == 0
        assert running.events[-1]["event"] == "stopped"


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"max_inotify_watches": 0}, "inotify watch limit reached"),
        ({"max_inotify_watches": 2}, "inotify has no watches left for 1 of 3 folders"),
        ({"max_inotify_instances": 0}, "inotify instance limit reached"),
    ],
    ids=str,
)
def test_where_inotify_has_nothing_left_it_polls(limits: dict[str, int], reason: str, project: Path) -> None:
    with watching("--interval", "0.2", folder=project, limits=limits) as running:
        started = running.wait_for("started")
        assert (started["mode"], started["reason"]) == ("polling", reason)
        converges(project)
        write(project, {"prompts/support/triage.yaml": "template: Polled {ticket}.\n"})
        converges(project)
        assert running.told("warning") == []


def test_it_goes_on_when_the_observer_dies(project: Path) -> None:
    told: list[Event] = []
    settings = AppSettings(base=project, actor="tester")
    watcher = Watcher(settings, told.append, interval=0.2)
    running = threading.Thread(target=watcher.run)
    running.start()
    try:
        converges(project)
        next(thread for thread in threading.enumerate() if isinstance(thread, BaseObserver)).stop()
        wait_for(lambda: any(isinstance(event, Warned) for event in told))
        write(project, {GREET: "Still here.\n"})
        converges(project)
    finally:
        watcher.stop()
        running.join()
    assert [type(event) for event in told] == [Started, Synced, Warned, Synced]


def test_an_edit_while_the_files_are_read_is_not_taken_for_the_commit(
    project: Path, repository: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = iter(["Edited {name}.\n"])

    def edited_afterwards(*arguments: Any) -> Any:
        found = open_view(*arguments)
        if text := next(texts, None):
            write(project, {GREET: text})
        return found

    monkeypatch.setattr("promptdb.project.load.open_view", edited_afterwards)
    told: list[Event] = []
    watcher = Watcher(AppSettings(base=project, actor="tester"), told.append, interval=3600)
    running = threading.Thread(target=watcher.run)
    running.start()
    try:
        wait_for(lambda: any(isinstance(event, Synced) for event in told))
    finally:
        watcher.stop()
        running.join()
    [first, *_] = [event for event in told if isinstance(event, Synced)]
    assert list(map(str, first.applied.plan.unconfirmed)) == ["default/greet"]


def test_an_error_of_the_program_ends_it(project: Path) -> None:
    class Broken(Exception):
        pass

    def tell(event: Event) -> None:
        if isinstance(event, Synced):
            raise Broken

    with pytest.raises(Broken):
        Watcher(AppSettings(base=project, actor="tester"), tell).run()


def test_the_work_tree_is_left_as_it_is(project: Path, repository: Git) -> None:
    with watching(folder=project):
        converges(project)
        assert repository("status", "--porcelain") == ""


def test_a_database_that_is_gone_is_told(project: Path) -> None:
    with watching(folder=project) as running:
        running.wait_for("synced")
        for file in project.glob("*.sqlite3*"):
            file.unlink()
        warning = running.wait_for("warning")
        assert "is gone; a new registry begins there" in warning["message"]
        converges(project)
