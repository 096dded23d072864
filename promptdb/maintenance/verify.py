"""Implements `verify`: checks all rows and their blobs. Changes nothing."""

from dataclasses import dataclass, field
from uuid import UUID

import sqlalchemy as sa

from promptdb.blobs.store import BlobStore
from promptdb.db.checks.audit import Audit
from promptdb.db.checks.consistency import any_text, dangling, file_damage, unreadable
from promptdb.db.engine import reading
from promptdb.db.migrate import drift
from promptdb.db.registry_id import registry_id
from promptdb.domain.digest import Digest
from promptdb.domain.integrity import Finding, IntegrityCode, finding
from promptdb.errors import IntegrityFailure, StorageError
from promptdb.maintenance.verify_blobs import CheckedBlobs, NamedBlobs, blob_findings, check_blobs
from promptdb.progress import Progress
from promptdb.python_gc import collecting_rarely
from promptdb.registry.row_findings import history_findings, version_row_finding
from promptdb.registry.stores import Registry


@dataclass(frozen=True)
class ProvenanceCheck:
    """Counts of versions that were compared with git, and of those whose commits are not in the repository."""

    checked: int = 0
    unknown: int = 0


@dataclass(frozen=True)
class Verified:
    """The result of a check. `unnamed` counts blobs that no row names.

    `repaired` are the blobs that were put back; their damage is no longer among the findings.
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


@collecting_rarely()
def verify(registry: Registry, *, full: bool = False, progress: Progress | None = None) -> Verified:
    """Check the rows and blobs of a registry. With `full`, read every blob; otherwise check its presence and size.

    Raises:
        StorageError, LockTimeout: a store cannot be reached.
    """
    damage = file_damage(registry.engine, thorough=full)
    if damage:  # reading the rows would fail at some point, with a worse message
        return Verified(full, findings=tuple(finding(IntegrityCode.DATABASE, "database", line) for line in damage))
    schema = [finding(IntegrityCode.SCHEMA, "schema", line) for line in drift(registry.engine)]
    try:
        with reading(registry.engine) as connection, any_text(connection):
            broken = [finding(IntegrityCode.UNREADABLE, table, what) for table, what in unreadable(connection)]
            rows = _check_rows(connection) if not broken else _Rows()
    except StorageError as error:
        if not schema:
            raise
        broken = [finding(IntegrityCode.SCHEMA, "schema", f"the rows cannot be read: {error.message}")]
    if broken:
        return Verified(full, findings=(*schema, *broken))
    found = check_blobs(registry.blobs, rows.named, full=full, progress=progress)
    size = sum(size or 0 for size in rows.named.values())
    # A wrong pair of stores comes first: the other findings follow from it.
    findings = (*_wrong_store(registry.blobs, rows, found), *schema, *rows.findings)
    findings += (*blob_findings(registry.engine, found.damaged),)
    return Verified(full, *rows.counts, len(rows.named), size, found.unnamed, found.unnamed_bytes, findings=findings)


def _check_rows(connection: sa.Connection) -> _Rows:
    audit = Audit(connection)
    rows = _Rows(counts=audit.counts())
    try:
        rows.identity = registry_id(connection)
    except IntegrityFailure:
        rows.findings.append(finding(IntegrityCode.IDENTITY, "registries", "the registry has no id, or several"))
    for version in audit.versions():
        found = version_row_finding(version)
        rows.findings += [found] if found is not None else []
        for blob in version.blobs:
            try:
                key = bytes.fromhex(blob.checksum_sha256)
            except ValueError:
                continue  # `found` reports it
            if found is None:
                rows.named[key] = blob.byte_size
            else:
                rows.named.setdefault(key, None)  # the recorded size may be wrong
    rows.findings += history_findings(audit)
    rows.findings += [finding(IntegrityCode.DANGLING, table, what) for table, what in dangling(connection)]
    return rows


def _wrong_store(blobs: BlobStore, rows: _Rows, found: CheckedBlobs) -> list[Finding]:
    owners, where = blobs.owners(), f"{blobs.backend} {blobs.bucket}"
    missing = sum(damage.code is IntegrityCode.BLOB_MISSING for damage in found.damaged)
    if owners and rows.identity is not None and rows.identity not in owners:
        others = ", ".join(sorted(map(str, owners)))
        message = f"the store has blobs of the registry {others}, but the database is of {rows.identity}"
        return [finding(IntegrityCode.WRONG_STORE, where, f"{message}: the wrong store, or the wrong database?")]
    if missing and missing == len(rows.named):
        message = f"the store has none of the {missing} blobs that the database names"
        if rows.identity in owners:
            lost = f"{message}, but is marked as this registry's store: they were deleted, or can no longer be read"
            return [finding(IntegrityCode.WRONG_STORE, where, lost, remedy="run: promptdb verify --repair")]
        return [finding(IntegrityCode.WRONG_STORE, where, f"{message}: the wrong store?")]
    return []
