"""`verify`: everything that is recorded, and the blobs behind it, against what it should be. Changes nothing."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from uuid import UUID

import sqlalchemy as sa

from promptdb.blobs.store import BlobStore
from promptdb.db.audit import Audit
from promptdb.db.consistency import any_text, dangling, file_damage, senseless
from promptdb.db.engine import reading
from promptdb.db.identity import registry_id
from promptdb.db.migrate import drift
from promptdb.db.values import impossible_names, unreadable
from promptdb.domain.digest import Digest, canonical_json, digest_of
from promptdb.domain.integrity import (
    BUNDLE,
    Finding,
    IntegrityCode,
    VersionRow,
    alias_findings,
    finding,
    revision_finding,
    version_findings,
)
from promptdb.errors import IntegrityFailure, StorageError
from promptdb.progress import Progress
from promptdb.sync.blob_rows import bundle_of
from promptdb.sync.garbage import collecting_rarely
from promptdb.sync.registry import Registry
from promptdb.sync.verify_blobs import CheckedBlobs, NamedBlobs, blob_findings, check_blobs

_MAX_LOOKED_UP = 100
"""Edited specs whose bundles are asked for the right text."""

_OTHER_ID = "restore that row from a backup; if the store is shared, give each registry a store of its own"


@dataclass(frozen=True)
class ProvenanceCheck:
    """How many versions are in git as recorded, and of how many it cannot be told: their commits are not here."""

    checked: int = 0
    unknown: int = 0


@dataclass(frozen=True)
class Verified:
    """What was looked at, and what is wrong with it. `unnamed` blobs are in the store, and no row names them.

    `repaired` are blobs that were put back: what was wrong with them is no finding any more.
    """

    full: bool
    prompts: int = 0
    versions: int = 0
    aliases: int = 0
    blobs: int = 0
    blob_bytes: int = 0
    unnamed: int = 0
    unnamed_bytes: int = 0
    provenance: ProvenanceCheck | None = None
    findings: tuple[Finding, ...] = ()
    repaired: tuple[Digest, ...] = ()


@dataclass
class _Rows:
    identity: UUID | None = None
    counts: tuple[int, int, int] = (0, 0, 0)
    named: NamedBlobs = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    edited: list[VersionRow] = field(default_factory=list)


@collecting_rarely()
def verify(registry: Registry, *, full: bool = False, progress: Progress | None = None) -> Verified:
    """Check the rows and the blobs of a registry.

    Args:
        registry: what to check; nothing in it is changed.
        full: read every blob, where otherwise only its presence and size are looked at.
        progress: is told how many of how many blobs were read.

    Raises:
        StorageError, LockTimeout: a store cannot be reached, so that nothing can be said.
    """
    damage = file_damage(registry.engine, thorough=full)
    if damage:  # to read on would fail somewhere, and tell nothing
        return Verified(full, findings=tuple(finding(IntegrityCode.DATABASE, "database", line) for line in damage))
    schema = [finding(IntegrityCode.SCHEMA, "schema", line) for line in drift(registry.engine)]
    try:
        rows = _check_rows(registry.engine)
    except StorageError as error:
        if not schema:
            raise
        unread = finding(IntegrityCode.SCHEMA, "schema", f"the rows cannot be read: {error.message}")
        return Verified(full, findings=(*schema, unread))
    found = check_blobs(registry.blobs, rows.named, full=full, progress=progress)
    prompts, versions, aliases = rows.counts
    return Verified(
        full,
        prompts,
        versions,
        aliases,
        len(rows.named),
        sum(size or 0 for size in rows.named.values()),
        found.unnamed,
        found.unnamed_bytes,
        findings=(
            *_wrong_store(registry.blobs, rows, found),
            *schema,
            *_with_remains(registry.blobs, rows),
            *blob_findings(registry.engine, found.damaged),
        ),
    )


def _check_rows(engine: sa.Engine) -> _Rows:
    rows = _Rows()
    with reading(engine) as connection, any_text(connection):
        audit = Audit(connection)
        rows.identity, rows.counts = _identity(connection), audit.counts()
        if rows.identity is None:
            rows.findings.append(finding(IntegrityCode.SENSELESS, "registries", "the registry has no id, or several"))
        for version in audit.versions():
            _check_version(rows, version)
        rows.findings += filter(None, map(revision_finding, audit.revisions()))
        for history in audit.alias_histories():
            rows.findings += alias_findings(history)
        rows.findings += [finding(IntegrityCode.DANGLING, table, what) for table, what in dangling(connection)]
        rows.findings += [finding(IntegrityCode.SENSELESS, table, what) for table, what in senseless(connection)]
        rows.findings += [finding(IntegrityCode.UNREADABLE, table, what) for table, what in unreadable(connection)]
        rows.findings += [finding(IntegrityCode.NAME, table, what) for table, what in impossible_names(connection)]
    return rows


def _check_version(rows: _Rows, version: VersionRow) -> None:
    bundle = bundle_of(version.spec, version.blobs)
    found = list(version_findings(version, (digest_of(bundle), len(bundle))))
    rows.findings += found
    if any(one.code is IntegrityCode.SPEC_DIGEST for one in found):
        rows.edited.append(version)
    for blob in version.blobs:
        try:
            key = bytes.fromhex(blob.checksum)
        except ValueError:
            continue  # told as a wrong row
        if found:
            rows.named.setdefault(key, None)  # the size may be what was edited
        else:
            rows.named[key] = blob.byte_size


def _identity(connection: sa.Connection) -> UUID | None:
    try:
        return registry_id(connection)
    except IntegrityFailure:
        return None


def _wrong_store(blobs: BlobStore, rows: _Rows, found: CheckedBlobs) -> list[Finding]:
    """Told first: if this is not the right pair, all the rest follows from it."""
    owners, versions = blobs.owners(), rows.counts[1]
    where = f"{blobs.backend} {blobs.bucket}"
    missing = sum(damage.code is IntegrityCode.BLOB_MISSING for damage in found.damaged)
    if owners and rows.identity is not None and rows.identity not in owners:
        others = ", ".join(sorted(map(str, owners)))
        message = f"the store has blobs of the registry {others}, and the database is {rows.identity}"
        if not versions or missing:
            return [finding(IntegrityCode.WRONG_STORE, where, f"{message}: the wrong store, or the wrong database?")]
        edited = f"{message}, all of whose blobs it has: was the row of registries edited?"
        return [finding(IntegrityCode.WRONG_STORE, where, edited, remedy=_OTHER_ID)]
    if missing and missing == len(rows.named):
        message = f"the store has none of the {missing} blobs that the database names"
        if rows.identity in owners:
            lost = (
                f"{message}, and is marked as the one of this registry: they were deleted, or cannot be read any more"
            )
            return [finding(IntegrityCode.WRONG_STORE, where, lost, remedy="run: promptdb verify --repair")]
        return [finding(IntegrityCode.WRONG_STORE, where, f"{message}: the wrong store?")]
    return []


def _with_remains(blobs: BlobStore, rows: _Rows) -> Iterable[Finding]:
    """The findings about rows; of an edited spec they say where the right text still is."""
    edited = {str(row): row for row in rows.edited[:_MAX_LOOKED_UP]}
    for found in rows.findings:
        row = edited.get(found.subject) if found.code is IntegrityCode.SPEC_DIGEST else None
        bundle = _bundle_with_spec(blobs, row) if row is not None else None
        remedy = f"{found.remedy}; the spec as it was is in its bundle {bundle}" if bundle is not None else found.remedy
        yield replace(found, remedy=remedy)


def _bundle_with_spec(blobs: BlobStore, row: VersionRow) -> Digest | None:
    for blob in row.blobs:
        if blob.kind != BUNDLE:
            continue
        try:
            spec = json.loads(blobs.get(blob.digest))["spec"]
            if digest_of(canonical_json(spec)) == row.spec_hash:
                return blob.digest
        except (StorageError, IntegrityFailure, ValueError, KeyError, TypeError):
            continue  # it is no help then; that it is damaged is told by itself
    return None
