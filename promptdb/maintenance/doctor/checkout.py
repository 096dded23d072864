"""Whether the prompts are where the settings say, and git can tell where they come from."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from promptdb.git.repository import Repository, find_repository, text
from promptdb.maintenance.doctor.finding import DoctorFinding, fail, ok, warn
from promptdb.settings import AppSettings

_UNSHALLOW = "git fetch --unshallow --filter=blob:none (in CI: fetch-depth: 0)"


def examine_prompts(settings: AppSettings) -> Iterator[DoctorFinding]:
    root = settings.prompts_path
    if not root.is_dir():
        state = "is no folder" if root.exists() else "is not there"
        yield fail("prompts", f"the prompts root {root} {state}", "create it, or set PROMPTDB_PROMPTS_ROOT")
    elif not os.access(root, os.R_OK | os.X_OK):
        yield fail("prompts", f"the prompts root {root} cannot be read", "give this user the right to read it")
    else:
        yield ok("prompts", str(root))


def examine_git(root: Path) -> Iterator[DoctorFinding]:
    """
    Args:
        root: the prompts root, or where it is thought to be.
    """
    repository = find_repository(root)
    version = _version()
    if repository is None:
        found = version or "git is not installed"
        yield ok("git", f"{found}; the prompts lie outside of git, so versions are recorded without a commit")
        return
    if version is None:
        yield fail("git", f"git is not installed, but the prompts lie in {repository.top}", "install git")
        return
    head = repository.head  # a repository that git refuses, as for its owner, is told by this
    yield ok("git", f"{version}, {repository.top} at {head[:12] if head else 'no commit yet'}")
    if text(repository.run("rev-parse", "--is-shallow-repository")).strip() == "true":
        detail = f"{repository.top} is a shallow clone: the order of commits and old authors are unknown"
        yield warn("git", detail, _UNSHALLOW)
    yield from _large_files(repository, root)


def _large_files(repository: Repository, root: Path) -> Iterator[DoctorFinding]:
    """Files that git keeps elsewhere (https://git-lfs.com) are short texts until its extension is there to fetch them."""
    if repository.is_bare:
        return
    folder = os.path.relpath(root.resolve(), repository.top)
    files = repository.run("ls-files", "-z", "--", f":(top,attr:filter=lfs){folder}", literal=False)
    if files and not repository.run("lfs", "version", may_be_missing=True):
        names = text(files).rstrip("\0").split("\0")
        many = f"{len(names)} files" if len(names) > 1 else "1 file"
        detail = f"{many} below the prompts root are for Git LFS, which is not installed"
        yield fail("git", detail, "install git-lfs, and run: git lfs pull")


def _version() -> str | None:
    try:
        done = subprocess.run(["git", "--version"], capture_output=True)
    except OSError:
        return None
    return text(done.stdout).strip().replace("git version", "git") or None
