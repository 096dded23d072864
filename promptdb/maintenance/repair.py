"""`verify --repair`: puts blobs back whose very bytes are found somewhere. Rows are never edited."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

from promptdb.blobs.local import LocalBlobStore
from promptdb.blobs.store import BlobStore
from promptdb.db.checks.audit import Audit
from promptdb.db.checks.consistency import any_text
from promptdb.db.engine import reading
from promptdb.db.registry_id import registry_id
from promptdb.domain.blob import Blob, object_key
from promptdb.domain.digest import Digest, digest_of
from promptdb.domain.integrity import BUNDLE, IntegrityCode
from promptdb.errors import ConfigError, Guard, IntegrityFailure, StalePlan, StorageError
from promptdb.maintenance.verify import Verified
from promptdb.maintenance.verify_blobs import Damage, blob_findings, damage_of
from promptdb.maintenance.verify_git import loaded_from
from promptdb.project.read_file import LoadedFile
from promptdb.project.view import View, open_view
from promptdb.registry.asset_rows import bundle_of
from promptdb.registry.stores import Registry, registry_of
from promptdb.registry.uploads import claim
from promptdb.settings import SETTINGS_FILES, AppSettings, load_settings
from promptdb.streams import stream_digest

_AT_ONCE = 500
"""Blobs that are made durable together."""


def repaired(registry: Registry, settings: AppSettings, found: Verified, other: BlobStore | None = None) -> Verified:
    """Put missing and damaged blobs back, and look at them again.

    Bundles are made again from their rows; assets come from another store, the work tree, or the commits that their versions
    were in.

    Args:
        registry: to repair.
        settings: say where the files and the repository are.
        found: what `verify` found.
        other: a store that may have the blobs.

    Returns:
        `found` without what is mended. Where the store does not take a blob, as one in whose place something else lies, the
        finding stays and says so.

    Raises:
        Guard: the store is that of another registry.
        StorageError, LockTimeout: a store failed. Blobs that were put back until then stay.
    """
    wanted = {one.digest for one in found.findings if one.repairable and one.digest is not None}
    if not wanted:
        return found
    with reading(registry.engine) as connection:
        owners = registry.blobs.owners()
        if owners and registry_id(connection) not in owners:
            raise Guard(
                "the store has blobs of another registry only", "check the settings of the database and of the store"
            )
        claim(registry, connection)
    left, refused = set(wanted), dict[Digest, Damage]()
    intact = _intact(_found_somewhere(registry, settings, left, other), left)
    while some := list(islice(intact, _AT_ONCE)):
        refused |= _put(registry.blobs, some)
    damaged = [
        damage
        for digest in sorted(wanted)
        if (damage := refused.get(digest) or damage_of(registry.blobs, digest)) is not None
    ]
    mended = wanted.difference(damage.digest for damage in damaged)
    kept = [one for one in found.findings if one.digest not in wanted]
    if mended:
        kept = [one for one in kept if one.code is not IntegrityCode.WRONG_STORE]
    findings = (*kept, *blob_findings(registry.engine, damaged))
    return replace(found, findings=findings, repaired=tuple(sorted(mended)))


def other_store(path: Path) -> BlobStore:
    """A store to take blobs from: a folder of blobs, or the store of the settings in a folder.

    Raises:
        ConfigError: it is neither.
    """
    if (path / "sha256").is_dir():
        return LocalBlobStore(path)
    folder = path.parent if path.name in SETTINGS_FILES else path
    if any((folder / name).is_file() for name in SETTINGS_FILES):
        return registry_of(load_settings(folder)).blobs
    raise ConfigError(
        f"{path} is no folder of blobs", f"name a blob root, or a folder with {' or '.join(SETTINGS_FILES)}"
    )


def _intact(found: Iterable[Blob], left: set[Digest]) -> Iterator[Blob]:
    """Those that are left and have the right bytes; each is left no more. Until none is."""
    for blob in found:
        if blob.digest in left and _has_its_bytes(blob):
            left.discard(blob.digest)
            yield blob
        if not left:
            return


def _has_its_bytes(blob: Blob) -> bool:
    try:
        with blob.open() as stream:
            return stream_digest(stream) == blob.digest
    except (StorageError, StalePlan, IntegrityFailure):
        return False


def _put(blobs: BlobStore, some: Sequence[Blob]) -> dict[Digest, Damage]:
    """Store blobs in place of what is there.

    Returns:
        Why what is there cannot be replaced, of those of which that is so.

    Raises:
        StorageError, IntegrityFailure: the store does not take the bytes.
    """
    refused = {}
    try:
        blobs.delete([blob.digest for blob in some])  # stores leave a blob alone that is there in its size
    except StorageError:
        refused = _undeletable(blobs, some)
    blobs.put_all([blob for blob in some if blob.digest not in refused])
    return refused


def _undeletable(blobs: BlobStore, some: Sequence[Blob]) -> dict[Digest, Damage]:
    """Delete one at a time, which on a server is a request each, to learn of which that fails, and why."""
    refused = {}
    for blob in some:
        try:
            blobs.delete([blob.digest])
        except StorageError as error:
            where = f"{blobs.place}/{object_key(blob.digest)}"
            remedy = f"move away what lies at {where}, and repeat: promptdb verify --repair"
            message = f"it cannot be put back: {error.message}"
            refused[blob.digest] = Damage(IntegrityCode.BLOB_MISSING, blob.digest, message, remedy)
    return refused


def _found_somewhere(
    registry: Registry, settings: AppSettings, left: Collection[Digest], other: BlobStore | None
) -> Iterator[Blob]:
    """What may be among those that are left, from the nearest place on."""
    yield from _bundles(registry, left)
    if other is not None:
        for digest in sorted(left):
            with suppress(StorageError):
                if (size := other.size(digest)) is not None:
                    yield Blob(digest, size, partial(other.open, digest))
    with suppress(StorageError, ConfigError):
        opened = open_view(settings)
        yield from _blobs_in(loaded_from(opened, None, settings))
    yield from _in_commits(registry, settings, left)


def _bundles(registry: Registry, left: Collection[Digest]) -> list[Blob]:
    with reading(registry.engine) as connection, any_text(connection):
        return [
            Blob.of(data)
            for version in Audit(connection).versions()
            if any(row.kind == BUNDLE and row.digest in left for row in version.blobs)
            and digest_of(data := bundle_of(version.spec, version.blobs)) in left
        ]


def _in_commits(registry: Registry, settings: AppSettings, left: Collection[Digest]) -> Iterator[Blob]:
    with reading(registry.engine) as connection, any_text(connection):
        audit = Audit(connection)
        users = audit.users([digest.partition(":")[2] for digest in left])
        versions = {version for of_blob in users.values() for version in of_blob}
        places: dict[str, set[str]] = {}
        for row in audit.sources():
            if row.version in versions:
                for commit in (row.commit, row.run_commit):
                    places.setdefault(commit, set()).add(row.path)
    for commit, paths in places.items():
        with suppress(StorageError, ConfigError):  # it is not here
            yield from _blobs_in(loaded_from(open_view(settings, View(rev=commit)), paths, settings))


def _blobs_in(files: Iterable[LoadedFile]) -> Iterator[Blob]:
    for file in files:
        if file.content is not None:
            yield from file.content.blobs
