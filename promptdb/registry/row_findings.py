"""Checks recorded versions and aliases, for `verify` and before rows are exported, copied or imported."""

from collections.abc import Iterator
from itertools import chain

import sqlalchemy as sa

from promptdb.db.checks.audit import Audit
from promptdb.domain.digest import digest_of
from promptdb.domain.integrity import (
    Finding,
    IntegrityCode,
    VersionRow,
    alias_findings,
    finding,
    name_findings,
    version_finding,
)
from promptdb.errors import IntegrityFailure
from promptdb.registry.asset_rows import bundle_of


def version_row_finding(row: VersionRow, *, with_blobs: bool = True) -> Finding | None:
    """Check a version against its digest and, if `with_blobs`, the rows of its blobs against its spec."""
    bundle = bundle_of(row.spec, row.blobs)
    return version_finding(row, (digest_of(bundle), len(bundle)), with_blobs=with_blobs)


def history_findings(audit: Audit) -> Iterator[Finding]:
    """Check names and ids, that no revision is missing, and that the log of each alias leads to its version."""
    yield from name_findings(audit.names())
    for prompt in audit.incomplete_prompts():
        yield finding(IntegrityCode.REVISIONS, prompt, "its revisions have a gap, or it has no version")
    for history in audit.alias_histories():
        yield from alias_findings(history)


def require_sound(connection: sa.Connection, name: str, hint: str) -> None:
    """Check all versions, blobs and aliases by their rows. `name` is what messages call the registry.

    Raises:
        IntegrityFailure: rows contradict a digest or one another.
    """
    audit = Audit(connection)
    for found in chain(filter(None, map(version_row_finding, audit.versions())), history_findings(audit)):
        raise IntegrityFailure(f"{name}: {found.subject}: {found.message}", hint)
