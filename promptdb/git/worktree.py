"""The work tree that the prompts lie in: what git ignores, what is dirty, and which commit last changed a file."""

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from promptdb.domain.views import Provenance
from promptdb.errors import StorageError

if TYPE_CHECKING:
    from git import Repo

_LOG_FORMAT = "%x01%H%x00%an <%ae>%x00%ct"
_OWN_SETTINGS = ("-c", "log.showRoot=true", "-c", "log.showSignature=false")
"""Against those of the user, which would change what we read."""

_NAMED_PATHS = 200
"""Up to so many paths are named on git's command line; for more, all of the tree is read."""

_MAX_AUTHOR = 255


@dataclass(frozen=True)
class Commit:
    """`age` counts the commits in the history that are newer. Of the oldest of a shallow clone, who changed what is unknown."""

    id: str
    age: int
    author: str | None
    committed_at: datetime | None


def repository_root(folder: Path) -> Path | None:
    """The top folder of the work tree around `folder`; None outside of git. Needs no git to be installed."""
    real = folder.resolve()
    return next((parent for parent in (real, *real.parents) if os.path.exists(parent / ".git")), None)  # noqa: PTH110  no error where it may not look


def commit_named(folder: Path, name: str) -> str | None:
    """The full id of a commit, tag or branch in the repository around `folder`; None where git knows no such name."""
    work_tree = open_work_tree(folder)
    if work_tree is None:
        return None
    return work_tree.commit_named(name)


def open_work_tree(root: Path) -> "WorkTreeState | None":
    """The state of the work tree around the prompts root; None outside of git.

    Raises:
        StorageError: there is a repository, but git cannot read it.
    """
    top = repository_root(root)
    if top is None:
        return None
    return WorkTreeState(top, root.resolve().relative_to(top).as_posix())


