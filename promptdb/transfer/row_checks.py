"""Checks rows beyond their types: digests, ids, names, the spec itself, and the assets of a version."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from promptdb.db.checks.audit import Audit
from promptdb.db.inserts import Row
from promptdb.db.runs import APPLIED, SUPERSEDED
from promptdb.domain.digest import Digest, digest_of
from promptdb.domain.integrity import (
    BUNDLE,
    Finding,
    IntegrityCode,
    VersionRow,
    alias_findings,
    finding,
    version_finding,
)
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import parse_alias
from promptdb.domain.views import AssetView
from promptdb.errors import IntegrityFailure, InvalidRef
from promptdb.registry.asset_rows import bundle_of
from promptdb.transfer.strict_json import Refused, strict_json

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


def check_version(version: Row, assets: Sequence[Row] = ()) -> None:
    """
    Args:
        version: its row.
        assets: the rows of its blobs; without them, only the version is checked.

    Raises:
        Refused: they are not what its spec makes of them.
    """
    blobs = tuple(_blob_row(row) for row in assets)
    key, prompt, spec = version["id"], version["prompt_id"], version["spec_json"].encode()
    row = VersionRow(
        key, prompt, str(prompt), version["revision"], version["user_version"], spec, version["spec_hash"], blobs
    )
    if (found := _version_finding(row, with_blobs=bool(assets))) is not None:
        raise Refused(found.message)


def require_sound(connection: sa.Connection, name: str, hint: str) -> None:
    """
    Args:
        connection: a transaction on a registry.
        name: what messages call the registry, or the file that its rows came from.
        hint: the remedy.

    Raises:
        IntegrityFailure: rows of versions, blobs or aliases contradict one another.
    """
    for found in _findings(connection):
        raise IntegrityFailure(f"{name}: {found.subject}: {found.message}", hint)


def _findings(connection: sa.Connection) -> Iterator[Finding]:
    audit = Audit(connection)
    yield from filter(None, map(_version_finding, audit.versions()))
    for prompt in audit.incomplete_prompts():
        yield finding(IntegrityCode.REVISIONS, prompt, "its revisions have a gap, or it has no version")
    for history in audit.alias_histories():
        yield from alias_findings(history)


def _version_finding(row: VersionRow, *, with_blobs: bool = True) -> Finding | None:
    bundle = bundle_of(row.spec, row.blobs)
    return version_finding(row, (digest_of(bundle), len(bundle)), with_blobs=with_blobs)


def _blob_row(row: Row) -> AssetView:
    path = None if row["kind"] == BUNDLE else asset_path(row)
    return AssetView(
        row["kind"], row["object_key"], row["content_type"], row["byte_size"], row["checksum_sha256"], path
    )


def _prompt(row: Row) -> None:
    name = f"{row['namespace']}/{row['name']}"
    if "/" in row["name"] or PromptId.from_segments(name.split("/")) != (row["namespace"], row["name"]):
        raise Refused(f"{name!r} is not a name")


def _asset(row: Row) -> None:
    if row["metadata_json"] != json.dumps({} if row["kind"] == BUNDLE else {"path": asset_path(row)}):
        raise Refused("its metadata are not those of an asset")


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


_CHECKS: dict[str, Callable[[Row], object]] = {
    "prompts": _prompt,
    "prompt_redirects": _prompt,
    "prompt_versions": check_version,
    "prompt_assets": _asset,
    "prompt_aliases": lambda row: parse_alias(row["alias"]),
    "alias_events": _event,
    "sync_runs": _run,
}
