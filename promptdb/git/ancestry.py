"""Relations between two commits, from the local history. Fetches nothing, and reports missing history as unknown."""

from dataclasses import dataclass

from promptdb.domain.commit_order import Relation
from promptdb.errors import StorageError
from promptdb.git.repository import Repository, text


@dataclass(frozen=True)
class Ancestry:
    repository: Repository

    def relation(self, commit: str, other: str) -> Relation:
        """Compare a local commit with another one, by their full ids."""
        if commit == other:
            return Relation.SAME
        if not self._has(other):
            return Relation.UNKNOWN
        base = self.repository.ask("merge-base", commit, other)
        if base == other:
            return Relation.DESCENDS
        if base == commit:
            return Relation.PRECEDES
        # At the end of a shallow clone, git says of related commits that they have nothing in common.
        return Relation.UNKNOWN if self.repository.shallow else Relation.DIVERGED

    def is_tip(self, branch: str, commit: str) -> bool:
        """Check that a branch of the remote is at a commit now. Without a remote, check the local branch.

        Raises:
            StorageError: the remote does not answer, or the branch belongs to none of several remotes.
        """
        remote, ref = self._remote(branch)
        if remote is None:
            return self.repository.commit_named(ref) == commit
        output = text(self.repository.run("ls-remote", "--", remote, ref))
        return f"{commit}\t{ref}" in output.splitlines()

    def _has(self, commit: str) -> bool:
        # A question by name makes a partial clone fetch the commit, and then its history one by one.
        return bool(self.repository.run("rev-parse", f"--disambiguate={commit}").strip())

    def _remote(self, branch: str) -> tuple[str | None, str]:
        """Find the remote that a branch is pushed to, or None, and the full name of the branch there."""
        ref = f"refs/heads/{branch}"
        remote = self.repository.ask("config", "--get", f"branch.{branch}.remote")
        if remote is not None:
            there = self.repository.ask("config", "--get", f"branch.{branch}.merge") or ref
            return None if remote == "." else remote, there
        remotes = text(self.repository.run("remote")).split()
        if len(remotes) > 1 and "origin" not in remotes:
            message = f"the branch {branch} belongs to none of the {len(remotes)} remotes"
            raise StorageError(message, f"run: git config branch.{branch}.remote NAME")
        return ("origin" if "origin" in remotes else next(iter(remotes), None)), ref
