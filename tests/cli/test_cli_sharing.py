"""What a command says when it begins in a blob store that has blobs of another registry."""

from pathlib import Path

import pytest
from clitools import Run
from registries import write
from repositories import Git, commit_all

OTHER = "00000000-0000-4000-8000-000000000001"
ANOTHER = "00000000-0000-4000-8000-000000000002"


@pytest.fixture
def shared(project: Path, git: Git) -> Path:
    """The store of another registry, whose marks are there; nothing is synced yet."""
    write(project, {f".blobs/registries/{OTHER}": "another\n", "one.txt": "One"})
    commit_all(git)
    return project / ".blobs"


def told(place: Path, whose: str = "another registry", marks: str = f"registries/{OTHER}") -> str:
    return (
        f"note: {place} also holds blobs of {whose}; 'promptdb gc' removes nothing there\n"
        f"hint: give each registry its own store; if the other registry is gone for good, remove {marks} from this store\n"
    )


def exported(run: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A version of a registry of its own."""
    with monkeypatch.context() as patch:
        patch.setenv("PROMPTDB_DATABASE_URL", f"sqlite:///{project}/own.sqlite3")
        patch.setenv("PROMPTDB_BLOB_ROOT", str(project / "own"))
        assert run("register-file", "one.txt", "--name", "a/one").err == ""
        assert run("export", "a/one", "one.zip").code == 0
    return project / "one.zip"


@pytest.mark.parametrize(
    "arguments",
    [("sync",), ("sync", "--history"), ("sync", "--hook"), ("register-file", "one.txt"), ("import", "one.zip")],
    ids=" ".join,
)
@pytest.mark.slow
def test_it_is_told_once_with_what_follows_and_what_to_do(
    run: Run, shared: Path, project: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    exported(run, project, monkeypatch)
    first = run(*arguments)
    assert (first.code, first.err) == (0, told(shared))
    assert run(*arguments).err == ""
    write(project, {"two.txt": "Two"})
    assert run("register-file", "two.txt").err == ""
    assert run("gc", "--delete").code == 5


def test_several_are_all_named(run: Run, shared: Path) -> None:
    (shared / "registries" / ANOTHER).write_text("one more\n")
    assert run("sync").err == told(shared, "2 other registries", f"registries/{OTHER} and registries/{ANOTHER}")


def test_what_the_hint_says_helps(run: Run, shared: Path) -> None:
    run("sync")
    (shared / "registries" / OTHER).unlink()
    assert run("gc", "--delete").code == 0


def test_json_has_stdout_to_itself(run: Run, shared: Path) -> None:
    ran = run("sync", "--json")
    assert ran.json["plan"]["changes"]
    assert ran.err == told(shared)


def test_a_store_of_one_s_own_is_no_news(run: Run, project: Path) -> None:
    assert run("sync").err == ""


def test_the_target_of_a_copy_is_told_as_its_own(run: Run, synced: Path) -> None:
    write(synced, {"copied/registries/" + OTHER: "another\n"})
    write(synced, {"target.toml": 'database_url = "sqlite:///copy.sqlite3"\nblob_root = "copied"\n'})
    assert run("copy", "target.toml").err == told(synced / "copied")
