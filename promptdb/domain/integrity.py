"""What can be wrong with recorded data, decided on rows that are handed in: findings are values, with what to do about each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from promptdb.domain.digest import Digest, digest_of
from promptdb.domain.ids import version_id
from promptdb.domain.spec import Asset, PromptSpec
from promptdb.errors import IntegrityFailure

BUNDLE = "bundle"
"""The kind of the blob that each version has once."""


class IntegrityCode(StrEnum):
    """Stable, as `docs/errors.md` lists them."""

    SPEC_DIGEST = "V101"
    SPEC_FORM = "V102"
    VERSION_ID = "V103"
    USER_VERSION = "V104"
    REVISIONS = "V105"
    BLOB_ROWS = "V106"

    ALIAS_TARGET = "V201"
    ALIAS_LOG = "V202"
    ALIAS_GENERATIONS = "V203"

    DANGLING = "V301"
    SENSELESS = "V302"
    SCHEMA = "V303"
    DATABASE = "V304"
    UNREADABLE = "V305"
    NAME = "V306"

    WRONG_STORE = "V401"
    BLOB_MISSING = "V402"
    BLOB_SIZE = "V403"
    BLOB_DIGEST = "V404"
    BLOB_UNREADABLE = "V405"

    PROVENANCE = "V501"

    @property
    def is_about_rows(self) -> bool:
        """Of what the database has; the others are about what it is compared with."""
        return self < IntegrityCode.WRONG_STORE


_RESTORE = "restore the database from a backup: versions and their history are never edited"
REMEDIES = {
    IntegrityCode.SPEC_FORM: "upgrade promptdb if a newer one wrote it, else restore the database from a backup",
    IntegrityCode.ALIAS_TARGET: "restore the database from a backup, or move the alias with 'promptdb promote'",
    IntegrityCode.ALIAS_LOG: "see 'promptdb alias log'; restore the database from a backup, or promote the version meant",
    IntegrityCode.SCHEMA: "see 'promptdb db check'; restore the schema, and look at what was written meanwhile",
    IntegrityCode.DATABASE: "stop writing to it, and restore the database from a backup",
    IntegrityCode.WRONG_STORE: "check the settings of the database and of the blob store",
    IntegrityCode.BLOB_MISSING: "run: promptdb verify --repair",
    IntegrityCode.BLOB_SIZE: "run: promptdb verify --repair",
    IntegrityCode.BLOB_DIGEST: "run: promptdb verify --full --repair",
    IntegrityCode.BLOB_UNREADABLE: "check the permissions and the disk of the blob store",
    IntegrityCode.PROVENANCE: "see 'promptdb log'; was the history of the repository rewritten, or the row edited?",
}
"""Of a code that is not here: restore the database."""

REPAIRABLE = frozenset({IntegrityCode.BLOB_MISSING, IntegrityCode.BLOB_SIZE, IntegrityCode.BLOB_DIGEST})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `subject` is a version, an alias, a table or a blob; `digest` is that of the blob.

    `repairable`: the bytes can be put back by `verify --repair`, if some place still has them.
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
    """With the usual remedy of the code, unless there is a better one; a blob with a remedy of its own is not repairable."""
    usual = REMEDIES.get(code, _RESTORE)
    return Finding(code, subject, message, remedy or usual, digest, code in REPAIRABLE and remedy is None)


@dataclass(frozen=True, slots=True)
class BlobRow:
    """A row that says which blob a version has; `path` is that of an asset, None where the row does not tell."""

    kind: str
    object_key: str
    byte_size: int
    checksum: str
    content_type: str
    path: str | None = None

    @property
    def digest(self) -> Digest:
        return Digest(f"sha256:{self.checksum}")


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version as its row has it: what was edited need not be what its column is for. `prompt` is its name or its id."""

    id: str
    prompt_id: str
    prompt: str
    revision: int
    user_version: str | None
    spec: bytes
    spec_hash: str
    blobs: tuple[BlobRow, ...] = ()

    def __str__(self) -> str:
        return f"{self.prompt} rev:{self.revision}"


def version_findings(row: VersionRow, bundle: tuple[Digest, int]) -> Iterator[Finding]:
    """What is wrong with a version and the rows of its blobs.

    Args:
        row: the version.
        bundle: digest and size of the bundle that its spec and the rows of its assets make.
    """
    actual = digest_of(row.spec)
    if actual != row.spec_hash:
        edited = "spec_hash" if _id_of(row, actual) == row.id else "spec_json"
        message = f"spec_json has the digest {actual}, and spec_hash is {row.spec_hash!r}: {edited} was edited"
        yield finding(IntegrityCode.SPEC_DIGEST, str(row), message)
        return  # nothing else can be said of it
    if _id_of(row, actual) != row.id:
        message = f"its id {row.id} is not that of its prompt, revision and digest: one of them was edited"
        yield finding(IntegrityCode.VERSION_ID, str(row), message)
    try:
        spec = PromptSpec.from_canonical(row.spec)
    except IntegrityFailure as error:
        yield finding(IntegrityCode.SPEC_FORM, str(row), error.message)
        return
    if spec.canonical() != row.spec:
        yield finding(IntegrityCode.SPEC_FORM, str(row), "its spec is not stored in canonical form")
    if spec.metadata.user_version != row.user_version:
        message = f"user_version is {row.user_version!r}, and its spec has {spec.metadata.user_version!r}"
        yield finding(IntegrityCode.USER_VERSION, str(row), message)
    for problem in blob_problems(spec.assets, row.blobs, bundle):
        yield finding(IntegrityCode.BLOB_ROWS, str(row), problem)


