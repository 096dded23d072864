"""The file that remembers what parsing gave. A lost, broken or foreign one costs time only."""

import json
import os
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

_FORMAT = 3


def read_cache(file: Path, key: str) -> Any:
    """Return what `write_cache` was given under the same key; None if the file is lost, broken or has another key."""
    try:
        header, _, body = file.read_bytes().partition(b"\n")
        return json.loads(body) if header == _header(key, body) else None
    except (OSError, ValueError):
        return None


def write_cache(file: Path, key: str, content: Any) -> None:
    """Replace the file at once. A folder that cannot be written is fine.

    Args:
        file: where it is kept.
        key: names everything that the content depends on, apart from the files it is about.
        content: JSON data.
    """
    body = json.dumps(content, separators=(",", ":")).encode()
    temporary = file.with_suffix(f".{os.getpid()}-{uuid4().hex[:8]}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(_header(key, body) + b"\n" + body)
        temporary.replace(file)
    except OSError:
        with suppress(OSError):
            temporary.unlink()


def _header(key: str, body: bytes) -> bytes:
    # The checksum tells a file cut short, or with a wrong byte, from a whole one.
    return b"promptdb files %d %08x %s" % (_FORMAT, zlib.crc32(body), key.encode())
