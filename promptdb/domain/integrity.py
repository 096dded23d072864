"""Judges recorded rows. Each finding comes with its remedy."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from promptdb.domain.digest import Digest, digest_of
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.spec import Asset, PromptSpec
from promptdb.domain.version_ids import ids_of, is_first_name, version_id
from promptdb.domain.views import AssetView
from promptdb.errors import IntegrityFailure

BUNDLE = "bundle"
"""The kind of the blob that each version has exactly once."""


class IntegrityCode(StrEnum):
    """The stable codes of findings. `docs/errors.md` explains each."""

    VERSION = "V101"
    SPEC_FORM = "V102"
    REVISIONS = "V103"
    PROMPT_NAME = "V104"

    ALIAS_TARGET = "V201"
    ALIAS_LOG = "V202"

    DANGLING = "V301"
    IDENTITY = "V302"
    SCHEMA = "V303"
    DATABASE = "V304"
    UNREADABLE = "V305"

    WRONG_STORE = "V401"
    BLOB_MISSING = "V402"
    BLOB_SIZE = "V403"
    BLOB_DIGEST = "V404"
    BLOB_UNREADABLE = "V405"

    PROVENANCE = "V501"

    @property
    def is_about_rows(self) -> bool:
        """True for codes about the database itself, False for comparisons with blobs and git."""
        return self < IntegrityCode.WRONG_STORE


_RESTORE = "restore the database from a backup: versions and their history are never edited"
REMEDIES = {
    IntegrityCode.SPEC_FORM: "upgrade promptdb if a newer one wrote it, otherwise restore the database from a backup",
    IntegrityCode.ALIAS_TARGET: "restore the database from a backup, or move the alias with 'promptdb promote'",
    IntegrityCode.ALIAS_LOG: "see 'promptdb alias log'; restore the database from a backup, or promote the intended version",
    IntegrityCode.SCHEMA: "see 'promptdb db check'; restore the schema, and look at what was written meanwhile",
    IntegrityCode.DATABASE: "stop writing to it, and restore the database from a backup",
    IntegrityCode.WRONG_STORE: "check the settings of the database and of the blob store",
    IntegrityCode.BLOB_MISSING: "run: promptdb verify --repair",
    IntegrityCode.BLOB_SIZE: "run: promptdb verify --repair",
    IntegrityCode.BLOB_DIGEST: "run: promptdb verify --full --repair",
    IntegrityCode.BLOB_UNREADABLE: "check the permissions and the disk of the blob store",
    IntegrityCode.PROVENANCE: "see 'promptdb log'; was the history of the repository rewritten, or the row edited?",
}
"""The remedies that differ from the usual one, which is a backup."""

REPAIRABLE = frozenset({IntegrityCode.BLOB_MISSING, IntegrityCode.BLOB_SIZE, IntegrityCode.BLOB_DIGEST})


@dataclass(frozen=True, slots=True)
class Finding:
    """One defect. `subject` is a version, an alias, a table or a blob, and `digest` that of the blob.

    `repairable` means that `verify --repair` can restore the bytes if another place still has them.
    """

    code: IntegrityCode
    subject: str
    message: str
    remedy: str
    digest: Digest | None = None
    repairable: bool = False


def finding(
    code: IntegrityCode, subject: str, message: str, *, remedy: str | None = None, digest: Digest | None = None
) -> Finding:
    """Make a finding with the usual remedy of its code, or with a special one, which rules out a repair."""
    usual = REMEDIES.get(code, _RESTORE)
    return Finding(code, subject, message, remedy or usual, digest, code in REPAIRABLE and remedy is None)


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version as its row has it. `prompt` is the name."""

    id: UUID
    prompt_id: UUID
    prompt: str
    revision: int
    user_version: str | None
    spec: bytes
    spec_hash: str
    blobs: tuple[AssetView, ...] = ()

    def __str__(self) -> str:
        return f"{self.prompt} rev:{self.revision}"