def _id_of(row: VersionRow, digest: Digest) -> str | None:
    try:
        return str(version_id(UUID(row.prompt_id), row.revision, digest))
    except ValueError:
        return None


def blob_problems(assets: Sequence[Asset], blobs: Sequence[BlobRow], bundle: tuple[Digest, int]) -> Iterator[str]:
    """What is wrong with the rows of the blobs of a version.

    Args:
        assets: what its spec has.
        blobs: the rows, in their order.
        bundle: as in `version_findings`.
    """
    bundles = [found for found in blobs if found.kind == BUNDLE]
    if len(bundles) != 1:
        yield f"it has {len(bundles)} rows for its bundle instead of one"
    for found in blobs:
        if found.object_key != f"sha256/{found.checksum[:2]}/{found.checksum}":
            yield f"object_key {found.object_key!r} is not that of checksum_sha256 {found.checksum!r} ({found.kind})"
    wanted = [(asset.path, asset.kind, asset.digest) for asset in assets]
    there = [(found.path, found.kind, found.digest) for found in blobs if found.kind != BUNDLE]
    if wanted != there:
        yield f"its spec has the assets {_listed(wanted)}, and the rows have {_listed(there)}"
        return
    digest, size = bundle
    if any(found.digest != digest for found in bundles):
        yield f"its bundle would be {digest}, and the row says {bundles[0].digest}: a row of its blobs was edited"
    elif any(found.byte_size != size for found in bundles):
        yield f"its bundle has {size} bytes, and the row says {bundles[0].byte_size}"


def _listed(assets: Sequence[tuple[str | None, str, Digest]]) -> str:
    return ", ".join(f"{path} ({kind}, {digest[:19]})" for path, kind, digest in assets) or "none"


@dataclass(frozen=True, slots=True)
class RevisionCount:
    """Of one prompt: how many versions it has, how many different revisions, and which is the highest."""

    prompt: str
    versions: int
    revisions: int
    highest: int | None


def revision_finding(row: RevisionCount) -> Finding | None:
    if row.versions and row.versions == row.revisions == row.highest:
        return None
    message = f"it has {row.versions} versions, and its highest revision is {row.highest}: revisions have no gaps"
    if not row.versions:
        message = "it has no version"
    return finding(IntegrityCode.REVISIONS, row.prompt, message)


@dataclass(frozen=True, slots=True)
class AliasEventRow:
    """An entry of the log of an alias. `owners` are the prompts of the versions that it names, which should be its own."""

    generation: int
    from_version: str | None
    to_version: str | None
    owners: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AliasRow:
    """Where an alias points; `owner` is the prompt of that version, None if there is no such version."""

    version: str
    generation: int
    owner: str | None


@dataclass(frozen=True, slots=True)
class AliasHistory:
    """An alias of a prompt as it is, None if there is none now, and its log in the order of the rows."""

    prompt: str
    prompt_id: str
    alias: str
    present: AliasRow | None
    moves: tuple[AliasEventRow, ...]


def alias_findings(history: AliasHistory) -> Iterator[Finding]:
    """Whether the log gives the present alias when it is replayed, without a gap."""
    subject, present = f"{history.prompt}:{history.alias}", history.present
    if present is not None and present.owner != history.prompt_id:
        what = "no version there is" if present.owner is None else "a version of another prompt"
        yield finding(IntegrityCode.ALIAS_TARGET, subject, f"it points at {what} ({present.version})")
    if any(owner != history.prompt_id for move in history.moves for owner in move.owners):
        yield finding(IntegrityCode.ALIAS_LOG, subject, "its log names a version of another prompt")
    generations = [move.generation for move in history.moves]
    if generations != list(range(1, len(generations) + 1)):
        message = f"its log has {len(generations)} moves, numbered {_numbers(generations)}: one was removed or edited"
        yield finding(IntegrityCode.ALIAS_GENERATIONS, subject, message)
        return
    target: str | None = None
    for move in history.moves:
        if move.from_version != target:
            message = f"move {move.generation} of its log leaves from {move.from_version}, where it was at {target}"
            yield finding(IntegrityCode.ALIAS_LOG, subject, message)
            return
        target = move.to_version
    points_at = present.version if present is not None else None
    if points_at != target:
        message = f"it points at {points_at or 'nothing'}, and its log ends at {target or 'nothing'}: it was edited"
        yield finding(IntegrityCode.ALIAS_LOG, subject, message)
    elif present is not None and present.generation != len(generations):
        message = f"its generation is {present.generation}, and its log has {len(generations)} moves"
        yield finding(IntegrityCode.ALIAS_GENERATIONS, subject, message)


def _numbers(generations: Sequence[int]) -> str:
    shown = ", ".join(map(str, generations[:10]))
    return f"{shown}, ..." if len(generations) > 10 else shown
