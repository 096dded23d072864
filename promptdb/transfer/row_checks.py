"""Rules for the values of transferred rows, beyond their types: an import refuses what no command writes."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from promptdb.db.inserts import Row
from promptdb.db.runs import APPLIED, SUPERSEDED
from promptdb.domain.integrity import VersionRow
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import parse_alias
from promptdb.domain.splits import stored_split
from promptdb.domain.views import AssetView
from promptdb.errors import IntegrityFailure, InvalidRef
from promptdb.registry.row_findings import version_row_finding
from promptdb.transfer.strict_json import Refused, strict_json

IMPORTED = "imported"
"""The outcome of the run that stands for an import. It has no place in the order of the registry's own runs."""

_OUTCOMES = (APPLIED, SUPERSEDED, IMPORTED)
# Paths and people are not among them: they may have any name.
_PRINTABLE = (
    "git_ref",
    "commit_id",
    "branch",
    "blob_id",
    "action",
    "kind",
    "content_type",
    "storage_backend",
    "bucket",
)
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f]")
_AHEAD = timedelta(days=1)
"""How far a clock may be wrong."""

_CHANGE = {"kind": str, "name": str, "message": str, "is_breaking": bool}


def check_row(table: str, row: Row) -> None:
    """Check the values of a row.

    Raises:
        Refused: promptdb does not write such a row.
    """
    for name in _PRINTABLE:
        if _CONTROL.search(row.get(name) or ""):
            raise Refused(f"{name} has a control character")
    limit = datetime.now(UTC) + _AHEAD
    for name, value in row.items():
        # Git decides when something was committed.
        if isinstance(value, datetime) and name != "committed_at" and value > limit:
            raise Refused(f"{name} is in the future: {value:%Y-%m-%d}")
    try:
        if "alias" in row:
            parse_alias(row["alias"])
        if table in ("prompts", "prompt_redirects"):
            prompt = PromptId.parse(f"{row['namespace']}/{row['name']}")
            if prompt != (row["namespace"], row["name"]):
                raise Refused(f"{row['name']!r} is not a name")
        stored_split(row.get("split_json"))
    except (InvalidRef, IntegrityFailure) as error:
        raise Refused(error.message) from error
    if table == "sync_runs" and row["outcome"] not in _OUTCOMES:
        raise Refused(f"outcome is none of {', '.join(_OUTCOMES)}")
    if table == "alias_events" and row["breaking_json"] is not None:
        changes = strict_json(row["breaking_json"].encode())
        if not isinstance(changes, list) or not all(map(_is_change, changes)):
            raise Refused("breaking_json is not a list of changes")


def check_version(row: Row, blobs: Sequence[AssetView] = ()) -> None:
    """Check the digest and the id of a version and, if they are given, that its blobs fit its spec.

    Raises:
        Refused: the version is not what its spec makes of it.
    """
    key, prompt, spec = row["id"], row["prompt_id"], row["spec_json"].encode()
    version = VersionRow(
        key, prompt, str(prompt), row["revision"], row["user_version"], spec, row["spec_hash"], tuple(blobs)
    )
    if (found := version_row_finding(version, with_blobs=bool(blobs))) is not None:
        raise Refused(found.message)


def _is_change(value: object) -> bool:
    return isinstance(value, dict) and {name: type(field) for name, field in value.items()} == _CHANGE
