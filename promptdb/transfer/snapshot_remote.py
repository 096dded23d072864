"""Snapshots on servers: an address of the web, or an object in S3, where they are also published."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from promptdb.domain.server_address import parse_server_address
from promptdb.domain.snapshot.head import HEAD_AT, MAX_HEAD, Head
from promptdb.domain.snapshot.reader import Snapshot, bytes_reader, read_head
from promptdb.errors import ConfigError, Conflict
from promptdb.settings import AppSettings
from promptdb.transfer.snapshot_place import EXAMPLES, Fetched, Mark
from promptdb.transfer.zip_members import restated

if TYPE_CHECKING:
    from promptdb.blobs.download import HttpFile
    from promptdb.blobs.s3.address import S3Address

MAX_DOWNLOAD = 256 * 1024**2
"""Bytes. A snapshot from a server is in memory."""

PUBLISH_PATIENCE = 30.0
"""Seconds of retries."""

_MAX_START = HEAD_AT + MAX_HEAD


class RemoteSnapshot:
    """A file on a server, which is in memory as a whole.

    Args:
        name: for messages.
        make: makes the HTTP client at the first use, since a place in a folder needs none.
    """

    def __init__(self, name: str, make: "Callable[[], HttpFile]") -> None:
        self.name = name
        self._make = make
        self._made: HttpFile | None = None

    def fetch(self, known: Mark | None) -> Fetched | None:
        if self._made is None:
            self._made = self._make()
        found = self._made.fetch(known)
        if found is None:
            return None
        data = found.data
        return Fetched(lambda: Snapshot(bytes_reader(data), len(data), self.name), found.mark)

    def has_changed(self, known: Mark | None) -> bool:  # noqa: ARG002
        return False

    def after_fork(self) -> None:
        self._made = None

    def close(self) -> None:
        if self._made is not None:
            self._made.close()


def on_web(text: str) -> RemoteSnapshot:
    try:
        url = parse_server_address(text)
    except ValueError as error:
        raise ConfigError(f"a snapshot cannot be read from there: {error}", EXAMPLES) from None
    name = url._replace(query="", fragment="").geturl()

    def make() -> "HttpFile":
        from promptdb.blobs.download import HttpFile

        return HttpFile(lambda: text, name, MAX_DOWNLOAD, secure=url.scheme == "https")

    return RemoteSnapshot(name, make)


def in_s3(text: str, settings: AppSettings) -> RemoteSnapshot:
    address, key = _s3_address(text, settings)

    def make() -> "HttpFile":
        from promptdb.blobs.download import HttpFile, signed_by

        return HttpFile(signed_by(address, key), text, MAX_DOWNLOAD, secure=address.secure)

    return RemoteSnapshot(text, make)


def _s3_address(text: str, settings: AppSettings) -> "tuple[S3Address, str]":
    """Find the bucket and the key that an address names, on the S3 server of the settings."""
    from promptdb.blobs.s3.address import S3Address

    url = _split(text)
    bucket, key = url.netloc, url.path.removeprefix("/")
    if not bucket or not key or url.query or url.fragment or "@" in bucket:
        raise ConfigError(f"{text!r} is not the address of an object", "write it as s3://BUCKET/KEY")
    access, secret = settings.minio_access_key, settings.minio_secret_key
    if not (settings.minio_endpoint and access and secret):
        hint = "set minio_endpoint, minio_access_key and minio_secret_key; docs/storage.md shows an example"
        raise ConfigError(f"{text} needs the settings of an S3 server", hint)
    address = S3Address.of(
        settings.minio_endpoint,
        bucket,
        access.get_secret_value(),
        secret.get_secret_value(),
        secure=settings.minio_secure,
        region=settings.minio_region,
    )
    return address, key


def _split(text: str) -> SplitResult:
    try:
        return urlsplit(text)
    except ValueError as error:
        raise ConfigError("the address of the snapshot is malformed", EXAMPLES) from error


def publish(text: str, settings: AppSettings, file: Path) -> bool:
    """Put a snapshot into S3, unless the one there has the same content. Return whether it was written.

    Raises:
        ConfigError: the address is not one of S3, or settings are missing.
        Conflict: the snapshot there is newer, or of another registry.
        IntegrityFailure: the object there is not a snapshot.
        StorageError: the server fails.
    """
    from promptdb.blobs.s3.bucket import Bucket

    if not text.startswith("s3://"):
        raise ConfigError(f"snapshots cannot be published to {text!r}", "write s3://BUCKET/KEY")
    address, key = _s3_address(text, settings)
    bucket = Bucket(address, 1, PUBLISH_PATIENCE)
    with restated(file), file.open("rb") as stream:
        new = _head(stream.read(_MAX_START), str(file))
        if (answer := bucket.get(key)) is not None:
            with answer:
                old = _head(answer.read(_MAX_START), text)
            if old.content == new.content:
                return False
            if new.registry != old.registry:
                raise Conflict(f"{text} is a snapshot of another registry, {old.registry}", "publish to another key")
            if new.generation < old.generation:
                raise Conflict(
                    f"{text} is newer, of generation {old.generation}", "make a snapshot of the present state"
                )
        stream.seek(0)
        bucket.put(key, stream, os.fstat(stream.fileno()).st_size)
    return True


def _head(data: bytes, name: str) -> Head:
    return read_head(bytes_reader(data), name)[0]
