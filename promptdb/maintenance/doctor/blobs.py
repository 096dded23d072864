"""Examines the blob store: that it can be reached, keeps what it is given, and belongs to the database."""

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
        yield _probe(store)
    elif store.backend == "local":
        yield _without_folder(settings.blob_path)
    else:
        remedy = "create it, or let the first 'promptdb sync' create it, if the keys allow that"
        yield warn("blobs", f"there is no {store.place}", remedy)


def _probe(store: BlobStore) -> DoctorFinding:
    # Random bytes, so that no registry has this blob.
    data = secrets.token_bytes(_PROBE_BYTES)
    blob = Blob.of(data)
    store.put_all([blob])
    try:
        found = store.get(blob.digest)
    finally:
        store.delete([blob.digest])
    if found != data:
        return fail("blobs", f"{store.place} returns other bytes than it was given", "is there a cache before it?")
    if store.size(blob.digest) is not None:
        detail = f"{store.place} still has a blob that was deleted"
        return fail("blobs", detail, "gc cannot work there: check its policies")
    return ok("blobs", f"{store.place}: a blob was written, read and deleted")


def _without_folder(folder: Path) -> DoctorFinding:
    parent = next(path for path in folder.parents if path.exists())
    if os.access(parent, os.W_OK | os.X_OK):
        return ok("blobs", f"{folder} does not exist yet; the first 'promptdb sync' creates it")
    return fail("blobs", f"{folder} cannot be created in {parent}", f"make {parent} writable for this user")


def _owners(settings: AppSettings, store: BlobStore) -> Iterator[DoctorFinding]:
    try:
        found = _registry(settings)
    except (PromptDBError, OSError):
        return  # the database's own check reports this
    if found is None:
        return
    own, newest = found
    others = store.owners() - {own}
    if newest is not None and store.size(newest) is None:
        detail = f"{store.place} has no blob {newest}, which the newest version needs"
        yield fail("owners", detail, "is it the store of this database? if so, see: promptdb verify")
    elif newest is not None and others and own not in store.owners():
        detail = f"{store.place} is the store of other registries, not of {own}"
        yield fail("owners", detail, "wrong database, or wrong store?")
    elif others:
        detail = f"{store.place} has blobs of {len(others)} other {'registry' if len(others) == 1 else 'registries'}"
        yield warn("owners", detail, "give each registry a store of its own, or gc cannot work there")
    else:
        detail = f"has the blobs of this registry, {own}" if newest else "is free to use"
        yield ok("owners", f"{store.place} {detail}")


def _registry(settings: AppSettings) -> tuple[UUID, Digest | None] | None:
    """Read the registry's id and a blob of its newest version; None without a schema."""
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
    except OSError:  # the check of blobs reports it
        return
    yield from compared(f"of {endpoint}", offset)
