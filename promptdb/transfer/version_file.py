"""One version in a file: a JSON document (`.bundle.json`), alone or in a zip with its assets."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZipFile

from promptdb.blobs.bundle import CONTENT_TYPE
from promptdb.blobs.members import new_member
from promptdb.blobs.store import Blob, BlobStore, object_key
from promptdb.db.bulk import Row
from promptdb.domain.digest import Digest, canonical_json, digest_of
from promptdb.domain.integrity import BUNDLE
from promptdb.errors import ConfigError, IntegrityFailure, StorageError
from promptdb.files.suffixes import SUFFIXES, file_suffix
from promptdb.transfer.checks import IMPORTED, asset_digest, check_bundle, check_row
from promptdb.transfer.members import VERIFY, VERSION_MEMBER, write_blob
from promptdb.transfer.staging import AGAIN
from promptdb.transfer.tables import decoded, encoded, table
from promptdb.transfer.values import Refused, require_fields, require_format, strict_json
from promptdb.transfer.zipped import MAX_LINE, Zipped, opened

FORMAT = "promptdb-version"
VERSION = 1
"""Of the file format, as in `registry_file`."""

PROVENANCE = ("path", "commit_id", "branch", "author", "committed_at", "blob_id", "is_dirty")
_FIELDS = {
    *(
        "prompt",
        "id",
        "revision",
        "digest",
        "user_version",
        "created_by",
        "created_at",
        "bundle",
        "manifest",
        "provenance",
    )
}
_RUN = 1
"""The number of the run that its sources are of, which stands for whatever run imports them."""


class VersionFile:
    """A document that was read, as a source of rows and blobs.

    Args:
        name: for messages.
        document: what `version_document` gives.
        assets: gives their bytes.
        remedy: where something is wrong with it.
    """

    is_whole = False

    def __init__(self, name: str, document: Any, assets: Callable[[Row], Blob], remedy: str = AGAIN) -> None:
        self.name = name
        self._remedy = remedy
        self._assets = assets
        try:
            require_format(document, FORMAT, VERSION, _FIELDS)
            self._rows = {key: [decoded(table(key), encoded(row)) for row in rows] for key, rows in _rows(document)}
            self._manifest = canonical_json(document["manifest"])
            if digest_of(self._manifest) != document["bundle"]:
                raise Refused("the manifest does not have the digest of the bundle")
        except Refused as error:
            raise self._damaged(error) from error
        except UnicodeEncodeError as error:
            raise self._damaged(Refused("it has half a character: a lone surrogate, which no text has")) from error
        except ValueError as error:
            raise self._damaged(Refused("it has a number that is too large for JSON")) from error

    def inspect(self) -> None:
        try:
            for key, rows in self._rows.items():
                for row in rows:
                    check_row(key, row)
            check_bundle(self._rows["prompt_versions"][0], self._rows["prompt_assets"])
        except Refused as error:
            raise self._damaged(error) from error

    def rows(self, name: str) -> Iterator[Row]:
        return iter(self._rows.get(name, []))

    def blobs(self) -> Iterator[Blob]:
        yield Blob.of(self._manifest)
        yield from {asset_digest(row): self._assets(row) for row in self._rows["prompt_assets"][1:]}.values()

    def _damaged(self, error: Refused) -> IntegrityFailure:
        return IntegrityFailure(f"{self.name}: {error}", error.hint or self._remedy)


def write_version(document: Mapping[str, Any], stream: BinaryIO) -> None:
    """
    Raises:
        IntegrityFailure: it is not one that could be read again.
    """

    def unread(row: Row) -> BinaryIO:
        raise NotImplementedError(row)

    _inspected(document, unread)
    stream.write(_text(document))


def write_version_zip(document: Mapping[str, Any], store: BlobStore, stream: BinaryIO) -> None:
    """With the assets, each under its key. The bundle is not among them: it is the manifest of the document.

    Raises:
        StorageError, IntegrityFailure: an asset is missing, or it is not a version that could be read again.
    """
    source = _inspected(document, lambda row: store.open(asset_digest(row)))
    with ZipFile(stream, "w") as archive:
        archive.writestr(new_member(VERSION_MEMBER), _text(document))
        for blob in sorted(list(source.blobs())[1:], key=lambda blob: blob.digest):
            write_blob(archive, blob)


@contextmanager
def version_file(file: Path) -> Iterator[VersionFile]:
    """A document alone: the store that it comes to must have its assets.

    Raises:
        StorageError, IntegrityFailure: it cannot be read, or is not such a file.
        ConfigError: it is a prompt file.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_LINE + 1)
    except OSError as error:
        raise StorageError(f"cannot read {file}: {error.strerror}") from error
    if len(data) > MAX_LINE:
        raise IntegrityFailure(f"{file} is larger than {MAX_LINE // 2**20} MiB", AGAIN)

    def absent(row: Row) -> BinaryIO:
        path = strict_json(row["metadata_json"].encode())["path"]
        message = f"{file} has no assets, and the store does not have {path!r} ({asset_digest(row)})"
        raise StorageError(message, "export the version with them: promptdb export REF FILE.zip")

    if _is_prompt_file(file, data):
        message = f"{file} is a prompt file, and not what import takes back"
        raise ConfigError(message, f"put it into the prompts root and sync, or: promptdb register-file {file}")
    yield VersionFile(
        str(file), _parsed(file, data), lambda row: Blob(asset_digest(row), row["byte_size"], partial(absent, row))
    )


