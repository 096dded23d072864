"""Reads prompts from a snapshot, without the registry."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from io import RawIOBase
from pathlib import Path
from threading import Lock
from time import monotonic, sleep
from typing import TYPE_CHECKING, BinaryIO

from promptdb.client.source import one_by_one
from promptdb.domain.delivery import Changes, Generation
from promptdb.domain.digest import Digest
from promptdb.domain.nearest import close_matches
from promptdb.domain.refs import LATEST, ByCommit, ByDigest, ByLabel, ByRevision, ByVersionId, Latest, PromptRef
from promptdb.domain.snapshot.head import require_successor
from promptdb.domain.snapshot.reader import Snapshot
from promptdb.domain.snapshot.records import PromptRecord, SnapshotAsset, SnapshotVersion
from promptdb.domain.views import AssetView, PromptVersionView, StoredVersion
from promptdb.errors import ConfigError, IntegrityFailure, PromptDBError, PromptNotFound, StorageError, VersionNotFound
from promptdb.settings import AppSettings, load_settings
from promptdb.streams import checked
from promptdb.transfer.snapshot_place import Mark, SnapshotPlace, snapshot_place

if TYPE_CHECKING:
    from promptdb.transfer.snapshot_keys import PublicKey

LOOK = 0.2
"""Seconds between two looks at the file."""

_SHORTEST_COMMIT = 7


class SnapshotSource:
    """A snapshot in a file, on a web server or in S3. A newer one takes its place while the application runs.

    All its bytes are checked before. If it is damaged, of another registry or older, lookups go on with the
    one that there is.

    Args:
        settings: name the snapshot; by default those of the current folder.

    Raises:
        ConfigError: a setting is missing or wrong.
    """

    name = "snapshot"
    is_at_hand = True

    def __init__(self, settings: AppSettings | None = None) -> None:
        settings = settings or load_settings()
        if settings.snapshot is None:
            raise ConfigError("the source is a snapshot, but none is named", "set PROMPTDB_SNAPSHOT")
        self._place: SnapshotPlace = snapshot_place(settings.snapshot.get_secret_value(), settings)
        key = settings.snapshot_key
        self._key = _public_key(settings.base / key) if key is not None else None
        self._current: Snapshot | None = None
        self._mark: Mark | None = None
        self._refusal: PromptDBError | None = None
        self._lock = Lock()

    def find(self, ref: PromptRef) -> StoredVersion:
        """Find a version.

        Raises:
            PromptNotFound: the snapshot does not have this prompt.
            VersionNotFound: it does not have this version.
            IntegrityFailure: the version is damaged.
            ConfigError, StorageError: there is no snapshot that can be read.
        """
        snapshot = self._opened()
        record = snapshot.find(ref.prompt)
        if record is None:
            raise _no_prompt(snapshot, ref)
        found = _version(record, ref)
        if found is None:
            raise _no_version(snapshot, record, ref)
        return _stored(snapshot, record, found, ref.selector.label if isinstance(ref.selector, ByLabel) else None)

    def find_many(self, refs: Sequence[PromptRef]) -> list[StoredVersion | PromptDBError]:
        return one_by_one(self.find, refs)

    def find_all(self, alias: str, namespace: str | None) -> list[StoredVersion]:
        snapshot = self._opened()
        return [
            _stored(snapshot, record, found, None if alias == LATEST else alias)
            for record in snapshot.prompts()
            if namespace is None or f"{record.prompt.namespace}/".startswith(f"{namespace}/")
            if (found := record.pointed(alias)) is not None
        ]

    def changes(self, since: Generation | None) -> Changes:
        """Look for a newer snapshot, and take it.

        Raises:
            IntegrityFailure, ConfigError: it is refused. Lookups go on with the one before.
            StorageError: the place cannot be reached, or has no snapshot.
        """
        with self._lock:
            before = self._current
            now = self._updated()
        return Changes(now.head.state, frozenset() if now is before and now.head.state == since else None)

    def wait(self, since: Generation | None, seconds: float, stopped: Callable[[], bool]) -> None:  # noqa: ARG002
        deadline = monotonic() + seconds
        while not stopped() and (left := deadline - monotonic()) > 0:
            if self._place.has_changed(self._mark):
                return
            sleep(min(LOOK, left))

    def list_versions(self, prompt: str, limit: int | None = None) -> list[PromptVersionView]:
        """List the versions that are in the snapshot. Errors as in `find`."""
        ref, snapshot = PromptRef.parse(prompt), self._opened()
        record = snapshot.find(ref.prompt)
        if record is None:
            raise _no_prompt(snapshot, ref)
        return [version.view for version in record.versions][:limit]

    def after_fork(self) -> None:
        self._lock = Lock()
        self._place.after_fork()

    def close(self) -> None:
        self._place.close()

    def _opened(self) -> Snapshot:
        if self._current is not None:
            return self._current
        with self._lock:
            return self._current or self._updated()

    def _updated(self) -> Snapshot:
        """Take the snapshot that is there now, unless it is the same."""
        fetched = self._place.fetch(self._mark)
        if fetched is None:
            if self._refusal is not None or self._current is None:
                refusal = self._refusal or StorageError(f"{self._place.name} gave no snapshot")
                raise type(refusal)(refusal.message, refusal.hint)
            return self._current
        try:
            self._current = self._checked(fetched.open())
        except (IntegrityFailure, ConfigError) as error:
            # At a start, the setting names something that cannot be used.
            kind = type(error) if self._current is not None else ConfigError
            # One that is never raised: a traceback would keep the file open.
            self._mark, self._refusal = fetched.mark, kind(error.message, error.hint)
            raise kind(error.message, error.hint) from error
        self._mark, self._refusal = fetched.mark, None
        return self._current

    def _checked(self, new: Snapshot) -> Snapshot:
        if self._key is not None:
            self._key.require_signature(new)
        return _successor(new, self._current)


def _public_key(file: Path) -> "PublicKey":
    # Only signatures need it.
    from promptdb.transfer.snapshot_keys import PublicKey

    return PublicKey.of(file)


def _successor(new: Snapshot, old: Snapshot | None) -> Snapshot:
    """Return the snapshot to use from now on. Raise IntegrityFailure if the new one may not take the place of the old one."""
    if old is None:
        # Checked where it is read, so that an application starts within a millisecond.
        return new
    require_successor(new.head, old.head, new.name)
    if new.head == old.head:
        return old
    new.verify_bytes()
    return new


# Lookups


def _version(record: PromptRecord, ref: PromptRef) -> SnapshotVersion | None:
    def first(fits: Callable[[SnapshotVersion], bool]) -> SnapshotVersion | None:
        return next(filter(fits, record.versions), None)

    match ref.selector:
        case Latest():
            return record.pointed(LATEST)
        case ByLabel(label):
            return record.pointed(label) or first(lambda version: version.view.user_version == label)
        case ByRevision(revision):
            return first(lambda version: version.view.revision == revision)
        case ByVersionId(key):
            return first(lambda version: version.view.id == key)
        case ByDigest(prefix):
            return first(lambda version: version.view.spec_hash.startswith(f"sha256:{prefix}"))
        case ByCommit(name) if len(name) >= _SHORTEST_COMMIT:
            return first(lambda version: (version.commit_id or "").startswith(name.lower()))
        case _:
            return None


def _stored(snapshot: Snapshot, record: PromptRecord, found: SnapshotVersion, label: str | None) -> StoredVersion:
    alias = label if label in record.aliases else None
    split = record.aliases[alias].split if alias is not None else None
    others = split.revisions[1:] if split is not None else ()
    arms = [version for revision in others for version in record.versions if version.view.revision == revision]
    control, *rest = (
        StoredVersion(
            *(each.view, each.spec_json, record.archived, alias, each.commit_id, _Assets(snapshot, each.assets))
        )
        for each in (found, *arms)
    )
    return replace(control, split=split, arms=tuple(rest)) if split is not None else control


def _no_version(snapshot: Snapshot, record: PromptRecord, ref: PromptRef) -> VersionNotFound:
    selector = ref.text.partition(":")[2] or LATEST
    aliases = ", ".join(
        f"{alias} -> {to.split or f'rev:{to.revision}'}" for alias, to in sorted(record.aliases.items())
    )
    return VersionNotFound(f"{snapshot.name} has no version {selector!r} of {record.prompt}", f"it has {aliases}")


def _no_prompt(snapshot: Snapshot, ref: PromptRef) -> PromptNotFound:
    # Only neighbours: to compare with all names would take longer than a fallback can wait.
    near = close_matches(str(ref.prompt), snapshot.names_near(ref.prompt), 3, 0.7)
    hint = f"did you mean {' or '.join(near)}?" if near else "'promptdb snapshot verify' shows which prompts are inside"
    return PromptNotFound(f"{snapshot.name} has no prompt {ref.prompt}", hint)


# Assets


@dataclass(frozen=True)
class _Assets:
    snapshot: Snapshot
    files: tuple[SnapshotAsset, ...]

    def list(self) -> Sequence[AssetView]:
        return [asset.view for asset in self.files]

    def open(self, digest: Digest) -> BinaryIO:
        found = next((asset for asset in self.files if asset.view.digest == digest), None)
        if found is None or found.at is None:
            message = f"{self.snapshot.name} does not have the bytes of {digest}"
            raise StorageError(message, "make it with 'promptdb snapshot --with-assets'")
        changed = IntegrityFailure(f"{self.snapshot.name}: the bytes of {digest} do not have their digest")
        return checked(_AssetBytes(self.snapshot, found.at, found.view.byte_size), digest, lambda: changed)


class _AssetBytes(RawIOBase):
    def __init__(self, snapshot: Snapshot, at: int, size: int) -> None:
        self._snapshot, self._at, self._size, self._position = snapshot, at, size, 0

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # as `checked` calls it
        end = min(self._size, self._position + len(buffer))
        data = self._snapshot.asset_bytes(self._at, self._position, end)
        buffer[: len(data)] = data
        self._position = end
        return len(data)
