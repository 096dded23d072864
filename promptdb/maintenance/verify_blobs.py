"""Compares blobs with their rows: presence and size by one listing of the store, digests by reading the blobs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from promptdb.blobs.store import BlobStore
from promptdb.blobs.threads import in_threads
from promptdb.db.checks.audit import Audit
from promptdb.db.checks.consistency import any_text
from promptdb.db.engine import reading
from promptdb.domain.blob import CHUNK
from promptdb.domain.digest import Digest
from promptdb.domain.integrity import Finding, IntegrityCode, finding
from promptdb.errors import IntegrityFailure, OutsideRoot, StorageError
from promptdb.progress import Progress

NamedBlobs = dict[bytes, int | None]
"""SHA-256 of each blob that a row names -> its size; None where the rows of that version were edited."""

_AT_ONCE = 4
"""A distant store takes a while to answer each request."""

_REPORTED_EVERY = 100
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Damage:
    """A defect of one blob. `remedy` is None for the usual remedy, which is a repair."""

    code: IntegrityCode
    digest: Digest
    message: str
    remedy: str | None = None


@dataclass
class CheckedBlobs:
    """The damage in a store. `unnamed` counts blobs that no row names, and those stored since the rows were read."""

    damaged: list[Damage] = field(default_factory=list)
    unnamed: int = 0
    unnamed_bytes: int = 0


def check_blobs(blobs: BlobStore, named: NamedBlobs, *, full: bool, progress: Progress | None = None) -> CheckedBlobs:
    """Compare a store with the blobs that rows name; with `full`, read each blob.

    Raises:
        StorageError: the store cannot be listed or reached.
    """
    result, missing, wrong = CheckedBlobs(), set(named), set[bytes]()
    for stored in blobs.list():
        key = bytes.fromhex(stored.digest.partition(":")[2])
        if key not in named:
            result.unnamed += 1
            result.unnamed_bytes += stored.size
            continue
        missing.discard(key)
        if (size := named[key]) is not None and stored.size != size:
            wrong.add(key)
            message = f"it has {stored.size:,} bytes instead of {size:,}"
            result.damaged.append(Damage(IntegrityCode.BLOB_SIZE, stored.digest, message))
    result.damaged += [_missing(_digest(key)) for key in missing]
    if full:
        present = [_digest(key) for key in named if key not in missing and key not in wrong]
        result.damaged += _read_all(blobs, present, progress)
    result.damaged.sort(key=lambda damage: damage.digest)
    return result


def damage_of(blobs: BlobStore, digest: Digest) -> Damage | None:
    """Read a blob, and report its damage.

    Raises:
        StorageError: the store cannot be reached.
    """
    try:
        with blobs.open(digest) as stream:
            while stream.read(CHUNK):
                pass
    except IntegrityFailure:
        return Damage(IntegrityCode.BLOB_DIGEST, digest, "its bytes have another digest")
    except StorageError as error:
        if not isinstance(error, OutsideRoot) and blobs.size(digest) is None:
            return _missing(digest)
        return Damage(IntegrityCode.BLOB_UNREADABLE, digest, error.message)
    return None


def blob_findings(engine: sa.Engine, damaged: Sequence[Damage]) -> list[Finding]:
    """Name the versions that need each damaged blob."""
    if not damaged:
        return []
    checksums = [damage.digest.partition(":")[2] for damage in damaged]
    with reading(engine) as connection, any_text(connection):
        users = Audit(connection).users(checksums, _SHOWN + 1)
    found = []
    for damage, checksum in zip(damaged, checksums, strict=True):
        versions = users.get(checksum, [])
        more = " and others" if len(versions) > _SHOWN else ""
        message = f"{damage.message}; needed by {', '.join(versions[:_SHOWN])}{more}"
        digest = damage.digest
        found.append(finding(damage.code, f"blob {digest}", message, remedy=damage.remedy, digest=digest))
    return found


def _digest(key: bytes) -> Digest:
    return Digest(f"sha256:{key.hex()}")


def _missing(digest: Digest) -> Damage:
    return Damage(IntegrityCode.BLOB_MISSING, digest, "it is not in the store")


def _read_all(blobs: BlobStore, digests: Sequence[Digest], progress: Progress | None) -> Iterator[Damage]:
    found = in_threads(lambda digest, _: damage_of(blobs, digest), digests, _AT_ONCE)
    for done, damage in enumerate(found, 1):
        if damage is not None:
            yield damage
        if progress is not None and (done % _REPORTED_EVERY == 0 or done == len(digests)):
            progress(done, len(digests))
