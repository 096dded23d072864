"""The file that remembers the results of parsing. A lost or broken one costs only time."""

import json
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

from promptdb.files.tree import temporary_beside

_FORMAT = 3


def read_cache(file: Path, key: str) -> Any:
    """Return the content that was written under this key; None if the file is missing, broken or has another key."""
    try:
        header, _, body = file.read_bytes().partition(b"\n")
        return json.loads(body) if header == _header(key, body) else None
    except (OSError, ValueError):
        return None


def write_cache(file: Path, key: str, content: Any) -> None:
    """Replace the file at once, if its folder can be written. `content` is JSON data.

    The key names everything that the content depends on, apart from the files it describes.
    """
    body = json.dumps(content, separators=(",", ":")).encode()
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with temporary_beside(file, _header(key, body) + b"\n" + body) as temporary:
            temporary.replace(file)


def _header(key: str, body: bytes) -> bytes:
    # The checksum detects a file that was cut short or damaged.
    return b"promptdb files %d %08x %s" % (_FORMAT, zlib.crc32(body), key.encode())
