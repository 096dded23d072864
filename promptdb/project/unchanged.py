"""Finds files that have not changed since they were parsed, so that they need not be parsed again.

A key identifies the bytes of a file, and of every file that it depends on: a digest, or in git the id of the blob.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import starmap

from promptdb.domain.digest import SCHEME, Digest, digest_of
from promptdb.errors import NotInRoots, OutsideRoot
from promptdb.files.cache import read_cache, write_cache
from promptdb.files.scan import Candidate
from promptdb.files.tree import ABSENT, MAX_ASSET_BYTES, MAX_TEXT_BYTES, FileTooLarge, ScannedTree
from promptdb.project.read_file import LoadedFile
from promptdb.streams import stream_digest


class KnownFiles:
    """The cache of a tree, compared with its files.

    `settings_key` names everything else that changes the result of parsing, such as the text format.
    """

    def __init__(self, tree: ScannedTree, settings_key: str) -> None:
        self._tree = tree
        self._settings_key = f"{settings_key} {SCHEME}"
        self._rows = read_cache(tree.cache_file, self._settings_key) or {}
        self._digests: dict[str, Digest] = {}

    def find(self, candidates: Iterable[Candidate]) -> dict[str, LoadedFile]:
        """Find the files that have not changed, and whose dependencies have not changed, by their paths."""
        rows = self._rows
        known = ((c, LoadedFile.from_row(rows[key])) for c in candidates if (key := c.key) in rows)
        return {candidate.path: file for candidate, file in known if self._is_current(candidate, file)}

    def save(self, files: Mapping[str, LoadedFile]) -> None:
        """Replace the cache by these files, by the keys of their candidates. Omits files with problems, which appear again."""
        rows = {key: file.row() for key, file in files.items() if file.is_valid and not file.problems}
        if rows != self._rows:
            write_cache(self._tree.cache_file, self._settings_key, rows)

    def discard(self) -> None:
        """Delete the cache, because an entry was wrong."""
        with suppress(OSError):
            self._tree.cache_file.unlink()

    def _is_current(self, candidate: Candidate, file: LoadedFile) -> bool:
        # A link may lead to another file now.
        if candidate.target is not None and candidate.target not in file.reads:
            return False
        if any(target not in file.reads for _, target in candidate.links):
            return False
        try:
            return self._holds(candidate.path, file.key, is_prompt=True) and all(
                starmap(self._holds, file.reads.items())
            )
        except (OSError, FileTooLarge, OutsideRoot):
            return False

    def _holds(self, path: str, key: str, *, is_prompt: bool = False) -> bool:
        if key == ABSENT:
            return self._is_absent(path)
        # Digests name their algorithm; ids of git do not.
        if ":" not in key:
            return self._tree.blob_id(path) == key
        if path not in self._digests:
            if is_prompt:
                self._digests[path] = digest_of(self._tree.read_scanned(path, MAX_TEXT_BYTES))
            else:
                with self._tree.open(path, MAX_ASSET_BYTES) as stream:
                    self._digests[path] = stream_digest(stream)
        return self._digests[path] == key

    def _is_absent(self, path: str) -> bool:
        try:
            self._tree.open(path, MAX_TEXT_BYTES).close()
        except (FileNotFoundError, NotADirectoryError, NotInRoots):
            return True
        return False
