""".pre-commit-hooks.yaml with pre-commit itself, from a repository that has this one as its hooks."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from registries import write
from repositories import Git, commit_all, git_in

from promptdb.domain.suffixes import SUFFIXES

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
HOOKS: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
BIN = Path(sys.executable).parent
PRE_COMMIT = [sys.executable, "-m", "pre_commit"]
CONFIG = "repos: [{{repo: '{folder}', rev: {rev}, hooks: [{{id: promptdb-check}}, {{id: promptdb-fmt}}, {{id: promptdb-sync}}]}}]\n"


class Installed(NamedTuple):
    """The configuration of a repository that uses the hooks, and where pre-commit keeps what it needs."""

    config: str
    home: Path


@pytest.fixture(
    scope="session", params=["as they are", pytest.param("installed by pre-commit", marks=pytest.mark.soak)]
)
def installed(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Installed:
    """The hooks; as they are, they run what is installed here, which saves half a minute."""
    if request.param == "as they are":
        hooks = [{**hook, "language": "system", "entry": f"{BIN}/{hook['entry']}"} for hook in HOOKS]
        config = yaml.safe_dump({"repos": [{"repo": "local", "hooks": hooks}]})
        return Installed(config, tmp_path_factory.mktemp("home"))
    return _installed(tmp_path_factory)


def _installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The hooks of the files as they are now, installed once, whatever the number of workers."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "pre-commit"
    shared.mkdir(exist_ok=True)
    config, home = shared / ".pre-commit-config.yaml", shared / "home"
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not config.exists():
            hooks = shared / "hooks"
            rev = _copy_of_this_repository(hooks)
            subprocess.run(["git", "init", "--quiet", str(shared)], check=True)
            text = CONFIG.format(folder=hooks, rev=rev)
            (shared / "trial.yaml").write_text(text)
            command = [*PRE_COMMIT, "install-hooks", "--config", "trial.yaml"]
            environment = {**os.environ, "PRE_COMMIT_HOME": str(home)}
            subprocess.run(command, cwd=shared, env=environment, check=True, capture_output=True)
            config.write_text(text)
    return Installed(config.read_text(), home)


def _copy_of_this_repository(folder: Path) -> str:
    """What is tracked, or about to be, in a commit of its own; gives the id of that."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    names = git_in(ROOT)("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    git = git_in(folder)
    git("init", "--quiet")
    git("config", "user.name", "Ann Author")
    git("config", "user.email", "ann@example.com")
    return commit_all(git)


@pytest.fixture
def repository(tree: Path, git: Git, installed: Installed, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A committed prompt and its fragment, with the hooks of all stages."""
    monkeypatch.setenv("PRE_COMMIT_HOME", str(installed.home))
    write(tree, {"use.j2": '{% include "_tone.md" %}\n', "_tone.md": "Kind.\n"})
    write(tree.parent, {".pre-commit-config.yaml": installed.config})
    commit_all(git)
    stages = {stage for hook in HOOKS for stage in hook["stages"]}
    types = [argument for stage in sorted(stages) for argument in ("--hook-type", stage)]
    subprocess.run([*PRE_COMMIT, "install", *types], cwd=tree.parent, check=True, capture_output=True)
    return tree


def commit(repository: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = ["git", "commit", "-m", "change", *arguments]
    return subprocess.run(command, cwd=repository.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_a_good_commit_is_made_and_synced(repository: Path) -> None:
    write(repository, {"_tone.md": "Kinder.\n"})
    done = commit(repository, "--all")
    assert done.returncode == 0, done.stdout
    assert "promptdb: 1 created, 0 unchanged" in done.stdout
    assert (repository.parent / "promptdb.sqlite3").exists()


def test_a_commit_that_only_deletes_is_checked_too(repository: Path, git: Git) -> None:
    git("rm", "--quiet", "prompts/_tone.md")
    done = commit(repository)
    assert done.returncode == 1
    assert "prompts/use.j2:1:" in done.stdout
    assert git("rev-list", "--count", "HEAD") == "1"


def test_a_sync_that_fails_is_told_and_fails_nothing(repository: Path, git: Git) -> None:
    write(repository.parent, {"promptdb.sqlite3": "no database at all, but long enough to be taken for one"})
    write(repository, {"_tone.md": "Kinder.\n"})
    done = commit(repository, "--all")
    assert done.returncode == 0, done.stdout
    assert "promptdb sync --hook: " in done.stdout
    assert git("rev-list", "--count", "HEAD") == "2"


def test_files_are_formatted_and_the_next_commit_has_them(repository: Path, git: Git) -> None:
    write(repository, {"a.yaml": "template:   'Hi'\n", "_part.yaml": "a:   1\n"})
    git("add", "--all")
    done = commit(repository)
    assert (done.returncode, "formatted prompts/a.yaml\n" in done.stdout) == (1, True), done.stdout
    git("add", "--all")
    assert commit(repository).returncode == 0
    assert (git("show", "HEAD:prompts/a.yaml"), git("show", "HEAD:prompts/_part.yaml")) == ("template: Hi", "a:   1")


def test_a_hook_for_files_gets_each_kind_of_prompt_file() -> None:
    [hook] = [hook for hook in HOOKS if "files" in hook]
    assert {suffix for suffix in SUFFIXES if not re.search(hook["files"], f"a{suffix.upper()}")} == set()


@pytest.mark.parametrize("hook", [hook for hook in HOOKS if "files" not in hook], ids=lambda hook: str(hook["id"]))
def test_other_hooks_run_whatever_changed_and_take_no_names_of_files(hook: dict[str, Any]) -> None:
    assert (hook["language"], hook["always_run"], hook["pass_filenames"]) == ("python", True, False)
