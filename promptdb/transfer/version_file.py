"""Writes and reads one version as a JSON document (`.bundle.json`), alone or in a zip with its assets."""

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
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.suffixes import SUFFIXES, file_suffix
from promptdb.domain.version_ids import is_first_name
from promptdb.domain.views import AssetView
from promptdb.errors import ConfigError, IntegrityFailure, StorageError
from promptdb.transfer.row_checks import IMPORTED, check_version
from promptdb.transfer.rows_as_json import decoded, encoded, plain
from promptdb.transfer.strict_json import AGAIN, VERIFY, Refused, require_fields, require_format, strict_json
from promptdb.transfer.zip_members import MAX_LINE, VERSION_MEMBER, Zipped, new_member, opened, restated, write_blob

FORMAT = "promptdb-version"
VERSION = 1
"""The version of the file format, as in `registry_file`."""

PROVENANCE = ("path", "commit_id", "branch", "author", "committed_at", "blob_id", "is_dirty")
_OF_BLOB = ("kind", "object_key", "content_type", "byte_size", "checksum_sha256")
_OF_VERSION = ("id", "revision", "user_version", "created_by", "created_at")
_FIELDS = {"prompt", "digest", "bundle", "manifest", "provenance", *_OF_VERSION}
_RUN = {"id": 1, "root": "", "git_ref": None, "commit_id": None, "is_dirty": False, "outcome": IMPORTED}
"""The run of its provenance, in place of the run that will import the file."""

_Open = Callable[[AssetView], BinaryIO]


class VersionFile:
    """One version in a document. `archive` is the zip around it, with exactly its assets."""

    is_whole = False

    def __init__(
        self, name: str, document: Any, open_asset: _Open, remedy: str = AGAIN, archive: Zipped | None = None
    ) -> None:
        self.name = name
        self._open_asset, self._remedy, self._archive = open_asset, remedy, archive
        try:
            require_format(document, FORMAT, VERSION, _FIELDS)
            self._rows = {key: [decoded(key, encoded(row)) for row in rows] for key, rows in _rows(document)}
            self._blobs = [
                AssetView(**{name: row[name] for name in _OF_BLOB}, path=json.loads(row["metadata_json"]).get("path"))
                for row in self._rows["prompt_assets"]
            ]
            self._manifest = canonical_json(document["manifest"])
            self._first_name = PromptId(**_named(document["prompt"]["first_name"]))
            if digest_of(self._manifest) != document["bundle"]:
                raise Refused("the manifest does not have the digest of the bundle")
        except Refused as error:
            raise self._damaged(error) from error
        except ValueError as error:  # a lone surrogate, or a number that is too large
            raise self._damaged(Refused(f"it has values that JSON cannot hold: {error}")) from error

    def inspect(self) -> None:
        try:
            check_version(self._rows["prompt_versions"][0], self._blobs)
            if not is_first_name(self._first_name, self._rows["prompts"][0]["id"]):
                raise Refused("the id of its prompt is not made of first_name")
        except Refused as error:
            raise self._damaged(error) from error
        if self._archive is not None:
            self._archive.check_blobs({(blob.digest, blob.size) for blob in self.assets()})

    def rows(self, name: str) -> Iterator[Row]:
        return iter(self._rows.get(name, []))

    def blobs(self) -> Iterator[Blob]:
        yield Blob.of(self._manifest)
        yield from self.assets()

    def assets(self) -> list[Blob]:
        """Return the blobs of the assets, each once."""
        views = {view.digest: view for view in self._blobs if view.kind != BUNDLE}
        return [Blob(digest, view.byte_size, partial(self._open_asset, view)) for digest, view in views.items()]

    def _damaged(self, error: Refused) -> IntegrityFailure:
        return IntegrityFailure(f"{self.name}: {error}", error.hint or self._remedy)


def write_version(document: Mapping[str, Any], store: BlobStore, stream: BinaryIO, *, zipped: bool) -> None:
    """Check and write a document. A zip has each asset under its key. The manifest in the document is the bundle.

    Raises:
        StorageError, IntegrityFailure: the document is wrong, or an asset is missing or damaged.
    """
    name = f"{document['prompt']['name']} revision {document['revision']}"
    source = VersionFile(name, document, lambda view: store.open(view.digest), VERIFY)
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
    """Read a document without assets, which the store must have.

    Raises:
        StorageError, IntegrityFailure: the file cannot be read, or is not such a file.
        ConfigError: the file is a prompt file.
    """
    with restated(file), file.open("rb") as stream:
        data = stream.read(MAX_LINE + 1)
    if len(data) > MAX_LINE:
        raise IntegrityFailure(f"{file} is larger than {MAX_LINE // 2**20} MiB", AGAIN)

    def absent(view: AssetView) -> BinaryIO:
        message = f"{file} has no assets, and the store does not have {view.path!r} ({view.digest})"
        raise StorageError(message, "export the version with them: promptdb export REF FILE.zip")

    yield VersionFile(str(file), _parsed(file, data), absent)


@contextmanager
def version_zip(file: Path) -> Iterator[VersionFile]:
    """Read a document and its assets. Errors as in `version_file`."""
    with opened(file, frozenset({VERSION_MEMBER})) as archive:
        document = _parsed(file, archive.read(VERSION_MEMBER))
        yield VersionFile(str(file), document, lambda view: archive.blob(view.digest).open(), AGAIN, archive)


def _rows(document: Mapping[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the rows of each table that a document stands for, as JSON."""
    prompt, manifest = document["prompt"], document["manifest"]
    require_fields(prompt, {"id", "name", "first_name", "created_at"}, "prompt")
    require_fields(manifest, {"assets", "scheme", "spec"}, "manifest")
    key, time, by = document["id"], document["created_at"], document["created_by"]
    created = {"created_at": prompt["created_at"]}
    yield "prompts", [{"id": prompt["id"], **_named(prompt["name"]), **created, "archived_at": None}]
    first = (
        [] if prompt["first_name"] == prompt["name"] else [{**_named(prompt["first_name"]), "prompt_id": prompt["id"]}]
    )
    yield "prompt_redirects", [{**row, **created} for row in first]
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


def _named(name: Any) -> dict[str, str]:
    namespace, _, last = str(name).rpartition("/")
    return {"namespace": namespace, "name": last}


def _objects(place: str, values: Any, fields: set[str]) -> list[dict[str, Any]]:
    if not isinstance(values, list):
        raise Refused(f"{place}: not a list")
    for number, value in enumerate(values):
        require_fields(value, fields, f"{place}.{number}")
    return values


def _parsed(file: Path, data: bytes) -> Any:
    found, damage, suffix = None, None, file_suffix(file.name)
    try:
        found = strict_json(data)
    except Refused as error:
        damage = IntegrityFailure(f"{file}: {error}", AGAIN)
    # JSON may be a prompt or a version, and a version may be in a file of any name.
    is_prompt = (
        "format" not in found and {"template", "messages"} & found.keys()
        if isinstance(found, dict)
        else suffix != ".json"
    )
    if suffix in SUFFIXES and is_prompt:
        message = f"{file} is a prompt file, which import does not read"
        raise ConfigError(message, f"put it into the prompts root and sync, or run: promptdb register-file {file}")
    if damage is not None:
        raise damage
    return found
