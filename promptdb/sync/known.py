"""Which files of a tree are as they were when they were parsed, so that nobody has to parse them again."""

from collections.abc import Iterable, Mapping

from promptdb.blobs.checked import stream_digest
from promptdb.domain.digest import Digest
from promptdb.errors import OutsideRoot
from promptdb.files.cache import FileCache, KnownFile, SeenFile
from promptdb.files.scan import Candidate
from promptdb.files.stamps import Lasting, Stamp
from promptdb.files.tree import MAX_ASSET_BYTES, MAX_TEXT_BYTES, FileTooLarge, ScannedTree
from promptdb.sync.load import LoadedFile


class KnownFiles:
    """The cache of a tree, compared with the tree. Files that other prompts share are looked at once.

    Args:
        tree: the files as they are.
        settings_key: whatever changes how they are read.
    """

    def __init__(self, tree: ScannedTree, settings_key: str) -> None:
        self.cache = FileCache(tree.cache_file, settings_key)
        self._tree = tree
        self._lasting: Lasting | None = None
        self._others: dict[str, SeenFile | None] = {}

    def find(self, candidates: Iterable[Candidate]) -> dict[str, LoadedFile]:
        """Path -> what parsing would give, of those whose bytes, and those of all they depend on, are the same.

        Whatever is read after this call is read after the clock was asked.
        """
        found = {}
        for candidate in candidates:
            path = candidate.path
            if (file := self._find(path)) is not None:
                found[path] = file
            elif self._lasting is None:
                self._lasting = self._tree.lasting()
        return found

    def save(self, files: Mapping[str, LoadedFile]) -> None:
        """Remember all files as they were found or parsed, but for those with problems, which have to be told each time.

        Args:
            files: by their paths.
        """
        if self._lasting is None and len(files) == len(self.cache):
            return  # all are known, and nothing had to be read
        for path, file in files.items():
            if file.known is not None and not file.problems:
                self._keep(path, file.known, file.stamps)
        self.cache.save()

    def _keep(self, path: str, known: KnownFile, stamps: Mapping[str, Stamp | None]) -> None:
        self.cache.keep(path, self._if_lasting(stamps[path]), known)
        for other, digest in known.reads.items():
            seen = self._others.get(other)
            if seen is None or seen.digest != digest:
                seen = SeenFile(stamps.get(other), digest)
            self.cache.keep_other(other, SeenFile(self._if_lasting(seen.stamp), seen.digest))

    def _find(self, path: str) -> LoadedFile | None:
        """The stamp decides; where it is another one, the digest of the bytes."""
        entry = self.cache.file(path)
        if entry is None:
            return None
        stamp, known = entry
        now = self._tree.stamp(path, scanned=True)
        if stamp is None or stamp != now:
            if self._tree.stamps_tell_content and stamp is not None and now is not None:
                return None
            found = self._read(path, MAX_TEXT_BYTES, scanned=True)
            if found is None or found.digest != known.file:
                return None
            stamp = found.stamp
        if known.reads and not all(self._has(other, digest) for other, digest in known.reads.items()):
            return None
        return LoadedFile(known=known, stamps={path: stamp})

    def _has(self, path: str, digest: Digest) -> bool:
        if path not in self._others:
            self._others[path] = self._other(path)
        seen = self._others[path]
        return seen is not None and seen.digest == digest

    def _other(self, path: str) -> SeenFile | None:
        before, now = self.cache.other(path), self._tree.stamp(path)
        if before is not None and before.stamp is not None and now is not None:
            if before.stamp == now:
                return before
            if self._tree.stamps_tell_content:
                return None
        return self._read(path, MAX_ASSET_BYTES)

    def _read(self, path: str, limit: int, *, scanned: bool = False) -> SeenFile | None:
        if self._lasting is None:
            self._lasting = self._tree.lasting()
        try:
            stream, stamp = self._tree.open_stamped(path, limit, scanned=scanned)
            with stream:
                return SeenFile(stamp, stream_digest(stream))
        except (OSError, FileTooLarge, OutsideRoot):
            return None

    def _if_lasting(self, stamp: Stamp | None) -> Stamp | None:
        """A stamp that was known before, when nothing had to be read, lasts."""
        if stamp is None or self._lasting is None or self._lasting(stamp):
            return stamp
        return None
