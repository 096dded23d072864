"""Prompt files that were parsed before, so that an unchanged tree is neither read nor parsed again.

A file whose stamp is the one it had is not opened. Where it is another one, as after a checkout, the digest of its bytes
decides. The same holds for every other file that went into its spec. A lost, broken or foreign cache costs time only.
"""

import json
import os
import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from promptdb.domain.digest import SCHEME, Digest
from promptdb.files.stamps import Stamp

_FORMAT = 2


class KnownFile(NamedTuple):
    """What parsing a file without problems gave. `reads` are the other files it depended on."""

    file: Digest
    spec: Digest
    user_version: str | None = None
    renamed_from: tuple[str, ...] = ()
    reads: Mapping[str, Digest] = {}


class SeenFile(NamedTuple):
    """Another file than a prompt, as it was when it was read."""

    stamp: Stamp | None
    digest: Digest


@dataclass
class _CachedFiles:
    files: dict[str, tuple[Stamp | None, KnownFile]] = field(default_factory=dict)
    others: dict[str, SeenFile] = field(default_factory=dict)
    is_from_future: bool = False
    """The clock was set back since: times of then may come again, so that no stamp counts."""


class FileCache:
    """Path -> `KnownFile`, for one prompts root and one way to read it.

    Args:
        file: where it is kept.
        settings_key: whatever else changes how a file is read, such as the text format.
    """

    def __init__(self, file: Path, settings_key: str) -> None:
        self.folder = file.parent
        self._file = file
        self._key = f"{settings_key} {SCHEME}"
        self._before = _load(file, self._key)
        self._now = _CachedFiles()

    def __len__(self) -> int:
        """How many files are known from before."""
        return len(self._before.files)

    def file(self, path: str) -> tuple[Stamp | None, KnownFile] | None:
        """What is known of a prompt file, and the stamp for which it holds. The caller has to compare `reads`, too."""
        return self._before.files.get(path)

    def other(self, path: str) -> SeenFile | None:
        return self._before.others.get(path)

    def keep(self, path: str, stamp: Stamp | None, known: KnownFile) -> None:
        """For the next run. `stamp` is None if it does not last."""
        self._now.files[path] = stamp, known

    def keep_other(self, path: str, seen: SeenFile) -> None:
        self._now.others[path] = seen

    def discard(self) -> None:
        """Forget everything, since something in it was wrong."""
        with suppress(OSError):
            self._file.unlink()

    def save(self) -> None:
        """Write what was kept in this run, if it differs from what was loaded. A folder that cannot be written is fine."""
        if self._now == self._before:
            return
        rows = {path: [stamp, *known] for path, (stamp, known) in self._now.files.items()}
        content = {"key": self._key, "saved": time.time_ns(), "files": rows, "others": self._now.others}
        body = json.dumps(content, separators=(",", ":")).encode()
        temporary = self._file.with_suffix(f".{os.getpid()}-{uuid4().hex[:8]}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(_header(body) + body)
            temporary.replace(self._file)
        except OSError:
            with suppress(OSError):
                temporary.unlink()


def _header(body: bytes) -> bytes:
    """So that a file cut short, or a byte that went wrong, is told from a whole one."""
    return b"promptdb files %d %08x\n" % (_FORMAT, zlib.crc32(body))


def _load(file: Path, key: str) -> _CachedFiles:
    try:
        data = file.read_bytes()
        header, body = data[: data.index(b"\n") + 1], data[data.index(b"\n") + 1 :]
        if header != _header(body):
            return _CachedFiles()
        content: dict[str, Any] = json.loads(body)
        if content["key"] != key:
            return _CachedFiles()
        is_from_future = content["saved"] > time.time_ns()
        return _CachedFiles(
            {
                path: (None if is_from_future else stamp, KnownFile(file, spec, label, tuple(renamed_from), reads))
                for path, (stamp, file, spec, label, renamed_from, reads) in content["files"].items()
            },
            {
                path: SeenFile(None if is_from_future else stamp, digest)
                for path, (stamp, digest) in content["others"].items()
            },
            is_from_future,
        )
    except (OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return _CachedFiles()
