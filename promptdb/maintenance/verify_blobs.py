"""Blobs against what the rows say of them: presence and size from one listing of the store, digests by reading them."""

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
"""SHA-256 of each blob that a row names -> its bytes; None where the rows cannot be trusted in that."""

_AT_ONCE = 4
_TOLD_EVERY = 100
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Damage:
    """What is wrong with one blob. `remedy` is None for the usual one, with which it can be mended."""

    code: IntegrityCode
    digest: Digest
    message: str
    remedy: str | None = None


@dataclass
class CheckedBlobs:
    """`unnamed` counts those that no row names, or that a sync has stored since the rows were read."""

    damaged: list[Damage] = field(default_factory=list)
    unnamed: int = 0
    unnamed_bytes: int = 0


def check_blobs(blobs: BlobStore, named: NamedBlobs, *, full: bool, progress: Progress | None = None) -> CheckedBlobs:
    """
    Args:
        blobs: the store.
        named: what should be in it.
        full: read them all.
        progress: is told how many of how many were read.

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
    result.damaged += [
        Damage(IntegrityCode.BLOB_MISSING, digest_from(key), "it is not in the store") for key in missing
    ]
    if full:
        result.damaged += _read_all(blobs, [key for key in named if key not in missing and key not in wrong], progress)
    result.damaged.sort(key=lambda damage: damage.digest)
    return result


def damage_of(blobs: BlobStore, digest: Digest) -> Damage | None:
    """What is wrong with a blob, found by reading it.

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
            return Damage(IntegrityCode.BLOB_MISSING, digest, "it is not in the store")
        return Damage(IntegrityCode.BLOB_UNREADABLE, digest, error.message)
    return None


def blob_findings(engine: sa.Engine, damaged: Sequence[Damage]) -> list[Finding]:
    """With the versions that need each blob."""
    if not damaged:
        return []
    checksums = [damage.digest.partition(":")[2] for damage in damaged]
    with reading(engine) as connection, any_text(connection):
        users = Audit(connection).users(checksums, _SHOWN + 1)
    return [
        finding(
            damage.code,
            f"blob {damage.digest}",
            f"{damage.message}; {_needed_by(users.get(checksum, []))}",
            remedy=damage.remedy,
            digest=damage.digest,
        )
        for damage, checksum in zip(damaged, checksums, strict=True)
    ]


def digest_from(key: bytes) -> Digest:
    return Digest(f"sha256:{key.hex()}")


def _read_all(blobs: BlobStore, keys: Sequence[bytes], progress: Progress | None) -> Iterator[Damage]:
    """Several at once, since a store far away takes its time for each."""
    found = in_threads(lambda key, _: damage_of(blobs, digest_from(key)), keys, _AT_ONCE)
    for done, damage in enumerate(found, 1):
        if damage is not None:
            yield damage
        if progress is not None and (done % _TOLD_EVERY == 0 or done == len(keys)):
            progress(done, len(keys))


def _needed_by(users: Sequence[str]) -> str:
    return f"needed by {', '.join(users[:_SHOWN])}{' and others' if len(users) > _SHOWN else ''}"
