"""Files that hold what they held when they were parsed, so that they need not be parsed again.

A file is known by the digest of its bytes, or in git by the id of its blob; so is every other file that it depends on.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import starmap

from promptdb.domain.digest import SCHEME, Digest, digest_of
from promptdb.errors import OutsideRoot
from promptdb.files.cache import read_cache, write_cache
from promptdb.files.scan import Candidate
from promptdb.files.tree import MAX_ASSET_BYTES, MAX_TEXT_BYTES, FileTooLarge, ScannedTree
from promptdb.project.read_file import LoadedFile
from promptdb.streams import stream_digest


class KnownFiles:
    """The cache of a tree, compared with the tree.

    Args:
        tree: the files as they are.
        settings_key: whatever else changes how they are read, such as the text format.
    """

    def __init__(self, tree: ScannedTree, settings_key: str) -> None:
        self._tree = tree
        self._settings_key = f"{settings_key} {SCHEME}"
        self._rows = read_cache(tree.cache_file, self._settings_key) or {}
        self._digests: dict[str, Digest] = {}

    def find(self, candidates: Iterable[Candidate]) -> dict[str, LoadedFile]:
        """Path -> what parsing would give, for each file that is the same in itself and in all it depends on."""
        found = {}
        for candidate in candidates:
            if (row := self._rows.get(candidate.path)) is not None:
                file = LoadedFile.from_row(row)
                if self._is_current(candidate, file):
                    found[candidate.path] = file
        return found

    def save(self, files: Mapping[str, LoadedFile]) -> None:
        """Remember files by their paths, and no others. Problems must be reported each time: such a file is left out."""
        rows = {path: file.row() for path, file in files.items() if file.is_valid and not file.problems}
        if rows != self._rows:
            write_cache(self._tree.cache_file, self._settings_key, rows)

    def discard(self) -> None:
        """Forget everything, since something in it was wrong."""
        with suppress(OSError):
            self._tree.cache_file.unlink()

    def _is_current(self, candidate: Candidate, file: LoadedFile) -> bool:
        if candidate.target is not None and candidate.target not in file.reads:  # the link leads elsewhere
            return False
        try:
            return self._holds(candidate.path, file.key, is_prompt=True) and all(
                starmap(self._holds, file.reads.items())
            )
        except (OSError, FileTooLarge, OutsideRoot):
            return False

    def _holds(self, path: str, key: str, *, is_prompt: bool = False) -> bool:
        if ":" not in key:  # an id of git, and no digest
            return self._tree.blob_id(path) == key
        if path not in self._digests:
            if is_prompt:
                self._digests[path] = digest_of(self._tree.read_scanned(path, MAX_TEXT_BYTES))
            else:
                with self._tree.open(path, MAX_ASSET_BYTES) as stream:
                    self._digests[path] = stream_digest(stream)
        return self._digests[path] == key
