"""Digests of prompt files that were parsed before, so that an unchanged tree is not parsed again.

A file is known by the digest of its bytes, and so is every other file that went into its spec: times and sizes, which tools
restore and which are too coarse, decide nothing. A lost or broken cache costs time only.
"""

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from platformdirs import user_cache_path

from promptdb.domain.digest import SCHEME, Digest, digest_of

_FORMAT = 1


@dataclass(frozen=True)
class KnownFile:
    """What parsing a file without problems gave. `reads` are the other files it depended on."""

    file: Digest
    spec: Digest
    user_version: str | None = None
    renamed_from: tuple[str, ...] = ()
    reads: dict[str, Digest] = field(default_factory=dict)


class FileCache:
    """Path -> `KnownFile`, for one prompts root and one way to read it."""

    def __init__(self, root: Path, settings_key: str) -> None:
        """`root` is a real path, `settings_key` whatever else changes how a file is read, such as the text format."""
        key = os.fsencode(root) + f"\0{settings_key}\0{SCHEME}\0{_FORMAT}".encode()
        name = digest_of(key).partition(":")[2]
        self._path = user_cache_path("promptdb", appauthor=False) / "files" / f"{name[:32]}.json"
        self._known = _load(self._path)
        self._seen: dict[str, KnownFile] = {}

    def has(self, path: str) -> bool:
        return path in self._known

    def get(self, path: str, file: Digest) -> KnownFile | None:
        """What is known of a file with these bytes. The caller still has to compare `reads`."""
        known = self._known.get(path)
        return known if known is not None and known.file == file else None

    def keep(self, path: str, known: KnownFile) -> None:
        self._seen[path] = known

    def discard(self) -> None:
        """Forget everything, since something in it was wrong."""
        with suppress(OSError):
            self._path.unlink()

    def save(self) -> None:
        """Write what was kept in this run, if it differs from what was loaded. A folder that cannot be written is fine."""
        if self._seen == self._known:
            return
        temporary = self._path.with_suffix(f".{os.getpid()}-{uuid4().hex[:8]}")
        rows = {
            path: [known.file, known.spec, known.user_version, known.renamed_from, known.reads]
            for path, known in self._seen.items()
        }
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(rows), encoding="utf-8")
            temporary.replace(self._path)
        except OSError:
            with suppress(OSError):
                temporary.unlink()


def _load(path: Path) -> dict[str, KnownFile]:
    try:
        rows: dict[str, Any] = json.loads(path.read_bytes())
        return {
            name: KnownFile(file, spec, label, tuple(renamed_from), reads)
            for name, (file, spec, label, renamed_from, reads) in rows.items()
        }
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}