def version_finding(row: VersionRow, bundle: tuple[Digest, int], *, with_blobs: bool = True) -> Finding | None:
    """Check a version, and the rows of its blobs if `with_blobs`. `bundle` is the digest and size of the expected bundle."""

    def wrong(message: str, code: IntegrityCode = IntegrityCode.VERSION) -> Finding:
        return finding(code, str(row), message)

    digest = digest_of(row.spec)
    if digest != row.spec_hash:
        return wrong(f"its spec has the digest {digest} instead of {row.spec_hash}")
    if row.id != version_id(row.prompt_id, row.revision, digest):
        return wrong("its id is not that of its prompt, revision and digest")
    try:
        spec = PromptSpec.from_canonical(row.spec)
    except IntegrityFailure as error:
        return wrong(error.message, IntegrityCode.SPEC_FORM)
    if spec.canonical() != row.spec:
        return wrong("its spec is not stored in canonical form", IntegrityCode.SPEC_FORM)
    if spec.metadata.user_version != row.user_version:
        return wrong("its user_version is not that of its spec")
    if with_blobs and not blobs_fit(spec.assets, row.blobs, bundle):
        return wrong("the rows of its blobs do not fit its spec")
    return None


def blobs_fit(assets: Sequence[Asset], blobs: Sequence[AssetView], bundle: tuple[Digest, int]) -> bool:
    """Check that the rows of a version's blobs, in their order, are its bundle and the assets of its spec."""
    # The bundle lists the sizes and content types of the assets.
    wanted = [(asset.kind, asset.path, asset.digest) for asset in assets]
    bundles = [blob for blob in blobs if blob.kind == BUNDLE]
    return (
        [(blob.digest, blob.byte_size, blob.path) for blob in bundles] == [(*bundle, None)]
        and [(blob.kind, blob.path, blob.digest) for blob in blobs if blob.kind != BUNDLE] == wanted
        and all(blob.object_key == f"sha256/{blob.checksum_sha256[:2]}/{blob.checksum_sha256}" for blob in blobs)
    )


@dataclass(frozen=True, slots=True)
class NamedPrompt:
    """A prompt with its present name, and with the earlier names that still lead to it."""

    id: UUID
    name: PromptId
    earlier: tuple[PromptId, ...] = ()


def first_name(prompt: NamedPrompt, everyone: Iterable[NamedPrompt]) -> PromptId | None:
    """Find the name that a prompt was first recorded under, or None if its id is made of no known name.

    The last resort is a name that another prompt of the registry has taken since.
    """
    for name in (prompt.name, *prompt.earlier):
        if is_first_name(name, prompt.id):
            return name
    others = (name for each in everyone for name in (each.name, *each.earlier))
    return next((name for name in others if is_first_name(name, prompt.id)), None)


def name_findings(prompts: Sequence[NamedPrompt]) -> list[Finding]:
    """Check that the id of each prompt is made of its name, or of an earlier one."""
    known = [(prompt, (prompt.name, *prompt.earlier)) for prompt in prompts]
    doubtful = [prompt for prompt, names in known if not any(is_first_name(name, prompt.id) for name in names)]
    # A prompt loses an earlier name to another prompt that takes it.
    taken = {key for _, names in known for name in names for key in ids_of(name)} if doubtful else set()
    message = "its id is not made of its name: namespace or name were edited"
    return [
        finding(IntegrityCode.PROMPT_NAME, str(prompt.name), message) for prompt in doubtful if prompt.id not in taken
    ]


@dataclass(frozen=True, slots=True)
class AliasEventRow:
    """An entry in the log of an alias."""

    generation: int
    from_version: UUID | None
    to_version: UUID | None
    split: str | None = None
    """As it is stored."""


@dataclass(frozen=True, slots=True)
class AliasHistory:
    """An alias of a prompt, and its log in the order of the rows.

    `present` is its version, generation and stored split, or None for a deleted alias. `is_sound`: the version belongs to the
    prompt, and so do the arms of the split.
    """

    prompt: str
    alias: str
    present: tuple[UUID, int, str | None] | None
    is_sound: bool
    moves: tuple[AliasEventRow, ...]

    def __str__(self) -> str:
        return f"{self.prompt}:{self.alias}"


def alias_findings(history: AliasHistory) -> list[Finding]:
    """Check the target of an alias, and that its log leads to it without a gap."""
    found = []
    if not history.is_sound:
        message = "it does not point at versions of its prompt"
        found.append(finding(IntegrityCode.ALIAS_TARGET, str(history), message))
    target: UUID | None = None
    split: str | None = None
    for number, move in enumerate(history.moves, 1):
        if (move.generation, move.from_version) != (number, target):
            message = f"move {number} of its log does not follow from the one before"
            return [*found, finding(IntegrityCode.ALIAS_LOG, str(history), message)]
        target, split = move.to_version, move.split
    end = (target, len(history.moves), split) if target is not None else None
    if history.present != end:
        found.append(finding(IntegrityCode.ALIAS_LOG, str(history), "it is not where its log ends"))
    return found
