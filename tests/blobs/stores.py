"""A store of each kind, and ways to do to it what no user of a store does: write under its keys, see all that is there."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Protocol

from minio import Minio
from s3 import ACCESS_KEY, SECRET_KEY, S3Server

from promptdb.blobs.local import LocalBlobStore
from promptdb.blobs.minio import MinioBlobStore
from promptdb.blobs.s3.address import S3Address
from promptdb.blobs.store import BlobStore


class Backdoor(Protocol):
    """`where` is how messages name the place."""

    store: BlobStore

    @property
    def where(self) -> str: ...

    def write(self, key: str, data: bytes) -> None: ...

    def keys(self) -> set[str]:
        """Everything below the root but unfinished uploads."""
        ...

    def begin_upload(self) -> None:
        """Leave one behind, as a killed process does."""
        ...


@dataclass
class LocalFolder:
    store: LocalBlobStore

    @property
    def where(self) -> str:
        return str(self.store.root)

    def write(self, key: str, data: bytes) -> None:
        path = self.store.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def keys(self) -> set[str]:
        found = {path.relative_to(self.store.root) for path in self.store.root.rglob("*") if path.is_file()}
        return {path.as_posix() for path in found if path.parts[0] != "tmp"}

    def begin_upload(self) -> None:
        self.write("tmp/1-2-3", b"half")


@dataclass
class S3Bucket:
    store: MinioBlobStore
    client: Minio

    @property
    def where(self) -> str:
        return str(self.store.address)

    def write(self, key: str, data: bytes) -> None:
        if not self.client.bucket_exists(self.store.bucket):
            self.client.make_bucket(self.store.bucket)
        self.client.put_object(self.store.bucket, key, BytesIO(data), len(data))

    def keys(self) -> set[str]:
        if not self.client.bucket_exists(self.store.bucket):
            return set()
        return {item.object_name or "" for item in self.client.list_objects(self.store.bucket, recursive=True)}

    def begin_upload(self) -> None:
        self.client._create_multipart_upload(self.store.bucket, "sha256/00/half", {})


def local_folder(folder: Path) -> LocalFolder:
    return LocalFolder(LocalBlobStore(folder / "blobs"))


def s3_bucket(server: S3Server) -> S3Bucket:
    """In a bucket that is not there yet."""
    address = address_of(server)
    client = Minio(server.endpoint, ACCESS_KEY, SECRET_KEY, secure=False, region=address.region)
    return S3Bucket(MinioBlobStore(address), client)


def address_of(server: S3Server) -> S3Address:
    return S3Address.of(server.endpoint, server.new_bucket_name(), ACCESS_KEY, SECRET_KEY, secure=False)
