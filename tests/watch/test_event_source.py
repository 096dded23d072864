"""Events of the real file system, while they come and when they stop."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from registries import write
from repositories import Git, commit_all
from watchdog.observers.api import BaseObserver, EventEmitter
from watchtools import wait_for

from promptdb.files import mounts
from promptdb.watch.event_source import POLLING, EventSource
from promptdb.watch.events import Warned
from promptdb.watch.ground import Ground
from promptdb.watch.hints import Hints, Relevance, WatchedFolder


class Watched:
    """The events of a root, and whether any came."""

    def __init__(self, project: Path, root: str) -> None:
        self.hints = Hints()
        self.source = EventSource(Ground(project / root, project / "promptdb.sqlite3", project / ".blobs"), self.hints)
        assert self.source.renew() is None

    def notices(self, change: Callable[[], object]) -> None:
        self.hints.take()
        change()
        wait_for(self.hints.take)


@pytest.fixture
def watch(project: Path) -> Iterator[Callable[..., Watched]]:
    begun: list[Watched] = []

    def begin(root: str = "prompts") -> Watched:
        begun.append(Watched(project, root))
        return begun[-1]

    yield begin
    for watched in begun:
        watched.source.stop()


def test_a_change_of_a_prompt_is_noticed(watch: Callable[..., Watched], project: Path) -> None:
    watched = watch()
    assert watched.source.mode != POLLING
    watched.notices(lambda: write(project, {"prompts/greet.txt": "x"}))
    watched.notices(lambda: write(project, {"prompts/new/one.txt": "x"}))
    watched.notices((project / "prompts/greet.txt").unlink)


def test_a_move_of_head_is_noticed(watch: Callable[..., Watched], project: Path, repository: Git) -> None:
    watched = watch()
    watched.notices(lambda: commit_all(repository))
    watched.notices(lambda: repository("checkout", "--quiet", "--detach"))


@pytest.mark.parametrize("root", ["prompts", "."])
def test_reading_and_our_own_store_are_no_changes(
    root: str, watch: Callable[..., Watched], project: Path, repository: Git
) -> None:
    """The first hint comes from the edit, which is made last."""
    write(project, {".blobs/ab/cd": "x"})
    watched, edited, hinted = watch(root), False, list[bool]()
    watched.hints.add = lambda: hinted.append(edited)
    for file in (project / "prompts").rglob("*.txt"):
        file.read_text()
    write(project, {"promptdb.sqlite3": "x", "promptdb.sqlite3-wal": "x", ".blobs/ab/ef": "x"})
    repository("hash-object", "-w", "prompts/greet.txt")
    repository("--no-optional-locks", "status")
    edited = True
    write(project, {"prompts/greet.txt": "x"})
    wait_for(lambda: hinted)
    assert all(hinted)


@pytest.mark.parametrize(
    ("path", "relevant"),
    [
        ("/p/prompts/greet.txt", True),
        ("/p/prompts", True),
        ("/p/.git/HEAD", True),
        ("/p/.git/index.lock", True),
        ("/p/.git/objects/ab", False),
        ("/p/.git/refs/heads/main", False),
        ("/p/.git", False),
        ("/p/.github/x", True),
        ("/p/.blobs/ab/cd", False),
        ("/p/.blobs.txt", True),
        ("/p/db.sqlite3", False),
        ("/p/db.sqlite3-wal", False),
    ],
)
def test_paths_of_git_and_of_the_store_count_where_they_tell_something(path: str, relevant: bool) -> None:
    places = [WatchedFolder(Path("/p"), recursive=True), WatchedFolder(Path("/p/.git"))]
    skipped = {"/p/.git", "/p/.blobs", "/p/db.sqlite3", "/p/db.sqlite3-wal"}
    assert Relevance(places, skipped)(path) == relevant


@pytest.mark.parametrize("kind", [BaseObserver, EventEmitter], ids=["observer", "emitter"])
def test_a_dead_thread_is_noticed_told_and_replaced(
    kind: type[BaseObserver | EventEmitter], watch: Callable[..., Watched], project: Path
) -> None:
    watched = watch()
    assert watched.source.is_good()
    victim = next(thread for thread in threading.enumerate() if isinstance(thread, kind))
    victim.stop()
    wait_for(lambda: not watched.source.is_good())
    told = watched.source.renew()
    assert told is not None
    assert "stopped" in told.message
    assert watched.source.is_good()
    watched.notices(lambda: write(project, {"prompts/greet.txt": "x"}))


def test_a_root_that_was_replaced_is_observed_again_without_a_word(
    watch: Callable[..., Watched], project: Path
) -> None:
    watched = watch()
    (project / "prompts").rename(project / "away")
    write(project, {"prompts/greet.txt": "x"})
    assert not watched.source.is_good()
    assert watched.source.renew() is None
    assert watched.source.is_good()
    watched.notices(lambda: write(project, {"prompts/greet.txt": "y"}))


def test_a_root_that_is_not_there_is_tried_again(watch: Callable[..., Watched], project: Path) -> None:
    watched = watch("later")
    assert not watched.source.is_good()
    (project / "later").mkdir()
    assert watched.source.renew() is None
    watched.notices(lambda: write(project, {"later/greet.txt": "x"}))


def test_a_remote_file_system_is_polled(
    watch: Callable[..., Watched], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "table").write_text("21 1 0:9 / / rw - nfs4 files:/ rw\n")
    monkeypatch.setattr(mounts, "_MOUNTS", tmp_path / "table")
    source = watch().source
    assert source.mode == POLLING
    assert source.reason == "a file system of type nfs4 does not report every change"
    assert source.is_good()


def test_what_cannot_be_observed_any_more_is_polled_and_told_once(
    watch: Callable[..., Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = watch()

    def refuse(*_: object) -> None:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr("promptdb.watch.event_source.Observation", refuse)
    watched.source.stop()
    told = watched.source.renew()
    assert told == Warned(
        "polling from here on: inotify watch limit reached", "raise fs.inotify.max_user_watches, see sysctl(8)"
    )
    assert watched.source.renew() is None
    assert watched.source.mode == POLLING
