"""One version in a file: a JSON document (`.bundle.json`), alone or in a zip with its assets."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZipFile

from promptdb.blobs.store import BlobStore
from promptdb.db.inserts import Row
from promptdb.domain.blob import Blob, object_key
from promptdb.domain.bundle import CONTENT_TYPE
from promptdb.domain.digest import Digest, canonical_json, digest_of
from promptdb.domain.integrity import BUNDLE
from promptdb.domain.suffixes import SUFFIXES, file_suffix
from promptdb.errors import ConfigError, IntegrityFailure, StorageError
from promptdb.transfer.row_checks import IMPORTED, asset_digest, check_row, check_version
from promptdb.transfer.rows_as_json import decoded, encoded, plain
from promptdb.transfer.strict_json import AGAIN, VERIFY, Refused, require_fields, require_format, strict_json
from promptdb.transfer.zip_members import MAX_LINE, VERSION_MEMBER, Zipped, new_member, opened, write_blob

FORMAT = "promptdb-version"
VERSION = 1
"""Number of the file format, as in `registry_file`."""

PROVENANCE = ("path", "commit_id", "branch", "author", "committed_at", "blob_id", "is_dirty")
_OF_VERSION = ("id", "revision", "user_version", "created_by", "created_at")
_FIELDS = {"prompt", "digest", "bundle", "manifest", "provenance", *_OF_VERSION}
_RUN = {"id": 1, "root": "", "git_ref": None, "commit_id": None, "is_dirty": False, "outcome": IMPORTED}
"""The run that its provenance is of. It stands for whatever run imports the file."""

_Open = Callable[[Row], BinaryIO]


class VersionFile:
    """A document that was read, as a source of rows and blobs.

    Args:
        name: for messages.
        document: what `version_document` gives.
        open_asset: opens the bytes of an asset by its row.
        remedy: where something is wrong with the document.
        archive: the zip around it, with exactly its assets.
    """

    is_whole = False

    def __init__(
        self, name: str, document: Any, open_asset: _Open, remedy: str = AGAIN, archive: Zipped | None = None
    ) -> None:
        self.name = name
        self._open_asset, self._remedy, self._archive = open_asset, remedy, archive
        try:
            require_format(document, FORMAT, VERSION, _FIELDS)
            self._rows = {key: [decoded(key, encoded(row)) for row in rows] for key, rows in _rows(document)}
            self._manifest = canonical_json(document["manifest"])
            if digest_of(self._manifest) != document["bundle"]:
                raise Refused("the manifest does not have the digest of the bundle")
        except Refused as error:
            raise self._damaged(error) from error
        except ValueError as error:  # half a character, or a number that is too large
            raise self._damaged(Refused(f"it has what JSON cannot hold: {error}")) from error

    def inspect(self) -> None:
        try:
            for key, rows in self._rows.items():
                for row in rows:
                    check_row(key, row)
            check_version(self._rows["prompt_versions"][0], self._rows["prompt_assets"])
        except Refused as error:
            raise self._damaged(error) from error
        if self._archive is not None:
            self._archive.check_blobs({blob.digest: blob.size for blob in self.assets()})

    def rows(self, name: str) -> Iterator[Row]:
        return iter(self._rows.get(name, []))

    def blobs(self) -> Iterator[Blob]:
        yield Blob.of(self._manifest)
        yield from self.assets()

    def assets(self) -> list[Blob]:
        """Give the blobs without the bundle, each once."""
        rows = {asset_digest(row): row for row in self._rows["prompt_assets"] if row["kind"] != BUNDLE}
        return [Blob(digest, row["byte_size"], partial(self._open_asset, row)) for digest, row in rows.items()]

    def _damaged(self, error: Refused) -> IntegrityFailure:
        return IntegrityFailure(f"{self.name}: {error}", error.hint or self._remedy)


def write_version(document: Mapping[str, Any], store: BlobStore, stream: BinaryIO, *, zipped: bool) -> None:
    """Write a document, in a zip with the assets, each under its key. The manifest in the document is the bundle.

    Raises:
        StorageError, IntegrityFailure: an asset is missing, or the version could not be read again.
    """
    name = f"{document['prompt']['name']} revision {document['revision']}"
    source = VersionFile(name, document, lambda row: store.open(asset_digest(row)), VERIFY)
    source.inspect()
    text = json.dumps(document, ensure_ascii=False, indent=2, default=plain).encode() + b"\n"
    if not zipped:
        stream.write(text)
        return
    with ZipFile(stream, "w") as archive:
        archive.writestr(new_member(VERSION_MEMBER), text)
        for blob in sorted(source.assets(), key=lambda blob: blob.digest):
            write_blob(archive, blob)


@contextmanager
def version_file(file: Path) -> Iterator[VersionFile]:
    """Read a document alone: the store that it comes to must have its assets.

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
    if _is_prompt_file(file, data):
        message = f"{file} is a prompt file, and not what import takes back"
        raise ConfigError(message, f"put it into the prompts root and sync, or: promptdb register-file {file}")

    def absent(row: Row) -> BinaryIO:
        path = strict_json(row["metadata_json"].encode())["path"]
        message = f"{file} has no assets, and the store does not have {path!r} ({asset_digest(row)})"
        raise StorageError(message, "export the version with them: promptdb export REF FILE.zip")

    yield VersionFile(str(file), _parsed(file, data), absent)


