"""Whether the blob store can be reached, keeps what it is given, and is the one that the database speaks of."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from promptdb.blobs.store import BlobStore
from promptdb.db.blob_references import newest_blob
from promptdb.db.engine import reading
from promptdb.db.migrate import HEAD, current_revision
from promptdb.db.registry_id import registry_id
from promptdb.domain.blob import Blob
from promptdb.domain.digest import Digest
from promptdb.errors import PromptDBError
from promptdb.maintenance.doctor.clock import compared, http_offset
from promptdb.maintenance.doctor.database import impatient_engine
from promptdb.maintenance.doctor.finding import DoctorFinding, Level, examined, fail, ok, warn
from promptdb.registry.stores import blob_store
from promptdb.settings import AppSettings

_PROBE_BYTES = 64


def examine_blobs(settings: AppSettings) -> Iterator[DoctorFinding]:
    yield from examined("clock", lambda: _clock(settings))
    store = blob_store(settings)
    probed = [*examined("blobs", lambda: _blobs(settings, store))]
    yield from probed
    if all(finding.level is not Level.FAIL for finding in probed):
        yield from examined("owners", lambda: _owners(settings, store))


def _blobs(settings: AppSettings, store: BlobStore) -> Iterator[DoctorFinding]:
    if store.is_there():
        yield from _probe(store)
    elif store.backend == "local":
        yield from _without_folder(settings.blob_path)
    else:
        yield warn(
            "blobs", f"there is no {store.place}", "create it, or let the first 'promptdb sync' do so, if the keys may"
        )


def _probe(store: BlobStore) -> Iterator[DoctorFinding]:
    """A blob of random bytes, which nobody else has, is written, read and deleted."""
    data = secrets.token_bytes(_PROBE_BYTES)
    blob = Blob.of(data)
    store.put_all([blob])
    try:
        found = store.get(blob.digest)
    finally:
        store.delete([blob.digest])
    if found != data:
        yield fail("blobs", f"{store.place} gives other bytes than it was given", "is there a cache before it?")
        return
    if store.size(blob.digest) is not None:
        yield fail(
            "blobs", f"{store.place} still has a blob that was deleted", "gc cannot work there: look at its policies"
        )
        return
    yield ok("blobs", f"{store.place}: a blob was written, read and deleted")


def _without_folder(folder: Path) -> Iterator[DoctorFinding]:
    parent = next(path for path in folder.parents if path.exists())
    if os.access(parent, os.W_OK | os.X_OK):
        yield ok("blobs", f"{folder} is not there yet; the first 'promptdb sync' makes it")
    else:
        yield fail("blobs", f"{folder} cannot be made in {parent}", f"make {parent} writable for this user")


def _owners(settings: AppSettings, store: BlobStore) -> Iterator[DoctorFinding]:
    """Says nothing where the database cannot be asked: its own check tells that."""
    try:
        found = _registry(settings)
    except (PromptDBError, OSError):
        return
    if found is None:
        return
    own, newest = found
    others = store.owners() - {own}
    if newest is not None and store.size(newest) is None:
        detail = f"{store.place} has no blob {newest}, which the newest version names"
        yield fail("owners", detail, "is it the store of this database? Then see: promptdb verify")
    elif newest is not None and others and own not in store.owners():
        yield fail(
            "owners", f"{store.place} is the store of other registries, not of {own}", "wrong database, or wrong store?"
        )
    elif others:
        detail = f"{store.place} has blobs of {len(others)} other {'registry' if len(others) == 1 else 'registries'}"
        yield warn("owners", detail, "give each registry a store of its own, or gc cannot work there")
    else:
        yield ok(
            "owners",
            f"{store.place} has the blobs of this registry, {own}" if newest else f"{store.place} is free to use",
        )


def _registry(settings: AppSettings) -> tuple[UUID, Digest | None] | None:
    """The id of the registry, and the newest bundle that it names; None without a schema."""
    engine = impatient_engine(settings)
    try:
        if current_revision(engine) != HEAD:
            return None
        with reading(engine) as connection:
            return registry_id(connection), newest_blob(connection)
    finally:
        engine.dispose()


def _clock(settings: AppSettings) -> Iterator[DoctorFinding]:
    endpoint = settings.minio_endpoint
    if settings.storage_backend == "local" or endpoint is None:
        return
    try:
        offset = http_offset(endpoint, secure=settings.minio_secure)
    except OSError:  # the check of blobs tells it
        return
    yield from compared(f"of {endpoint}", offset)
