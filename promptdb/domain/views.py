"""What the registry tells about prompts, versions, aliases and runs: plain values, for every door the same."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Protocol
from uuid import UUID

from promptdb.domain.changes import ContractChange
from promptdb.domain.digest import Digest
from promptdb.domain.identity import PromptId


@dataclass(frozen=True, slots=True)
class PromptVersionView:
    """One immutable version. Times are aware and in UTC.

    With `is_recorded` False it is what a file held in a commit that no sync has recorded: the revision is 0, and author and
    time are those of the commit.
    """

    id: UUID
    prompt: PromptId
    revision: int
    spec_hash: Digest
    user_version: str | None
    created_by: str
    created_at: datetime
    is_recorded: bool = True


@dataclass(frozen=True, slots=True)
class AssetView:
    """A blob of a version. `object_key` finds it in the store; the bundle has no `path`."""

    kind: str
    object_key: str
    content_type: str
    byte_size: int
    checksum_sha256: str
    path: str | None = None

    @property
    def digest(self) -> Digest:
        return Digest(f"sha256:{self.checksum_sha256}")


class AssetReader(Protocol):
    """Where the assets of one version are. Both methods raise `StorageError` where that cannot be read."""

    def list(self) -> Sequence[AssetView]:
        """The assets, in the order of the spec."""
        ...

    def open(self, digest: Digest) -> BinaryIO:
        """A stream of the bytes of one, which checks them: its end is reached only if they have the digest.

        Raises:
            IntegrityFailure: by the stream, in place of its end: they do not.
        """
        ...


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A version with its spec as stored (canonical JSON), and whether its prompt is archived.

    `alias` is the one that a reference named, `commit_id` the first commit that had the version. `assets` reads its files;
    None where nobody can.
    """

    view: PromptVersionView
    spec_json: str
    archived: bool = False
    alias: str | None = None
    commit_id: str | None = None
    assets: AssetReader | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class PromptSummary:
    """One line of `list`: the prompt, its highest revision, and its aliases with the revision each points at."""

    prompt: PromptId
    version_id: UUID
    revision: int
    spec_hash: Digest
    updated_at: datetime
    archived: bool = False
    aliases: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the file of a version was when it was synced. All but `path` is None without git, and `blob_id` too when the
    file was dirty: such content is in no commit, and `commit_id` is the one it was edited on.
    """

    path: str
    commit_id: str | None = None
    branch: str | None = None
    author: str | None = None
    committed_at: datetime | None = None
    blob_id: str | None = None
    is_dirty: bool = False


@dataclass(frozen=True, slots=True)
class Registered:
    """`created` is False where the newest version had this content already. `revived`: the prompt was archived."""

    version: PromptVersionView
    created: bool
    revived: bool = False


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A version with where it came from and the aliases that point at it."""

    version: PromptVersionView
    source: Provenance | None
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AliasView:
    """Where an alias points. `generation` grows with each move."""

    prompt: PromptId
    alias: str
    revision: int
    version_id: UUID
    generation: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class AliasEventView:
    """One move of an alias, in the order in which they happened; `breaking` is what it was allowed to break."""

    prompt: PromptId
    alias: str
    action: str
    from_revision: int | None
    to_revision: int | None
    actor: str
    reason: str | None
    created_at: datetime
    breaking: tuple[ContractChange, ...] = ()
    run_id: int | None = None
    """The sync that moved it; None where it was moved by hand."""