@dataclass
class WorkTreeState:
    """Read once, when first asked for. Paths are relative to the prompts root, unless they say otherwise.

    `prefix` is the prompts root relative to `top`.
    """

    top: Path
    prefix: str

    @cached_property
    def commit_id(self) -> str | None:
        """HEAD, or None before the first commit."""
        return _text(self._git("rev-parse", "--verify", "--quiet", "HEAD", may_be_missing=True)).strip() or None

    @cached_property
    def branch(self) -> str | None:
        """The branch that is checked out, or None with a detached HEAD."""
        return _text(self._git("symbolic-ref", "--short", "--quiet", "HEAD", may_be_missing=True)).strip() or None

    def commit_named(self, name: str) -> str | None:
        output = self._git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", may_be_missing=True
        )
        return _text(output).strip() or None

    @property
    def is_dirty(self) -> bool:
        """Whether anything below the prompts root differs from HEAD."""
        return bool(self.dirty_paths)

    @property
    def dirty_paths(self) -> frozenset[str]:
        return self._status[0]

    def ignores(self, path: str) -> bool:
        """Whether git ignores a path; a folder's path ends with `/`."""
        ignored = self._status[1]
        return path in ignored or "" in ignored

    def provenance(self, files: Mapping[str, Iterable[str]]) -> dict[str, Provenance]:
        """Where files come from: path -> provenance.

        Args:
            files: each path with the other files that its content depends on. It is dirty where one of them is, and was last
                changed where the last of them was.
        """
        whole = {path: (path, *parts) for path, parts in files.items()}
        dirty = {path: any(map(self._is_dirty, parts)) for path, parts in whole.items()}
        blobs = self._blob_ids(list(dict.fromkeys(part for path in files if not dirty[path] for part in whole[path])))
        commits = self._last_commits(blobs)
        found = {}
        for path, parts in whole.items():
            newest = min(
                (commits[part] for part in parts if part in commits), key=lambda commit: commit.age, default=None
            )
            found[path] = self._provenance_of(path, dirty[path], newest, blobs.get(path))
        return found

    def _is_dirty(self, path: str) -> bool:
        """Itself, or a submodule or another repository that it lies in; that of the latter ends with `/`."""
        folders = (path[: end + more] for end, character in enumerate(path) if character == "/" for more in (0, 1))
        return path in self.dirty_paths or any(folder in self.dirty_paths for folder in folders)

    def _provenance_of(self, path: str, dirty: bool, commit: Commit | None, blob_id: str | None) -> Provenance:  # noqa: FBT001
        if dirty or commit is None:
            return Provenance(self._from_top(path), self.commit_id, self.branch, is_dirty=dirty)
        return Provenance(self._from_top(path), commit.id, self.branch, commit.author, commit.committed_at, blob_id)

    @cached_property
    def _status(self) -> tuple[frozenset[str], frozenset[str]]:
        """Dirty and ignored paths. A rename comes as two entries, of which the second is the old path."""
        output = self._git(
            "status", "--porcelain=v1", "-z", "--untracked-files=all", "--ignored=matching", "--", self.prefix
        )
        dirty, ignored = set[str](), set[str]()
        entries = iter(_path(output).split("\0"))
        for entry in entries:
            if not entry:
                continue
            state, path = entry[:2], entry[3:]
            if "R" in state or "C" in state:
                dirty.add(self._below_root(next(entries, "")))
            (ignored if state == "!!" else dirty).add(self._below_root(path))
        return frozenset(dirty), frozenset(ignored)

    def _last_commits(self, blobs: Mapping[str, str]) -> dict[str, Commit]:
        """The newest commit that gave each path the blob that it has in HEAD, from one walk through the history.

        Comparing blobs keeps out commits of side branches whose change a merge dropped; of merges only those count that
        differ from all their parents. In a shallow clone the oldest commit stands for all before it: it has the content, too,
        but another may have brought it.
        """
        if not blobs or self.commit_id is None:
            return {}
        output = self._git(
            "log",
            "-z",
            "--cc",
            "--raw",
            "--no-abbrev",
            "--no-renames",
            f"--format={_LOG_FORMAT}",
            "--",
            *self._where(blobs),
        )
        found: dict[str, Commit] = {}
        for age, record in enumerate(output.split(b"\x01")[1:]):
            commit_id, author, rest = record.split(b"\0", 2)
            time, _, changes = rest.partition(b"\0")
            if commit_id.decode() in self._shallow:
                commit = Commit(commit_id.decode(), age, None, None)
            else:
                when = datetime.fromtimestamp(int(time), UTC)
                commit = Commit(commit_id.decode(), age, _text(author)[:_MAX_AUTHOR], when)
            fields = changes.lstrip(b"\n\0").split(b"\0")
            for description, name in zip(fields[::2], fields[1::2], strict=False):
                path, blob = self._below_root(_path(name)), description.split()[-2].decode()
                if path not in found and blobs.get(path) == blob:
                    found[path] = commit
            if len(found) == len(blobs):
                break
        return found

    @cached_property
    def _shallow(self) -> frozenset[str]:
        """The commits at which a shallow clone ends."""
        file = Path(self._repository.common_dir) / "shallow"
        return frozenset(file.read_text(encoding="ascii").split() if file.is_file() else ())

    def _blob_ids(self, paths: list[str]) -> dict[str, str]:
        if not paths or self.commit_id is None:
            return {}
        found = {}
        for entry in self._git("ls-tree", "-r", "-z", "--full-tree", "HEAD", "--", *self._where(paths)).split(b"\0"):
            if entry:
                description, _, name = entry.partition(b"\t")
                found[self._below_root(_path(name))] = description.split()[2].decode()
        return {path: found[path] for path in paths if path in found}

    def _where(self, paths: Collection[str]) -> list[str]:
        return [self._from_top(path) for path in paths] if len(paths) <= _NAMED_PATHS else [self.prefix]

    def _from_top(self, path: str) -> str:
        return path if self.prefix == "." else f"{self.prefix}/{path}"

    def _below_root(self, path: str) -> str:
        """A path from the top as one from the prompts root; empty for the root itself and the folders around it."""
        if self.prefix == ".":
            return path
        if path.startswith(self.prefix + "/"):
            return path[len(self.prefix) + 1 :]
        return "" if path.endswith("/") and (self.prefix + "/").startswith(path) else f"../{path}"

    @cached_property
    def _repository(self) -> "Repo":
        os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # a missing git is told below, in our words
        import git

        try:
            repository = git.Repo(self.top)
        except git.exc.GitError as error:
            message = f"git cannot read the repository {self.top}: {self._reason()}"
            raise StorageError(message, f"see what 'git -C {self.top} status' says") from error
        repository.git.update_environment(**self._environment(Path(repository.git_dir)))
        return repository

    def _reason(self) -> str:
        """In git's own words, why it cannot read the repository."""
        import git

        try:
            git.Git(self.top).execute(["git", "rev-parse", "--git-dir"])
        except git.exc.GitError as error:
            return " ".join(str(getattr(error, "stderr", error)).split()).removeprefix("stderr: ").strip("' ")
        return "it is not one that GitPython knows"

    def _environment(self, git_dir: Path) -> dict[str, str]:
        """Ours, whatever the environment says: it may be that of a hook, and the hook of another repository.

        `git commit PATH` runs its hooks with an index of its own, which is the one that counts.
        """
        if not {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"} & os.environ.keys():
            return {}  # naming the repository would pass over git's check of who owns it
        index = (self.top / os.environ.get("GIT_INDEX_FILE", "")).resolve()
        own = index if index.parent == git_dir.resolve() else git_dir / "index"
        return {"GIT_DIR": str(git_dir), "GIT_WORK_TREE": str(self.top), "GIT_INDEX_FILE": str(own)}

    def _git(self, *command: str, may_be_missing: bool = False) -> bytes:
        """The output of a git command in the top folder; empty with `may_be_missing` where it exits with 1.

        Raises:
            StorageError: git failed, or is not installed.
        """
        repository = self._repository
        import git

        arguments = ["git", "--no-optional-locks", "--literal-pathspecs", *_OWN_SETTINGS, *command]
        try:
            output: bytes = repository.git.execute(arguments, stdout_as_string=False, strip_newline_in_stdout=False)
        except git.exc.GitCommandNotFound as error:
            raise StorageError(
                "git is not installed, but the prompts lie in a git repository", "install git"
            ) from error
        except git.exc.GitCommandError as error:
            if may_be_missing and error.status == 1:
                return b""
            reason = " ".join(str(error.stderr).split()).removeprefix("stderr: ").strip("' ")
            raise StorageError(f"'git {command[0]}' failed: {reason}") from error
        return output


def _path(name: bytes) -> str:
    """As Python spells the names of files, which need not be UTF-8."""
    return os.fsdecode(name)


def _text(text: bytes) -> str:
    """Names of people and branches: UTF-8, or what was common before."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")
