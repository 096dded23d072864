"""Files, folders and repositories that cannot be read: one line, a hint, an exit code, and never a wait."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from clitools import PROMPTDB, TIMEOUT, Ran, Run, failure, started
from registries import write
from repositories import Git

pytestmark = pytest.mark.slow

FILES = [["check"], ["plan"], ["sync"], ["status"]]


def words(value: object) -> str:
    return " ".join(value) if isinstance(value, list) else ""


def without_privileges(*arguments: str) -> Ran:
    """Run a command as somebody who may not read what is not for him, which root may."""
    drop = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    done = subprocess.run([*drop, *PROMPTDB, *arguments], capture_output=True, text=True, timeout=TIMEOUT)
    return Ran(done.returncode, done.stdout, done.stderr)


unless_root = pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root may read everything")


@unless_root
@pytest.mark.parametrize("arguments", [["check"], ["sync"]], ids=words)
def test_a_file_that_may_not_be_read_is_a_problem_of_that_file(project: Path, arguments: list[str]) -> None:
    (project / "prompts/greet.txt").chmod(0)
    ran = without_privileges(*arguments)
    assert ran.code == 4
    assert "prompts/greet.txt:1:1: error [PDB101] cannot be read: Permission denied\n" in ran.out + ran.err


@unless_root
@pytest.mark.parametrize("folder", ["prompts", "prompts/support"])
def test_a_folder_that_may_not_be_read_is_no_traceback(project: Path, folder: str) -> None:
    (project / folder).chmod(0)
    ran = without_privileges("check")
    (project / folder).chmod(0o755)
    assert ran.code in (1, 4)
    assert "Traceback" not in ran.err
    assert folder in ran.out + ran.err
    assert "cannot be read" in ran.out + ran.err or "cannot read" in ran.err


@unless_root
def test_a_blob_folder_that_may_not_be_written_is_told(project: Path) -> None:
    (project / ".blobs").mkdir(mode=0o555)
    ran = without_privileges("sync")
    assert ran == (1, "", failure(f"cannot write blobs below {project / '.blobs'}: Permission denied"))


@unless_root
def test_a_database_that_may_not_be_written_is_told(synced: Path) -> None:
    write(synced, {"prompts/new.txt": "x"})
    for file in synced.glob("promptdb.sqlite3*"):
        file.chmod(0o444)
    ran = without_privileges("sync")
    assert (ran.code, ran.out) == (1, "")
    assert "readonly database" in ran.err


@pytest.mark.parametrize("arguments", [["check"], ["register-file", "_wait.txt", "--name", "a/one"]], ids=words)
def test_a_named_pipe_in_place_of_a_file_is_not_waited_for(project: Path, arguments: list[str]) -> None:
    for place in ("_wait.txt", "prompts/_wait.txt"):
        os.mkfifo(project / place)
    write(project, {"prompts/waits.yaml": "template_file: _wait.txt\n"})
    with started(*arguments) as running:
        out, err = running.communicate(timeout=TIMEOUT)
    assert running.returncode in (1, 4)
    assert "_wait.txt" in out + err


# git


@pytest.mark.parametrize("arguments", FILES, ids=words)
def test_a_repository_that_git_cannot_read_is_told(run: Run, git: Git, project: Path, arguments: list[str]) -> None:
    (project / ".git/HEAD").write_text("garbage\n")
    ran = run(*arguments)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"error: git cannot read the repository {project}")
    assert ran.err.count("\n") <= 2


@pytest.mark.parametrize("arguments", FILES, ids=words)
def test_a_git_that_is_missing_is_told(
    run: Run, git: Git, project: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    message = "git is not installed, but the prompts are in a git repository"
    assert run(*arguments) == (1, "", failure(message, "install git"))


@pytest.mark.parametrize("arguments", [["list"], ["show", "greet"]], ids=words)
def test_what_reads_no_files_needs_no_git(
    run: Run, git: Git, synced: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    assert run(*arguments).code == 0


def test_an_author_in_another_encoding_does_not_stop_a_sync(run: Run, git: Git, project: Path) -> None:
    git("add", "--all")
    git("commit", "--quiet", "-m", "x", GIT_AUTHOR_NAME="Jürgen")
    git("config", "i18n.logOutputEncoding", "ISO-8859-1")
    assert run("sync").code == 0
    assert "Jürgen" in run("log", "greet").out
