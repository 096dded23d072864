"""Implements `verify`: checks everything that is recorded, and the blobs behind it. Changes nothing."""

from dataclasses import dataclass, field
from uuid import UUID

import sqlalchemy as sa

from promptdb.blobs.store import BlobStore
from promptdb.db.checks.audit import Audit
from promptdb.db.checks.consistency import any_text, dangling, file_damage, unreadable
from promptdb.db.engine import reading
from promptdb.db.migrate import drift
from promptdb.db.registry_id import registry_id
from promptdb.domain.digest import Digest, digest_of
from promptdb.domain.integrity import Finding, IntegrityCode, VersionRow, alias_findings, finding, version_finding
from promptdb.errors import IntegrityFailure, StorageError
from promptdb.maintenance.verify_blobs import CheckedBlobs, NamedBlobs, blob_findings, check_blobs
from promptdb.progress import Progress
from promptdb.python_gc import collecting_rarely
from promptdb.registry.asset_rows import bundle_of
from promptdb.registry.stores import Registry


@dataclass(frozen=True)
class ProvenanceCheck:
    """Counts versions that were compared with git, and those whose commits are not here."""

    checked: int = 0
    unknown: int = 0


@dataclass(frozen=True)
class Verified:
    """The result of a check. `unnamed` blobs are in the store, and no row names them.

    `repaired` are blobs that were put back: their damage is not among the findings any more.
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
            *rows.findings,
            *blob_findings(registry.engine, found.damaged),
        ),
    )


def _check_rows(connection: sa.Connection) -> _Rows:
    audit, rows = Audit(connection), _Rows()
    rows.identity, rows.counts = _identity(connection), audit.counts()
    if rows.identity is None:
        rows.findings.append(finding(IntegrityCode.IDENTITY, "registries", "the registry has no id, or several"))
    for version in audit.versions():
        _check_version(rows, version)
    gap = "its revisions have a gap, or it has no version"
    rows.findings += [finding(IntegrityCode.REVISIONS, prompt, gap) for prompt in audit.incomplete_prompts()]
    for history in audit.alias_histories():
        rows.findings += alias_findings(history)
    rows.findings += [finding(IntegrityCode.DANGLING, table, what) for table, what in dangling(connection)]
    return rows


def _check_version(rows: _Rows, version: VersionRow) -> None:
    bundle = bundle_of(version.spec, version.blobs)
    found = version_finding(version, (digest_of(bundle), len(bundle)))
    if found is not None:
        rows.findings.append(found)
    for blob in version.blobs:
        try:
            key = bytes.fromhex(blob.checksum_sha256)
        except ValueError:
            continue  # its row is wrong, which is a finding already
        if found is not None:
            rows.named.setdefault(key, None)  # the size may be what is wrong
        else:
            rows.named[key] = blob.byte_size


def _identity(connection: sa.Connection) -> UUID | None:
    try:
        return registry_id(connection)
    except IntegrityFailure:
        return None


def _wrong_store(blobs: BlobStore, rows: _Rows, found: CheckedBlobs) -> list[Finding]:
    """Report a wrong pair of stores first: all the rest would follow from it."""
    owners, where = blobs.owners(), f"{blobs.backend} {blobs.bucket}"
    missing = sum(damage.code is IntegrityCode.BLOB_MISSING for damage in found.damaged)
    if owners and rows.identity is not None and rows.identity not in owners:
        others = ", ".join(sorted(map(str, owners)))
        message = f"the store has blobs of the registry {others}, and the database is {rows.identity}"
        return [finding(IntegrityCode.WRONG_STORE, where, f"{message}: the wrong store, or the wrong database?")]
    if missing and missing == len(rows.named):
        message = f"the store has none of the {missing} blobs that the database names"
        if rows.identity in owners:
            lost = (
                f"{message}, and is marked as the one of this registry: they were deleted, or cannot be read any more"
            )
            return [finding(IntegrityCode.WRONG_STORE, where, lost, remedy="run: promptdb verify --repair")]
        return [finding(IntegrityCode.WRONG_STORE, where, f"{message}: the wrong store?")]
    return []
