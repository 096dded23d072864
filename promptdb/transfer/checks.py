"""What each row must be beyond its types, before any of it is written: digests, ids, names, and the spec itself."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import groupby

from promptdb.blobs.bundle import BundledAsset, manifest
from promptdb.blobs.store import object_key
from promptdb.db.bulk import Row
from promptdb.db.runs import APPLIED, SUPERSEDED
from promptdb.domain.digest import Digest, digest_of, parse_digest
from promptdb.domain.identity import PromptId
from promptdb.domain.ids import version_id
from promptdb.domain.integrity import BUNDLE
from promptdb.domain.refs import parse_alias
from promptdb.domain.spec import PromptSpec
from promptdb.errors import IntegrityFailure, InvalidRef
from promptdb.transfer.values import Refused, strict_json

IMPORTED = "imported"
"""The outcome of the run that stands for what came from another registry: it is in no order with the registry's own."""

_OUTCOMES = (APPLIED, SUPERSEDED, IMPORTED)
_PRINTABLE = frozenset(
    {"git_ref", "commit_id", "branch", "blob_id", "action", "kind", "content_type", "storage_backend", "bucket"}
)
"""Columns without control characters, which names of git and of ours never have. Paths and people may be called anything."""

_CONTROL = re.compile("[\0-\x1f\x7f-\x9f]")
_AHEAD = timedelta(days=1)
"""How far a clock may be wrong. When something was committed is for git to say, and not checked."""

_CHANGE = {"kind": str, "name": str, "message": str, "is_breaking": bool}
_Check = Callable[[Row], None]


def check_row(table: str, row: Row) -> None:
    """
    Raises:
        Refused: the row is not what promptdb writes.
    """
    limit = datetime.now(UTC) + _AHEAD
    for name, value in row.items():
        if name in _PRINTABLE and value is not None and _CONTROL.search(value):
            raise Refused(f"{name} has a control character")
        if isinstance(value, datetime) and name != "committed_at" and value > limit:
            raise Refused(f"{name} is in the future: {value:%Y-%m-%d}")
    if table in _CHECKS:
        try:
            _CHECKS[table](row)
        except (InvalidRef, IntegrityFailure) as error:
            raise Refused(error.message) from error


def asset_digest(row: Row) -> Digest:
    return Digest(f"sha256:{row['checksum_sha256']}")


def asset_path(row: Row) -> str:
    """
    Raises:
        Refused: the metadata have none.
    """
    found = strict_json(row["metadata_json"].encode())
    path = found.get("path") if isinstance(found, dict) else None
    if not isinstance(path, str):
        raise Refused("an asset has no path")
    return path


def check_bundle(version: Row, assets: list[Row]) -> None:
    """Whether the asset rows of a version are those of its spec, and its bundle is the one made of both.

    Raises:
        Refused: they are not.
    """
    spec = PromptSpec.from_canonical(version["spec_json"])
    kinds = {is_bundle: list(rows) for is_bundle, rows in groupby(assets, lambda row: row["kind"] == BUNDLE)}
    bundles, others = kinds.get(True, []), kinds.get(False, [])
    bundled = [
        BundledAsset(asset_path(row), row["kind"], asset_digest(row), row["byte_size"], row["content_type"])
        for row in others
    ]
    if [(a.path, a.kind, a.digest) for a in bundled] != [(a.path, a.kind, a.digest) for a in spec.assets]:
        raise Refused("its assets are not those of its spec")
    made = manifest(version["spec_json"].encode(), bundled)
    if [(asset_digest(row), row["byte_size"]) for row in bundles] != [(digest_of(made), len(made))]:
        raise Refused("its bundle has another digest")


def _prompt(row: Row) -> None:
    name = f"{row['namespace']}/{row['name']}"
    if "/" in row["name"] or PromptId.from_segments(name.split("/")) != (row["namespace"], row["name"]):
        raise Refused(f"{name!r} is not a name")


def _version(row: Row) -> None:
    spec_json = row["spec_json"].encode()
    if digest_of(spec_json) != row["spec_hash"]:
        raise Refused("its spec does not have its digest")
    if row["revision"] < 1 or row["id"] != version_id(row["prompt_id"], row["revision"], row["spec_hash"]):
        raise Refused("its id is not that of its prompt, revision and digest")
    spec = PromptSpec.from_canonical(spec_json)
    if spec.canonical() != spec_json:
        raise Refused("its spec is not in canonical form")
    if spec.metadata.user_version != row["user_version"]:
        raise Refused("its user_version is not that of its spec")


def _asset(row: Row) -> None:
    if row["object_key"] != object_key(parse_digest(asset_digest(row))):
        raise Refused("its key is not that of its digest")
    if row["metadata_json"] != json.dumps({} if row["kind"] == BUNDLE else {"path": asset_path(row)}):
        raise Refused("its metadata are not those of an asset")


def _alias(row: Row) -> None:
    parse_alias(row["alias"])


def _event(row: Row) -> None:
    parse_alias(row["alias"])
    changes = strict_json((row["breaking_json"] or "[]").encode())
    if not isinstance(changes, list) or not all(
        isinstance(change, dict) and {name: type(value) for name, value in change.items()} == _CHANGE
        for change in changes
    ):
        raise Refused("breaking_json is not a list of changes")


def _run(row: Row) -> None:
    if row["outcome"] not in _OUTCOMES:
        raise Refused(f"outcome is none of {', '.join(_OUTCOMES)}")
    if not isinstance(strict_json(row["counts_json"].encode()), dict):
        raise Refused("counts_json is not a JSON object")


_CHECKS: dict[str, _Check] = {
    "prompts": _prompt,
    "prompt_redirects": _prompt,
    "prompt_versions": _version,
    "prompt_assets": _asset,
    "prompt_aliases": _alias,
    "alias_events": _event,
    "sync_runs": _run,
}
