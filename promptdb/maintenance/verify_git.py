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
        some = list(group)
        done += len(some)
        try:
            opened = open_view(settings, View(rev=commit))
        except (StorageError, ConfigError):  # the commit is missing here, or has no prompts where the settings say
            unknown += len(some)
        else:
            unfit, unread = _compare(opened, some, settings)
            wrong += unfit
            unknown += unread
        if progress is not None:
            progress(done, len(rows))
    return wrong, unknown


def _compare(opened: OpenView, rows: Sequence[SourceRow], settings: AppSettings) -> tuple[list[SourceRow], int]:
    if len(rows) > _MANY:
        opened.tree.preload()
    candidates = {opened.placed.top(candidate.path): candidate for candidate in opened.found.candidates}
    wrong, unknown = list[SourceRow](), 0
    for row in rows:
        candidate = candidates.get(row.path)
        loaded = list(_readings(opened, candidate, settings)) if candidate is not None else []
        valid = [file.content.digest for file in loaded if file.content is not None]
        if loaded and not valid:  # the file can no longer be read as a prompt
            unknown += 1
        elif row.digest not in valid:
            wrong.append(row)
    return wrong, unknown


def blobs_in(opened: OpenView, paths: Collection[str] | None, settings: AppSettings) -> Iterator[Blob]:
    """Read the blobs of the files with these paths from the top of the repository, or of all files."""
    for candidate in opened.found.candidates:
        if paths is None or opened.placed.top(candidate.path) in paths:
            for file in _readings(opened, candidate, settings):
                yield from file.content.blobs if file.content is not None else ()


def _readings(opened: OpenView, candidate: Candidate, settings: AppSettings) -> Iterator[LoadedFile]:
    # A sync reads a commit with its own settings, but `sync --history` with the current ones.
    for rules in dict.fromkeys((opened.settings.file_rules, settings.file_rules)):
        with suppress(StorageError):
            yield Loader(opened.tree, rules)(candidate)
