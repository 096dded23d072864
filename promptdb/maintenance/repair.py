"""Implements `verify --repair`: restores blobs whose exact bytes are found elsewhere. Never edits rows."""

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
from promptdb.maintenance.verify import Verified, verify
from promptdb.maintenance.verify_blobs import Damage, blob_findings, damage_of
from promptdb.maintenance.verify_git import blobs_in, views_of, with_provenance
from promptdb.progress import ShowProgress, unwatched
from promptdb.project.view import open_view
from promptdb.registry.asset_rows import bundle_of
from promptdb.registry.stores import Registry, registry_of
from promptdb.registry.uploads import claim
from promptdb.settings import SETTINGS_FILES, AppSettings, load_settings
from promptdb.streams import stream_digest

_AT_ONCE = 500
"""The number of blobs that are made durable together."""


def verify_and_repair(
    registry: Registry,
    settings: AppSettings,
    *,
    full: bool = False,
    with_git: bool = False,
    repair: bool = False,
    source: Path | None = None,
    progress: ShowProgress = unwatched,
) -> Verified:
    """Check a registry and, with `repair`, restore blobs.

    Args:
        registry: the registry.
        settings: name the prompts root, where lost assets may be found.
        full: read every blob, and not only its presence and size.
        with_git: compare versions with their commits.
        repair: restore blobs whose exact bytes are found elsewhere.
        source: another place to find them, as in `other_store`.
        progress: shows how many blobs and commits were read.

    Raises:
        ConfigError, Guard, StorageError, LockTimeout: as in `verify`, `repaired` and `other_store`.
    """
    other = other_store(source) if source is not None else None
    with progress("reading blobs") as shown:
        found = verify(registry, full=full, progress=shown)
    if with_git:
        with progress("reading commits") as shown:
            found = with_provenance(found, registry, settings, shown)
    return repaired(registry, settings, found, other) if repair else found


def repaired(registry: Registry, settings: AppSettings, found: Verified, other: BlobStore | None = None) -> Verified:
    """Restore missing and damaged blobs, and check them again.

    Bundles are made from their rows. Assets come from another store, the work tree, or the commits of their versions.

    Returns:
        `found` without the repaired findings. If something else is in the place of a blob, its finding stays and says so.

    Raises:
        Guard: the store belongs to another registry.
        StorageError, LockTimeout: a store failed. Blobs that were restored before stay.
    """
    wanted = {one.digest for one in found.findings if one.repairable and one.digest is not None}
    if not wanted:
        return found
    with reading(registry.engine) as connection:
        owners = registry.blobs.owners()
        if owners and registry_id(connection) not in owners:
            raise Guard(
                "the store has only blobs of another registry", "check the settings of the database and of the store"
            )
        claim(registry, connection)
    left, refused = set(wanted), dict[Digest, Damage]()
    intact = _intact(_found_somewhere(registry, settings, left, other), left)
    while some := list(islice(intact, _AT_ONCE)):
        refused |= _put(registry.blobs, some)
    checked = [refused.get(digest) or damage_of(registry.blobs, digest) for digest in sorted(wanted)]
    damaged = [damage for damage in checked if damage is not None]
    restored = wanted.difference(damage.digest for damage in damaged)
    kept = [one for one in found.findings if one.digest not in wanted]
    if restored:
        kept = [one for one in kept if one.code is not IntegrityCode.WRONG_STORE]
    findings = (*kept, *blob_findings(registry.engine, damaged))
    return replace(found, findings=findings, repaired=tuple(sorted(restored)))


def other_store(path: Path) -> BlobStore:
    """Open a store to take blobs from: a folder of blobs, or the store that the settings in a folder name.

    Raises:
        ConfigError: the path is neither.
    """
    if (path / "sha256").is_dir():
        return LocalBlobStore(path)
    folder = path.parent if path.name in SETTINGS_FILES else path
    if any((folder / name).is_file() for name in SETTINGS_FILES):
        return registry_of(load_settings(folder)).blobs
    hint = f"name a blob root, or a folder with {' or '.join(SETTINGS_FILES)}"
    raise ConfigError(f"{path} is not a folder of blobs", hint)


def _intact(found: Iterable[Blob], left: set[Digest]) -> Iterator[Blob]:
    """Yield blobs that are in `left` and have the right bytes, and discard each from `left`. Stop when `left` is empty."""
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
    """Replace blobs in a store, and report those that cannot be replaced.

    Raises:
        StorageError, IntegrityFailure: the store does not take the bytes.
    """
    refused = {}
    try:
        # Stores do not overwrite a blob that is there with the right size.
        blobs.delete([blob.digest for blob in some])
    except StorageError:
        # One request per blob is slow on a server, but shows which blob cannot be deleted, and why.
        for blob in some:
            try:
                blobs.delete([blob.digest])
            except StorageError as error:
                where = f"{blobs.place}/{object_key(blob.digest)}"
                remedy = f"move away what is at {where}, and repeat: promptdb verify --repair"
                message = f"it cannot be restored: {error.message}"
                refused[blob.digest] = Damage(IntegrityCode.BLOB_MISSING, blob.digest, message, remedy)
    blobs.put_all([blob for blob in some if blob.digest not in refused])
    return refused


def _found_somewhere(
    registry: Registry, settings: AppSettings, left: Collection[Digest], other: BlobStore | None
) -> Iterator[Blob]:
    """Look for the blobs in `left`, in the nearest place first. The bytes are still to be checked."""
    yield from _bundles(registry, left)
    if other is not None:
        for digest in sorted(left):
            with suppress(StorageError):
                if (size := other.size(digest)) is not None:
                    yield Blob(digest, size, partial(other.open, digest))
    with suppress(StorageError, ConfigError):
        yield from blobs_in(open_view(settings), None)
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
        with suppress(StorageError):
            for opened in views_of(commit, settings):
                yield from blobs_in(opened, paths)