@contextmanager
def version_zip(file: Path) -> Iterator[VersionFile]:
    """Read a document and its assets. Errors as in `version_file`."""
    with opened(file, frozenset({VERSION_MEMBER})) as archive:
        document = _parsed(file, archive.read(VERSION_MEMBER))
        yield VersionFile(str(file), document, lambda row: archive.blob(asset_digest(row)).open(), AGAIN, archive)


def _rows(document: Mapping[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Give the rows that a document stands for, as JSON."""
    prompt, manifest = document["prompt"], document["manifest"]
    require_fields(prompt, {"id", "name", "created_at"}, "prompt")
    require_fields(manifest, {"assets", "scheme", "spec"}, "manifest")
    key, time, by = document["id"], document["created_at"], document["created_by"]
    namespace, _, name = str(prompt["name"]).rpartition("/")
    yield "prompts", [{**prompt, "namespace": namespace, "name": name, "archived_at": None}]
    spec = {"spec_json": canonical_json(manifest["spec"]).decode(), "spec_hash": document["digest"]}
    yield "prompt_versions", [{**{name: document[name] for name in _OF_VERSION}, "prompt_id": prompt["id"], **spec}]
    assets = _objects("manifest.assets", manifest["assets"], {"path", "kind", "digest", "size", "content_type"})
    bundle = {"digest": document["bundle"], "size": len(canonical_json(manifest)), "content_type": CONTENT_TYPE}
    listed = [({**bundle, "kind": BUNDLE}, {}), *((each, {"path": each["path"]}) for each in assets)]
    yield (
        "prompt_assets",
        [
            {
                "id": number,
                "version_id": key,
                "storage_backend": "",
                "bucket": "",
                "created_at": time,
                "kind": each["kind"],
                "content_type": each["content_type"],
                "byte_size": each["size"],
                "object_key": object_key(Digest(str(each["digest"]))),
                "checksum_sha256": str(each["digest"]).partition(":")[2],
                "metadata_json": json.dumps(metadata),
            }
            for number, (each, metadata) in enumerate(listed, 1)
        ],
    )
    sources = _objects("provenance", document["provenance"], set(PROVENANCE))
    of_version = {"version_id": key, "run_id": _RUN["id"]}
    yield "version_sources", [{"id": number, **of_version, **row} for number, row in enumerate(sources, 1)]
    run = {**_RUN, "created_by": by, "counts_json": "{}", "started_at": time, "finished_at": time}
    yield "sync_runs", [run] if sources else []


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
        found = None
    if isinstance(found, dict):
        return suffix in SUFFIXES and "format" not in found and not found.keys().isdisjoint({"template", "messages"})
    return suffix in SUFFIXES - {".json"}


def _parsed(file: Path, data: bytes) -> Any:
    try:
        return strict_json(data)
    except Refused as error:
        raise IntegrityFailure(f"{file}: {error}", AGAIN) from error
