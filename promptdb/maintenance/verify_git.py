"""Compares versions with git: the recorded file, in the recorded commit, must make the same version."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import groupby

from promptdb.db.checks.audit import Audit, SourceRow
from promptdb.db.checks.consistency import any_text
from promptdb.db.engine import reading
from promptdb.domain.blob import Blob
from promptdb.domain.integrity import IntegrityCode, finding
from promptdb.errors import ConfigError, StorageError
from promptdb.files.scan import Candidate
from promptdb.git.repository import find_repository
from promptdb.maintenance.verify import ProvenanceCheck, Verified
from promptdb.progress import Progress
from promptdb.project.read_file import LoadedFile, Loader
from promptdb.project.view import OpenView, View, open_view
from promptdb.registry.stores import Registry
from promptdb.settings import AppSettings

_MANY = 20
"""Rows of one commit from which its files are read together."""


def with_provenance(
    found: Verified, registry: Registry, settings: AppSettings, progress: Progress | None = None
) -> Verified:
    """Read the files of all clean versions from git, and add a finding to those of `verify` for each that does not fit.

    Raises:
        ConfigError: there is no repository.
    """
    if find_repository(settings.base) is None:
        raise ConfigError(f"{settings.base} is not in a git repository", "leave out --git")
    with reading(registry.engine) as connection, any_text(connection):
        rows = list(Audit(connection).sources())
    # The commit of a version is the last one that changed one of its files. If a merge brought the files together later, only
    # the commit of the run has them all.
    doubtful, unknown = _not_in(rows, settings, progress)
    later = sorted((replace(row, commit=row.run_commit) for row in doubtful), key=lambda row: row.commit)
    wrong, unknown_later = _not_in(later, settings)
    unknown += unknown_later
    findings = []
    for row in wrong:
        message = f"{row.path} in commit {row.commit[:12]} does not make {row.digest}"
        findings.append(finding(IntegrityCode.PROVENANCE, row.version, message))
    check = ProvenanceCheck(len(rows) - unknown, unknown)
    return replace(found, provenance=check, findings=(*found.findings, *findings))


def _not_in(
    rows: Sequence[SourceRow], settings: AppSettings, progress: Progress | None = None
) -> tuple[list[SourceRow], int]:
    """Find rows whose commit does not make their digest, and count those that cannot be read."""
    wrong, unknown, done = list[SourceRow](), 0, 0
    for commit, group in groupby(rows, lambda row: row.commit):
        left = list(group)
        done += len(left)
        found: dict[SourceRow, list[LoadedFile]] = {}
        for opened in views_of(commit, settings):
            for row, files in _readings(opened, left):
                found.setdefault(row, []).extend(files)
            left = [row for row in left if not _fits(row, found[row])]
            if not left:
                break
        for row in left:
            # The commit is not here, or the file can no longer be read as a prompt.
            if row not in found or (found[row] and not any(file.is_valid for file in found[row])):
                unknown += 1
            else:
                wrong.append(row)
        if progress is not None:
            progress(done, len(rows))
    return wrong, unknown


def views_of(commit: str, settings: AppSettings) -> Iterator[OpenView]:
    """Open a commit by its own settings, as `sync` reads it, and by today's, as `sync --history` does."""
    for view in (View(rev=commit), View(rev=commit, past=True)):
        # The commit may be missing here, or have no prompts where the settings say.
        with suppress(StorageError, ConfigError):
            yield open_view(settings, view)


def _readings(opened: OpenView, rows: Sequence[SourceRow]) -> Iterator[tuple[SourceRow, list[LoadedFile]]]:
    if len(rows) > _MANY:
        opened.tree.preload()
    candidates = {opened.placed.top(candidate.path): candidate for candidate in opened.found.candidates}
    for row in rows:
        candidate = candidates.get(row.path)
        yield row, list(_loaded(opened, candidate)) if candidate is not None else []


def _fits(row: SourceRow, files: Sequence[LoadedFile]) -> bool:
    return any(file.digest == row.digest for file in files)


def blobs_in(opened: OpenView, paths: Collection[str] | None) -> Iterator[Blob]:
    """Read the blobs of the files with these paths from the top of the repository, or of all files."""
    for candidate in opened.found.candidates:
        if paths is None or opened.placed.top(candidate.path) in paths:
            for file in _loaded(opened, candidate):
                yield from file.content.blobs if file.content is not None else ()


def _loaded(opened: OpenView, candidate: Candidate) -> Iterator[LoadedFile]:
    with suppress(StorageError):
        yield Loader(opened.tree, opened.rules)(candidate)
