"""Examines the prompts root, and whether git can say where the prompts come from."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from promptdb.git.repository import Repository, find_repository, text
from promptdb.maintenance.doctor.finding import DoctorFinding, fail, ok, warn
from promptdb.settings import AppSettings

_UNSHALLOW = "git fetch --unshallow --filter=blob:none (in CI: fetch-depth: 0)"


def examine_prompts(settings: AppSettings) -> Iterator[DoctorFinding]:
    for pattern in settings.layout.roots:
        root = settings.prompts_path / str(pattern)
        if pattern.is_pattern:
            yield ok("prompts", str(root))
        elif not root.is_dir():
            state = "is not a folder" if root.exists() else "does not exist"
            yield fail("prompts", f"the prompts root {root} {state}", "create it, or set PROMPTDB_PROMPTS_ROOT")
        elif not os.access(root, os.R_OK | os.X_OK):
            yield fail("prompts", f"the prompts root {root} cannot be read", "give this user the right to read it")
        else:
            yield ok("prompts", str(root))


def examine_git(root: Path) -> Iterator[DoctorFinding]:
    """Examine the repository around the prompts root, which need not exist."""
    repository = find_repository(root)
    version = _version()
    if repository is None:
        found = version or "git is not installed"
        yield ok("git", f"{found}; the prompts are not in a git repository, so versions are recorded without a commit")
        return
    if version is None:
        yield fail("git", f"git is not installed, but the prompts are in {repository.top}", "install git")
        return
    # Raises for a repository that git refuses to read, such as one of another user.
    head = repository.head
    yield ok("git", f"{version}, {repository.top} at {head[:12] if head else 'no commit yet'}")
    if text(repository.run("rev-parse", "--is-shallow-repository")).strip() == "true":
        detail = f"{repository.top} is a shallow clone: the order of commits and old authors are unknown"
        yield warn("git", detail, _UNSHALLOW)
    yield from _large_files(repository, root)


def _large_files(repository: Repository, root: Path) -> Iterator[DoctorFinding]:
    # Without its extension, a checkout has short texts in place of files of Git LFS (https://git-lfs.com).
    if repository.is_bare:
        return
    folder = os.path.relpath(root.resolve(), repository.top)
    files = repository.run("ls-files", "-z", "--", f":(top,attr:filter=lfs){folder}", literal=False)
    if files and not repository.run("lfs", "version", may_be_missing=True):
        count = files.count(b"\0")
        detail = (
            f"{count} {'file' if count == 1 else 'files'} below the prompts root need Git LFS, which is not installed"
        )
        yield fail("git", detail, "install git-lfs, and run: git lfs pull")


def _version() -> str | None:
    try:
        done = subprocess.run(["git", "--version"], capture_output=True)
    except OSError:
        return None
    return text(done.stdout).strip().replace("git version", "git") or None
