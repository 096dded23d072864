"""A git repository: runs git in it, and reads its names and its state."""

import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from promptdb.errors import StorageError

if TYPE_CHECKING:
    from git import Repo

_OWN_SETTINGS = ("-c", "log.showRoot=true", "-c", "log.showSignature=false")
"""Overrides for settings of the user that change the output."""


def repository_root(folder: Path) -> Path | None:
    """Find the top folder of the work tree around `folder`, or None outside of git. Does not run git."""
    real = folder.resolve()
    # Path.exists raises an error in a folder without permission; os.path.exists does not.
    return next((parent for parent in (real, *real.parents) if os.path.exists(parent / ".git")), None)  # noqa: PTH110


def find_repository(folder: Path) -> "Repository | None":
    """Find the repository around a folder, which does not have to exist: with a work tree, or a bare one."""
    real = folder.resolve()
    for parent in (real, *real.parents):
        if os.path.exists(parent / ".git"):  # noqa: PTH110
            return Repository(parent)
        if parent.name != ".git" and all(os.path.exists(parent / name) for name in ("HEAD", "objects", "refs")):  # noqa: PTH110
            return Repository(parent, is_bare=True)
    return None


@dataclass
class Repository:
    """A repository whose state is read on first use. `top` is the top of the work tree, or the bare repository itself."""

    top: Path
    is_bare: bool = False

    @cached_property
    def head(self) -> str | None:
        """The id of the current commit, or None before the first one."""
        return self.ask("rev-parse", "--verify", "--quiet", "HEAD")

    @cached_property
    def branch(self) -> str | None:
        """The current branch, or None with a detached HEAD."""
        return self.ask("symbolic-ref", "--short", "--quiet", "HEAD")

    @cached_property
    def shallow(self) -> frozenset[str]:
        """The commits at which a shallow clone ends."""
        file = self.common_dir / "shallow"
        return frozenset(file.read_text(encoding="ascii").split() if file.is_file() else ())

    @cached_property
    def git_dir(self) -> Path:
        """The git folder of this work tree. A linked work tree has its own."""
        own = self.top / ".git"
        return own.resolve() if own.is_dir() else Path(self._repository.git_dir).resolve()

    @property
    def common_dir(self) -> Path:
        """The git folder that all work trees of the repository share."""
        return Path(self._repository.common_dir).resolve()

    def commit_named(self, name: str) -> str | None:
        """Resolve the name of a commit, tag or branch to a full id, or None if git does not know it."""
        return self.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")

    def full_name(self, name: str) -> str | None:
        """Expand a branch or tag to its ref, such as `refs/heads/main`. Return None for other names, such as a commit id."""
        return self.ask("rev-parse", "--verify", "--quiet", "--symbolic-full-name", "--end-of-options", name)

    def ask(self, *command: str) -> str | None:
        """Run a git command and return its output without white space around it, or None if there is none."""
        return text(self.run(*command, may_be_missing=True)).strip() or None

    def run(
        self, *command: str, may_be_missing: bool = False, lines: Iterable[str] | None = None, literal: bool = True
    ) -> bytes:
        """Run a git command in the top folder and return its output.

        Args:
            command: the command and its arguments.
            may_be_missing: return empty output for exit code 1.
            lines: standard input.
            literal: pass --literal-pathspecs, which some commands without patterns refuse.
        """
        given = b"".join(os.fsencode(f"{line}\n") for line in lines or ())
        pathspecs = ["--literal-pathspecs"] if literal else []
        done = self._execute("--no-optional-locks", *pathspecs, *_OWN_SETTINGS, *command, given=given)
        if done.returncode == 0:
            return done.stdout
        if may_be_missing and done.returncode == 1:
            return b""
        if (opened := self._execute("rev-parse", "--git-dir")).returncode != 0:
            raise self._unreadable(_reason(opened))
        raise StorageError(f"'git {command[0]}' failed: {_reason(done)}")

    def start(self, *command: str) -> "subprocess.Popen[bytes]":
        """Start a git command in the top folder. The caller reads its output and waits for its end."""
        return self._start("--no-optional-locks", *_OWN_SETTINGS, *command)

    def _execute(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        with self._start(*arguments) as process:
            output, errors = process.communicate(given)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def _start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        # Without GitPython, which takes longer to load than git to answer.
        environment = {**os.environ, "LANGUAGE": "C", "LC_ALL": "C", **self._environment}
        pipe = subprocess.PIPE
        try:
            return subprocess.Popen(
                ["git", *arguments], cwd=self.top, env=environment, stdin=pipe, stdout=pipe, stderr=pipe
            )
        except FileNotFoundError as error:
            raise StorageError(
                "git is not installed, but the prompts are in a git repository", "install git"
            ) from error
        except OSError as error:
            raise StorageError(f"git cannot be run in {self.top}: {error.strerror}") from error

    @cached_property
    def _repository(self) -> "Repo":
        # A missing git is our own error message, in `_start`.
        os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
        import git

        try:
            return git.Repo(self.top)
        except git.exc.GitError as error:
            raise self._unreadable("GitPython does not know its form") from error

    def _unreadable(self, reason: str) -> StorageError:
        message = f"git cannot read the repository {self.top}: {reason}"
        return StorageError(message, f"run: git -C {self.top} status")

    @cached_property
    def _environment(self) -> dict[str, str]:
        """Variables that name this repository, in an environment that may name another one, such as that of a hook."""
        # Naming the repository disables git's check of its owner.
        if not {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"} & os.environ.keys():
            return {}
        if self.is_bare:
            return {"GIT_DIR": str(self.top), "GIT_WORK_TREE": ""}
        # `git commit PATH` runs its hooks with an index of its own.
        index = (self.top / os.environ.get("GIT_INDEX_FILE", "")).resolve()
        own = index if index.parent == self.git_dir else self.git_dir / "index"
        return {"GIT_DIR": str(self.git_dir), "GIT_WORK_TREE": str(self.top), "GIT_INDEX_FILE": str(own)}


def _reason(failed: subprocess.CompletedProcess[bytes]) -> str:
    return " ".join(text(failed.stderr).split()) or f"exit code {failed.returncode}"


def text(data: bytes) -> str:
    """Decode the name of a person or branch: UTF-8, or the older Latin-1."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
