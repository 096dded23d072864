"""How two commits relate, from the history that is here: nothing is fetched, and what git cannot know is told as unknown."""

from dataclasses import dataclass

from promptdb.domain.order import Relation
from promptdb.errors import StorageError
from promptdb.git.repository import Repository, text


@dataclass(frozen=True)
class Ancestry:
    repository: Repository

    def relation(self, commit: str, other: str) -> Relation:
        """Of a commit that is here to another, by their full ids.

        In a shallow clone only a yes counts: where the history ends, git says of commits that they have nothing in common.

        Raises:
            StorageError: git failed.
        """
        if commit == other:
            return Relation.SAME
        if not self._has(other):
            return Relation.UNKNOWN
        base = text(self.repository.run("merge-base", commit, other, may_be_missing=True)).strip()
        if base == other:
            return Relation.DESCENDS
        if base == commit:
            return Relation.PRECEDES
        return Relation.UNKNOWN if self.repository.shallow else Relation.DIVERGED

    def is_tip(self, branch: str, commit: str) -> bool:
        """Whether a branch of the remote is at a commit now; without any remote, whether the local one is.

        Raises:
            StorageError: the remote cannot be asked, or there are several and none is the branch's.
        """
        remote, ref = self._remote(branch)
        if remote is None:
            return self.repository.commit_named(ref) == commit
        output = text(self.repository.run("ls-remote", "--", remote, ref))
        return f"{commit}\t{ref}" in output.splitlines()

    def _has(self, commit: str) -> bool:
        """Not asked by name: a partial clone would fetch the commit, and then its history one by one."""
        return bool(self.repository.run("rev-parse", f"--disambiguate={commit}").strip())

    def _remote(self, branch: str) -> tuple[str | None, str]:
        """Where a branch is pushed to, as far as it is known, and what it is called there."""
        ref = f"refs/heads/{branch}"
        remote = self._setting(f"branch.{branch}.remote")
        if remote is not None:
            return None if remote == "." else remote, self._setting(f"branch.{branch}.merge") or ref
        remotes = text(self.repository.run("remote")).split()
        if len(remotes) > 1 and "origin" not in remotes:
            message = f"of {len(remotes)} remotes none is that of the branch {branch}"
            raise StorageError(message, f"git config branch.{branch}.remote NAME")
        return ("origin" if "origin" in remotes else next(iter(remotes), None)), ref

    def _setting(self, name: str) -> str | None:
        return text(self.repository.run("config", "--get", name, may_be_missing=True)).strip() or None
