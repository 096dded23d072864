"""Prompts, versions and aliases as the registry reports them: plain values for every interface."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO, Protocol
from uuid import UUID

from promptdb.domain.changes import ContractChange
from promptdb.domain.delivery import Origin
from promptdb.domain.digest import SHORT_DIGEST, Digest
from promptdb.domain.prompt_id import PromptId

if TYPE_CHECKING:
    from promptdb.domain.splits import Split


@dataclass(frozen=True, slots=True)
class PromptVersionView:
    """One immutable version. Times are aware and in UTC.

    If `is_recorded` is False, the version comes from a file in a commit that no sync has recorded. Its revision is 0, and
    its author and time are those of the commit.
    """

    id: UUID
    prompt: PromptId
    revision: int
    spec_hash: Digest
    user_version: str | None
    created_by: str
    created_at: datetime
    is_recorded: bool = True

    def __str__(self) -> str:
        return f"{self.prompt}:rev:{self.revision}" if self.is_recorded else f"{self.prompt}:{self.spec_hash}"

    def __repr__(self) -> str:
        return f"PromptVersionView({str(self)!r}, {self.spec_hash[:SHORT_DIGEST]})"


@dataclass(frozen=True, slots=True)
class AssetView:
    """A blob of a version. `object_key` is its key in the store. The bundle has no `path`."""

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
    """Access to the assets of one version. Both methods raise `StorageError` if the store cannot be read."""

    def list(self) -> Sequence[AssetView]:
        """List the assets in the order of the spec."""
        ...

    def open(self, digest: Digest) -> BinaryIO:
        """Open a stream of the bytes of an asset.

        Raises:
            IntegrityFailure: by the stream, instead of its end: the bytes do not have the digest.
        """
        ...


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A version with its stored spec (canonical JSON). `archived` is the state of its prompt.

    `alias` is the alias in the reference, and `commit_id` the first commit with this version. `assets` reads its files. It is
    None if they cannot be read. `origin` is set by a chain of sources. With a `split` of the alias, this version is the
    control, and `arms` has the other versions.
    """

    view: PromptVersionView
    spec_json: str
    archived: bool = False
    alias: str | None = None
    commit_id: str | None = None
    assets: AssetReader | None = field(default=None, repr=False, compare=False)
    origin: Origin | None = field(default=None, repr=False, compare=False)
    split: "Split | None" = None
    arms: "tuple[StoredVersion, ...]" = field(default=(), repr=False, compare=False)

    def arm(self, revision: int) -> "StoredVersion":
        """Take the version of an arm. This one is the control."""
        return next((arm for arm in self.arms if arm.view.revision == revision), self)

    def for_key(self, key: str | None) -> "StoredVersion":
        """Take the version that a key gets; without a key or a split, this one."""
        if key is None or self.split is None:
            return self
        return self.arm(self.split.arm_of(self.view.prompt, key))


@dataclass(frozen=True, slots=True)
class PromptSummary:
    """One line of `list`: a prompt, its highest revision, and the revision of each of its aliases."""

    prompt: PromptId
    version_id: UUID
    revision: int
    spec_hash: Digest
    updated_at: datetime
    archived: bool = False
    aliases: dict[str, int] = field(default_factory=dict)
    splits: "dict[str, Split]" = field(default_factory=dict)
    """The traffic splits of its aliases. An alias without one is not a key."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """The origin of a version when it was synced. Without git, everything but `path` is None.

    A dirty file has no `blob_id`, because its content is in no commit. Its `commit_id` is the commit it was edited on.
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
    """`created` is False if the newest version already had this content. `revived`: the prompt was archived before."""

    version: PromptVersionView
    created: bool
    revived: bool = False


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A version with its origin and the aliases that point at it."""

    version: PromptVersionView
    source: Provenance | None
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AliasView:
    """The target of an alias. `generation` grows with each move. `held`: it was moved by hand, and syncs leave it there."""

    prompt: PromptId
    alias: str
    revision: int
    version_id: UUID
    generation: int
    updated_at: datetime
    held: bool = False
    split: "Split | None" = None


@dataclass(frozen=True, slots=True)
class BlameEntry:
    """The version that an alias pointed at, and the move that had brought it there.

    `commit_id` is the first known commit with that version. `run_id` is the sync that moved the alias, if one did.
    """

    prompt: PromptId
    alias: str
    version_id: UUID
    revision: int
    spec_hash: Digest
    commit_id: str | None
    action: str
    actor: str
    reason: str | None
    moved_at: datetime
    run_id: int | None
    split: "Split | None" = None


@dataclass(frozen=True, slots=True)
class AliasEventView:
    """One move in the log of an alias. `breaking` lists the breaking changes that were allowed."""

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
    """The sync that moved the alias. None for a move by hand."""

    split: "Split | None" = None
    """The split of the alias after the move."""
