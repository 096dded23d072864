"""Provenance against git: the file that a version came from, in the commit that is recorded, gives that version again."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import groupby

from promptdb.db.checks.audit import Audit, SourceRow
from promptdb.db.checks.consistency import any_text
from promptdb.db.engine import reading
from promptdb.domain.integrity import IntegrityCode, finding
from promptdb.errors import ConfigError, StorageError
from promptdb.files.scan import Candidate
from promptdb.git.repository import find_repository
from promptdb.git.worktree import from_top
from promptdb.maintenance.verify import ProvenanceCheck, Verified
from promptdb.progress import Progress
from promptdb.project.read_file import LoadedFile, Loader
from promptdb.project.view import OpenView, View, open_view
from promptdb.registry.stores import Registry
from promptdb.settings import AppSettings

_MANY = 20
"""Files of one commit: more are read together."""


def with_provenance(
    found: Verified, registry: Registry, settings: AppSettings, progress: Progress | None = None
) -> Verified:
    """Read the files of all clean versions from git's objects, and add what does not fit.

    Args:
        found: what `verify` found.
        registry: whose versions.
        settings: say where the repository is, and how to read prompts.
        progress: is told how many of how many versions were looked at.

    Raises:
        ConfigError: there is no repository.
    """
    if find_repository(settings.base) is None:
        raise ConfigError(f"{settings.base} is in no git repository", "leave out --git")
    with reading(registry.engine) as connection, any_text(connection):
        rows = list(Audit(connection).sources())
    # The commit of a version is where the last of its files was changed. A merge may have brought them together later: the
    # commit of the run had them all.
    doubtful, unknown = _not_in(rows, settings, progress)
    later = sorted((replace(row, commit=row.run_commit) for row in doubtful), key=lambda row: row.commit)
    wrong, unknown_later = _not_in(later, settings)
    unknown += unknown_later
    findings = [
        finding(
            IntegrityCode.PROVENANCE,
            row.version,
            f"{row.path} in commit {row.commit[:12]} does not give {row.digest}",
        )
        for row in wrong
    ]
    check = ProvenanceCheck(len(rows) - unknown, unknown)
    return replace(found, provenance=check, findings=(*found.findings, *findings))


def _not_in(
    rows: Sequence[SourceRow], settings: AppSettings, progress: Progress | None = None
) -> tuple[list[SourceRow], int]:
    """Those whose commit does not give their digest, and how many cannot be read."""
    wrong, unknown, done = list[SourceRow](), 0, 0
    for commit, group in groupby(rows, lambda row: row.commit):
        some = list(group)
        opened = None
        with suppress(StorageError, ConfigError):  # it is not here, or has no prompts as the settings are now
            opened = open_view(settings, View(rev=commit))
        if opened is None:
            unknown += len(some)
        else:
            if len(some) > _MANY:
                opened.tree.preload()
            candidates = {
                from_top(opened.origin.root, candidate.path): candidate for candidate in opened.found.candidates
            }
            for row in some:
                fits = _fits(opened, candidates.get(row.path), row, settings)
                unknown += fits is None
                wrong += [row] if fits is False else []
        done += len(some)
        if progress is not None:
            progress(done, len(rows))
    return wrong, unknown


def _fits(opened: OpenView, candidate: Candidate | None, row: SourceRow, settings: AppSettings) -> bool | None:
    """None where the file is there, and cannot be read as a prompt any more."""
    loaded = list(_readings(opened, candidate, settings)) if candidate is not None else []
    valid = [file.content.digest for file in loaded if file.content is not None]
    if loaded and not valid:
        return None
    return row.digest in valid


def loaded_from(opened: OpenView, paths: Collection[str] | None, settings: AppSettings) -> Iterator[LoadedFile]:
    """Files by their paths from the top, or all."""
    for candidate in opened.found.candidates:
        if paths is None or from_top(opened.origin.root, candidate.path) in paths:
            yield from _readings(opened, candidate, settings)


def _readings(opened: OpenView, candidate: Candidate, settings: AppSettings) -> Iterator[LoadedFile]:
    """A file with the settings of the commit and, as a history is recorded, with those of now."""
    for text_format in dict.fromkeys((opened.settings.text_format, settings.text_format)):
        with suppress(StorageError):
            yield Loader(opened.tree, text_format)(candidate)
