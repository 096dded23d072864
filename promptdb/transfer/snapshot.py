"""Writes snapshots of a registry, and compares two of them."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import sqlalchemy as sa

from promptdb.blobs.store import BlobStore
from promptdb.db.engine import reading
from promptdb.db.generations import generation_of
from promptdb.db.lookup import find_versions
from promptdb.db.repository import PromptRepository
from promptdb.db.retry import retried
from promptdb.db.split_arms import with_arms
from promptdb.domain.blob import CHUNK
from promptdb.domain.delivery import Generation
from promptdb.domain.digest import Digest, digest_of
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import LATEST
from promptdb.domain.snapshot.head import BLOCK, MAX_BODY, OFFSET, UNSIGNED, Head
from promptdb.domain.snapshot.reader import MAX_RECORD, Snapshot
from promptdb.domain.snapshot.records import (
    Pointer,
    PromptRecord,
    SnapshotAsset,
    SnapshotVersion,
    encode_earlier_name,
    encode_record,
)
from promptdb.domain.splits import Split
from promptdb.domain.views import StoredVersion
from promptdb.errors import IntegrityFailure, PromptDBError, StorageError, VersionNotFound
from promptdb.registry.asset_rows import may_have_assets, recorded_assets
from promptdb.registry.stores import Registry
from promptdb.transfer.snapshot_keys import Signer
from promptdb.transfer.strict_json import VERIFY

_NO_DIGEST = Digest(f"sha256:{'0' * 64}")
"""In place of the digest of the table until that is known: it has the same length."""


def write_snapshot(
    registry: Registry,
    stream: BinaryIO,
    aliases: Sequence[str],
    namespace: str | None = None,
    *,
    with_assets: bool = False,
    signer: Signer | None = None,
) -> Head:
    """Write the versions that aliases point at. Equal states of a registry make equal bytes.

    Args:
        registry: the stores.
        stream: a new file, to write and to seek in.
        aliases: aliases, or `latest`.
        namespace: write only the prompts in it and below it.
        with_assets: write the bytes of assets too.
        signer: signs it.

    Raises:
        VersionNotFound: no prompt there has one of the aliases.
        StorageError, IntegrityFailure: a version or an asset is missing or damaged, or the snapshot is too large.
    """
    names = tuple(sorted(set(aliases)))
    state, records, earlier = _read(registry, names, namespace)
    return pack_snapshot(
        stream, state, names, namespace, records, earlier, registry.blobs if with_assets else None, signer
    )


def pack_snapshot(
    stream: BinaryIO,
    state: Generation,
    aliases: tuple[str, ...],
    namespace: str | None,
    records: list[PromptRecord],
    earlier: Mapping[PromptId, PromptId],
    store: BlobStore | None,
    signer: Signer | None = None,
) -> Head:
    """Write records and earlier names, with their present ones, to a file. `store` gives the bytes of assets, if at all."""
    blobs = _blobs(records) if store is not None else {}
    if store is not None:
        records = _placed(records, blobs)
    named = {str(record.prompt).encode(): encode_record(record) for record in records}
    named |= {str(old).encode(): encode_earlier_name(old, now) for old, now in earlier.items()}
    encoded = [named[name] for name in sorted(named)]
    size = (len(encoded) + 1) * OFFSET + sum(map(len, encoded)) + sum(blobs.values())
    if size > MAX_BODY or any(len(record) > MAX_RECORD for record in encoded):
        raise StorageError("the snapshot would be too large", "make one for each namespace, or leave out assets")
    versions = sum(len(record.versions) for record in records)
    contents = (aliases, namespace, len(records), versions, len(encoded), store is not None, size)
    head = Head(state.registry, state.number, *contents, _NO_DIGEST, signer.key if signer is not None else None)
    return _write(stream, head, encoded, _read_blobs(store, blobs) if store is not None else iter(()), signer)


@retried
def _read(
    registry: Registry, aliases: tuple[str, ...], namespace: str | None
) -> tuple[Generation, list[PromptRecord], dict[PromptId, PromptId]]:
    with reading(registry.engine) as connection:
        pointers = {
            (view.prompt, view.alias): Pointer(view.revision, view.generation, view.split)
            for view in PromptRepository(connection).aliases()
        }
        found: dict[PromptId, dict[str, StoredVersion]] = {}
        for alias in aliases:
            stored = find_versions(connection, alias, namespace)
            if not stored:
                where = f" in {namespace}" if namespace else ""
                raise VersionNotFound(f"no prompt{where} has the alias {alias!r}", "see: promptdb alias list")
            for version in with_arms(connection, stored):
                if isinstance(version, PromptDBError):
                    raise version
                found.setdefault(version.view.prompt, {})[alias] = version
        records = []
        for prompt, targets in found.items():
            to = {
                alias: Pointer(stored.view.revision, None) if alias == LATEST else pointers[prompt, alias]
                for alias, stored in targets.items()
            }
            by_revision = {
                stored.view.revision: stored for target in targets.values() for stored in (target, *target.arms)
            }
            ordered = [by_revision[revision] for revision in sorted(by_revision, reverse=True)]
            is_archived = any(stored.archived for stored in ordered)
            records.append(PromptRecord(prompt, is_archived, to, tuple(_version(connection, each) for each in ordered)))
        renames = PromptRepository(connection).renames()
        return generation_of(connection), records, {old: now for old, now in renames.items() if now in found}


def _version(connection: sa.Connection, stored: StoredVersion) -> SnapshotVersion:
    spec, view = stored.spec_json.encode(), stored.view
    if digest_of(spec) != view.spec_hash:
        raise IntegrityFailure(f"the stored spec of {view} does not have its digest", VERIFY)
    assets = recorded_assets(connection, view) if may_have_assets(spec) else []
    files = tuple(SnapshotAsset(asset, None) for asset in assets if asset.path is not None)
    return SnapshotVersion(view, stored.spec_json, stored.commit_id, files)


# Assets


def _blobs(records: list[PromptRecord]) -> dict[Digest, int]:
    """Collect the sizes of all assets, each once, sorted by digest."""
    found = {
        asset.view.digest: asset.view.byte_size
        for record in records
        for version in record.versions
        for asset in version.assets
    }
    return dict(sorted(found.items()))


def _placed(records: list[PromptRecord], blobs: dict[Digest, int]) -> list[PromptRecord]:
    places, at = dict[Digest, int](), 0
    for digest, size in blobs.items():
        places[digest], at = at, at + size

    def placed(version: SnapshotVersion) -> SnapshotVersion:
        return replace(version, assets=tuple(replace(asset, at=places[asset.view.digest]) for asset in version.assets))

    return [replace(record, versions=tuple(map(placed, record.versions))) for record in records]


def _read_blobs(store: BlobStore, blobs: dict[Digest, int]) -> Iterator[bytes]:
    for digest, size in blobs.items():
        with store.open(digest) as stream:
            while data := stream.read(CHUNK):
                size -= len(data)
                yield data
        if size:
            raise IntegrityFailure(f"the blob {digest} does not have the size in its row", VERIFY)


# Bytes


def _write(stream: BinaryIO, head: Head, records: list[bytes], blobs: Iterator[bytes], signer: Signer | None) -> Head:
    stream.seek(len(head.start_of_file()) + head.blocks_count * hashlib.sha256().digest_size)
    body = _Body(stream.write)
    at = (len(records) + 1) * OFFSET
    offsets = [at, *(at := at + len(record) for record in records)]
    body.write(b"".join(offset.to_bytes(OFFSET, "big") for offset in offsets))
    for record in records:
        body.write(record)
    for data in blobs:
        body.write(data)
    table = body.table()
    head = replace(head, blocks=digest_of(table))
    stream.seek(0)
    stream.write(head.start_of_file(signer.sign(head.signed()) if signer is not None else UNSIGNED) + table)
    return head


class _Body:
    """Passes the body on, and computes the digests of its blocks."""

    def __init__(self, write: Callable[[bytes], Any]) -> None:
        self._write, self._part, self._digests = write, b"", list[bytes]()

    def write(self, data: bytes) -> None:
        self._write(data)
        data = self._part + data
        whole = len(data) - len(data) % BLOCK
        self._digests += [hashlib.sha256(data[at : at + BLOCK]).digest() for at in range(0, whole, BLOCK)]
        self._part = data[whole:]

    def table(self) -> bytes:
        last = [hashlib.sha256(self._part).digest()] if self._part else []
        return b"".join(self._digests + last)


# Comparison


@dataclass(frozen=True, slots=True)
class PointedVersion:
    revision: int
    digest: Digest
    split: Split | None = None


@dataclass(frozen=True, slots=True)
class SnapshotChange:
    """An alias of a prompt that gives another version or split in another snapshot, or is in only one of the two."""

    prompt: PromptId
    alias: str
    before: PointedVersion | None
    after: PointedVersion | None


def compare_snapshots(before: Snapshot, after: Snapshot) -> list[SnapshotChange]:
    """Find the aliases that give another version, sorted by prompt and name. Errors as in `Snapshot.prompts`."""
    old, new = _targets(before), _targets(after)
    return [
        SnapshotChange(*key, old.get(key), new.get(key))
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]


def _targets(snapshot: Snapshot) -> dict[tuple[PromptId, str], PointedVersion]:
    return {
        (record.prompt, alias): PointedVersion(version.view.revision, version.view.spec_hash, to.split)
        for record in snapshot.prompts()
        for alias, to in record.aliases.items()
        if (version := record.pointed(alias)) is not None
    }
