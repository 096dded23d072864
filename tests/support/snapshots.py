"""Snapshots made in memory, without a registry."""

from collections.abc import Iterable
from datetime import UTC, datetime
from io import BytesIO
from uuid import UUID

from promptdb.domain.delivery import Generation
from promptdb.domain.digest import digest_of
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.snapshot.reader import Snapshot, bytes_reader
from promptdb.domain.snapshot.records import Pointer, PromptRecord, SnapshotVersion
from promptdb.domain.spec import PromptSpec
from promptdb.domain.version_ids import prompt_id, version_id
from promptdb.domain.views import PromptVersionView
from promptdb.transfer.snapshot import pack_snapshot
from promptdb.transfer.snapshot_keys import Signer

REGISTRY, OTHER = UUID(int=1), UUID(int=2)


def record(name: str, revision: int = 1, text: str | None = None) -> PromptRecord:
    """A prompt with `production` at one revision. Its text is the revision, unless another is given."""
    prompt = PromptId.from_path(name)
    canonical = PromptSpec(kind="string", template=text if text is not None else str(revision)).canonical()
    digest = digest_of(canonical)
    key = version_id(prompt_id(prompt), revision, digest)
    view = PromptVersionView(key, prompt, revision, digest, None, "tests", datetime(2026, 1, 1, tzinfo=UTC))
    version = SnapshotVersion(view, canonical.decode(), None)
    return PromptRecord(prompt, False, {"production": Pointer(revision, revision)}, (version,))


def packed(
    records: Iterable[PromptRecord],
    generation: int = 1,
    registry: UUID = REGISTRY,
    earlier: dict[str, str] | None = None,
    signer: Signer | None = None,
) -> bytes:
    """The bytes of a snapshot."""
    stream = BytesIO()
    names = {PromptId.from_path(old): PromptId.from_path(now) for old, now in (earlier or {}).items()}
    pack_snapshot(stream, Generation(registry, generation), ("production",), None, list(records), names, None, signer)
    return stream.getvalue()


def opened(data: bytes) -> Snapshot:
    return Snapshot(bytes_reader(data), len(data), "test.snapshot")