@contextmanager
def version_zip(file: Path) -> Iterator["ZippedVersion"]:
    """A document and its assets. Errors as in `version_file`."""
    with opened(file, frozenset({VERSION_MEMBER})) as archive:
        yield ZippedVersion(file, archive)


class ZippedVersion(VersionFile):
    """The assets are exactly those of the document."""

    def __init__(self, file: Path, archive: Zipped) -> None:
        self._archive = archive
        super().__init__(str(file), _parsed(file, archive.read(VERSION_MEMBER)), self._zipped)

    def inspect(self) -> None:
        super().inspect()
        named = {blob.digest for blob in list(self.blobs())[1:]}
        for digest in self._archive.blobs:
            if digest not in named:
                raise self._archive.damaged(f"the version does not name the blob {digest}")
            self._archive.check_blob(digest)

    def _zipped(self, row: Row) -> Blob:
        digest, size = asset_digest(row), row["byte_size"]
        if digest not in self._archive.blobs or self._archive.blobs[digest].file_size != size:
            raise self._archive.damaged(f"the blob {digest} of {size} bytes is not in it")
        return self._archive.blob(digest)


def _inspected(document: Mapping[str, Any], open_asset: Callable[[Row], BinaryIO]) -> VersionFile:
    name = f"{document['prompt']['name']} revision {document['revision']}"
    source = VersionFile(
        name, document, lambda row: Blob(asset_digest(row), row["byte_size"], partial(open_asset, row)), VERIFY
    )
    source.inspect()
    return source


def _rows(document: Mapping[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The rows that a document stands for, as JSON."""
    prompt, manifest = document["prompt"], document["manifest"]
    require_fields(prompt, {"id", "name", "created_at"}, "prompt")
    require_fields(manifest, {"assets", "scheme", "spec"}, "manifest")
    namespace, _, name = str(prompt["name"]).rpartition("/")
    own = {"id": prompt["id"], "namespace": namespace, "name": name, "created_at": prompt["created_at"]}
    yield "prompts", [{**own, "archived_at": None}]
    version = {key: document[key] for key in ("id", "revision", "user_version", "created_by", "created_at")}
    spec = {"spec_json": canonical_json(manifest["spec"]).decode(), "spec_hash": document["digest"]}
    yield "prompt_versions", [{**version, "prompt_id": prompt["id"], **spec}]
    listed = _objects("manifest.assets", manifest["assets"], {"path", "kind", "digest", "size", "content_type"})
    others = [_asset(document, each["kind"], each, json.dumps({"path": each["path"]})) for each in listed]
    assets = [_asset(document, BUNDLE, _bundle(document), "{}"), *others]
    yield "prompt_assets", [{"id": number, **row} for number, row in enumerate(assets, 1)]
    sources = _objects("provenance", document["provenance"], set(PROVENANCE))
    of_version = {"version_id": document["id"], "run_id": _RUN}
    yield "version_sources", [{"id": number, **of_version, **row} for number, row in enumerate(sources, 1)]
    time, by = document["created_at"], document["created_by"]
    run = {
        "id": _RUN,
        "root": "",
        "git_ref": None,
        "commit_id": None,
        "is_dirty": False,
        "outcome": IMPORTED,
        "created_by": by,
    }
    yield "sync_runs", [{**run, "counts_json": "{}", "started_at": time, "finished_at": time}] if sources else []


def _bundle(document: Mapping[str, Any]) -> dict[str, Any]:
    size = len(canonical_json(document["manifest"]))
    return {"digest": document["bundle"], "size": size, "content_type": CONTENT_TYPE}


def _asset(document: Mapping[str, Any], kind: str, listed: Mapping[str, Any], metadata: str) -> dict[str, Any]:
    digest = str(listed["digest"])
    return {
        "version_id": document["id"],
        "kind": kind,
        "storage_backend": "",
        "bucket": "",
        "object_key": object_key(Digest(digest)),
        "content_type": listed["content_type"],
        "byte_size": listed["size"],
        "checksum_sha256": digest.partition(":")[2],
        "metadata_json": metadata,
        "created_at": document["created_at"],
    }


def _objects(place: str, values: Any, fields: set[str]) -> list[dict[str, Any]]:
    if not isinstance(values, list):
        raise Refused(f"{place}: not a list")
    for number, value in enumerate(values):
        require_fields(value, fields, f"{place}.{number}")
    return values


def _is_prompt_file(file: Path, data: bytes) -> bool:
    """JSON may be of either kind, and a version may be in a file of any name."""
    suffix = file_suffix(file.name)
    try:
        found = strict_json(data)
    except Refused:
        return suffix in SUFFIXES - {".json"}
    if isinstance(found, dict):
        return suffix in SUFFIXES and "format" not in found and not found.keys().isdisjoint({"template", "messages"})
    return suffix in SUFFIXES - {".json"}


def _parsed(file: Path, data: bytes) -> Any:
    try:
        return strict_json(data)
    except Refused as error:
        raise IntegrityFailure(f"{file}: {error}", AGAIN) from error


def _text(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"
