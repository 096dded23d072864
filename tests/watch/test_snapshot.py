"""Every change that matters changes the snapshot, and our own writing does not."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from registries import write
from repositories import Git, commit_all

from promptdb.domain.layout import Layout, based
from promptdb.watch.ground import SETTLED, Ground, Snapshot

Change = Callable[[Path, Git], object]


def ground(project: Path, root: str = "prompts") -> Ground:
    return Ground(project / root, project / "promptdb.sqlite3", project / ".blobs")


def digest(project: Path, root: str = "prompts") -> bytes:
    return ground(project, root).snapshot().digest


CHANGES: dict[str, Change] = {
    "edit": lambda p, _: write(p, {"prompts/greet.txt": "Another {name}.\n"}),
    "edit of the same size": lambda p, _: write(p, {"prompts/greet.txt": "Hullo {name}!\n"}),
    "times put back": lambda p, _: (write(p, {"prompts/greet.txt": "x"}), os.utime(p / "prompts/greet.txt", (1, 1))),
    "new file": lambda p, _: write(p, {"prompts/new.txt": "New.\n"}),
    "new file far below": lambda p, _: write(p, {"prompts/a/b/c/new.txt": "New.\n"}),
    "fragment": lambda p, _: write(p, {"prompts/_shared/tone.md": "Be brief.\n"}),
    "removal": lambda p, _: (p / "prompts/greet.txt").unlink(),
    "rename": lambda p, _: (p / "prompts/greet.txt").rename(p / "prompts/hail.txt"),
    "permissions": lambda p, _: (p / "prompts/greet.txt").chmod(0o600),
    "link": lambda p, _: (p / "prompts/link.txt").symlink_to("greet.txt"),
    "whole folder": lambda p, _: (p / "prompts").rename(p / "away"),
    "ignore rule of promptdb": lambda p, _: write(p, {"prompts/.promptdbignore": "greet.txt\n"}),
    "ignore rule of git": lambda p, _: write(p, {".gitignore": "greet.txt\n"}),
    "commit": lambda _, git: commit_all(git),
    "branch": lambda _, git: git("checkout", "--quiet", "-b", "topic"),
    "branch without a log": lambda _, git: git("symbolic-ref", "HEAD", "refs/heads/other"),
    "stage": lambda p, git: (write(p, {"elsewhere.txt": "x"}), git("add", "elsewhere.txt")),
    "the database is another file": lambda p, _: (
        write(p, {"new": "", "promptdb.sqlite3": ""}),
        (p / "new").replace(p / "promptdb.sqlite3"),
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_shows(change: Change, project: Path, repository: Git) -> None:
    before = digest(project)
    assert digest(project) == before
    change(project, repository)
    assert digest(project) != before


@pytest.mark.parametrize("root", ["prompts", "."])
def test_our_own_store_and_what_git_keeps_for_itself_do_not_show(root: str, project: Path, repository: Git) -> None:
    write(project, {"promptdb.sqlite3": "", ".blobs/sha256/ab/cd": "x"})
    before = digest(project, root)
    write(project, {"promptdb.sqlite3": "more", "promptdb.sqlite3-wal": "x", ".blobs/sha256/ab/ef": "y"})
    repository("tag", "v1")
    repository("hash-object", "-w", "prompts/greet.txt")
    assert digest(project, root) == before


@pytest.mark.parametrize(
    ("newest", "settled"), [(100.0, False), (100.0 - SETTLED, False), (100.0 - SETTLED - 0.01, True), (200.0, False)]
)
def test_a_snapshot_is_trusted_once_its_files_are_some_seconds_old(newest: float, settled: bool) -> None:
    assert Snapshot(b"", newest, taken=100.0).is_settled == settled


def test_the_newest_change_is_that_of_the_files(project: Path) -> None:
    taken = ground(project).snapshot()
    assert taken.newest == max(file.stat().st_ctime for file in (project / "prompts").rglob("*"))


def test_a_root_that_is_not_there_has_a_snapshot(project: Path) -> None:
    assert ground(project, "nowhere").snapshot().digest == ground(project, "nowhere").snapshot().digest


def test_of_several_roots_only_their_files_count(tmp_path: Path) -> None:
    write(tmp_path, {"app/a/prompts/x.md": "x", "app/a/src/x.py": "", "lib/prompts/y.md": "y", "docs/z.md": "z"})
    layout = Layout(based(["app/*/prompts", "lib/prompts"])[1])
    watched = Ground(tmp_path, tmp_path / "promptdb.sqlite3", tmp_path / ".blobs", layout)
    folders = {(place.folder.relative_to(tmp_path.resolve()).as_posix(), place.recursive) for place in watched.places()}
    assert folders == {("app", True), ("lib/prompts", True), (".", False)}
    before = watched.snapshot().digest
    write(tmp_path, {"app/a/src/x.py": "other", "docs/new.md": "z"})
    assert watched.snapshot().digest == before
    for path in (
        "app/a/prompts/x.md",
        "lib/prompts/new.md",
        ".promptdbignore",
        "app/a/.gitignore",
        "app/b/prompts/n.md",
    ):
        write(tmp_path, {path: "other"})
        assert (path, watched.snapshot().digest == before) == (path, False)
        before = watched.snapshot().digest
