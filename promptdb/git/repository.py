"""A git repository: how git is run in it, and what it says of names and of its own state."""

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
"""Against those of the user, which would change what we read."""


def repository_root(folder: Path) -> Path | None:
    """The top folder of the work tree around `folder`; None outside of git. Needs no git to be installed."""
    real = folder.resolve()
    return next((parent for parent in (real, *real.parents) if os.path.exists(parent / ".git")), None)  # noqa: PTH110  no error where it may not look


def find_repository(folder: Path) -> "Repository | None":
    """The repository around a folder, which need not be there: that of a work tree, or a bare one."""
    real = folder.resolve()
    for parent in (real, *real.parents):
        if os.path.exists(parent / ".git"):  # noqa: PTH110  as above
            return Repository(parent)
        if parent.name != ".git" and all(os.path.exists(parent / name) for name in ("HEAD", "objects", "refs")):  # noqa: PTH110
            return Repository(parent, is_bare=True)
    return None


def commit_named(folder: Path, name: str) -> str | None:
    """The full id of a commit, tag or branch in the repository around `folder`; None where git knows no such name."""
    repository = find_repository(folder)
    return repository.commit_named(name) if repository is not None else None


@dataclass
class Repository:
    """`top` is the top folder of the work tree, or the folder of a bare repository. Nothing is read before it is asked for."""

    top: Path
    is_bare: bool = False

    @cached_property
    def head(self) -> str | None:
        """The id of the commit that is checked out, or None before the first one."""
        return text(self.run("rev-parse", "--verify", "--quiet", "HEAD", may_be_missing=True)).strip() or None

    @cached_property
    def branch(self) -> str | None:
        """The branch that is checked out, or None with a detached HEAD."""
        return text(self.run("symbolic-ref", "--short", "--quiet", "HEAD", may_be_missing=True)).strip() or None

    @cached_property
    def shallow(self) -> frozenset[str]:
        """The commits at which a shallow clone ends."""
        file = Path(self._repository.common_dir) / "shallow"
        return frozenset(file.read_text(encoding="ascii").split() if file.is_file() else ())

    @cached_property
    def git_dir(self) -> Path:
        """Of this work tree: a linked one has its own."""
        own = self.top / ".git"
        return own.resolve() if own.is_dir() else Path(self._repository.git_dir).resolve()

    @property
    def common_dir(self) -> Path:
        """What all work trees of the repository share."""
        return Path(self._repository.common_dir).resolve()

    def commit_named(self, name: str) -> str | None:
        """The full id of a commit, tag or branch; None where git knows no such name."""
        output = self.run(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", may_be_missing=True
        )
        return text(output).strip() or None

    def full_name(self, name: str) -> str | None:
        """The ref behind a branch or tag, such as `refs/heads/main`; None for what is no ref, as a commit id."""
        output = self.run(
            "rev-parse", "--verify", "--quiet", "--symbolic-full-name", "--end-of-options", name, may_be_missing=True
        )
        return text(output).strip() or None

    def run(
        self, *command: str, may_be_missing: bool = False, lines: Iterable[str] | None = None, literal: bool = True
    ) -> bytes:
        """The output of a git command in the top folder.

        Args:
            command: the command and its arguments.
            may_be_missing: an exit code of 1 gives empty output.
            lines: for its standard input.
            literal: whether paths are taken as they are written, which some commands that know no patterns refuse to be told.

        Raises:
            StorageError: git failed, or is not installed.
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
        """A git command in the top folder whose output the caller reads, and whose end it waits for.

        Raises:
            StorageError: git cannot be run, or is not installed.
        """
        return self._start("--no-optional-locks", *_OWN_SETTINGS, *command)

    def _execute(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        with self._start(*arguments) as process:
            output, errors = process.communicate(given)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def _start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """By ourselves: GitPython takes longer to load than git to answer."""
        environment = {**os.environ, "LANGUAGE": "C", "LC_ALL": "C", **self._environment}
        pipe = subprocess.PIPE
        try:
            return subprocess.Popen(
                ["git", *arguments], cwd=self.top, env=environment, stdin=pipe, stdout=pipe, stderr=pipe
            )
        except FileNotFoundError as error:
            raise StorageError(
                "git is not installed, but the prompts lie in a git repository", "install git"
            ) from error
        except OSError as error:
            raise StorageError(f"git cannot be run in {self.top}: {error.strerror}") from error

    @cached_property
    def _repository(self) -> "Repo":
        os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # a missing git is told in our words
        import git  # slow to import, and rarely needed

        try:
            return git.Repo(self.top)
        except git.exc.GitError as error:
            raise self._unreadable("it is not one that GitPython knows") from error

    def _unreadable(self, reason: str) -> StorageError:
        message = f"git cannot read the repository {self.top}: {reason}"
        return StorageError(message, f"see what 'git -C {self.top} status' says")

    @cached_property
    def _environment(self) -> dict[str, str]:
        """Ours, whatever the environment says: it may be that of a hook, and the hook of another repository.

        `git commit PATH` runs its hooks with an index of its own, which is the one that counts.
        """
        if not {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"} & os.environ.keys():
            return {}  # naming the repository would pass over git's check of who owns it
        if self.is_bare:
            return {"GIT_DIR": str(self.top), "GIT_WORK_TREE": ""}
        index = (self.top / os.environ.get("GIT_INDEX_FILE", "")).resolve()
        own = index if index.parent == self.git_dir else self.git_dir / "index"
        return {"GIT_DIR": str(self.git_dir), "GIT_WORK_TREE": str(self.top), "GIT_INDEX_FILE": str(own)}


def _reason(failed: subprocess.CompletedProcess[bytes]) -> str:
    """In git's own words."""
    return " ".join(text(failed.stderr).split()) or f"exit code {failed.returncode}"


def path_of(name: bytes) -> str:
    """As Python spells the names of files, which need not be UTF-8."""
    return os.fsdecode(name)


def text(data: bytes) -> str:
    """Names of people and branches: UTF-8, or what was common before."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
