"""`.promptdbignore`: files of the tree that are not prompts, in gitignore syntax."""

import os
from collections.abc import Callable
from pathlib import Path

from promptdb.domain.layout import IGNORE_FILE
from promptdb.errors import ConfigError
from promptdb.files.tree import MAX_TEXT_BYTES, size_text


def ignore_rule(data: bytes | None, where: str) -> Callable[[str], bool]:
    """Compile the content of an ignore file into a test of paths below the root. Paths of folders end with `/`.

    As in git, nothing below an ignored folder can be taken back: ask about the folders around a path first.

    Raises:
        ConfigError: the file is too large, or has too many patterns. It calls the file `where`.
    """
    if not data:
        return lambda path: False  # noqa: ARG005
    if len(data) > MAX_TEXT_BYTES:
        raise too_large(where)
    # Only trees with such a file pay for this import.
    from promptdb.files.ignore_patterns import MAX_WILD, TooManyPatterns, matcher

    try:
        is_ignored = matcher(data)
    except TooManyPatterns as error:
        message = f"{where}:{error.args[0]}: patterns with wildcards have more than {MAX_WILD:,} bytes together"
        raise ConfigError(message, "use fewer; paths without wildcards do not count") from error
    return lambda path: is_ignored(os.fsencode(path))


def ignore_file(root: Path) -> bytes | None:
    """Read the ignore file of a folder. Raise ConfigError if it cannot be read."""
    file = root / IGNORE_FILE
    try:
        # os.path.isfile raises no error for a folder without permission: the scan reports that folder.
        if not os.path.isfile(file):  # noqa: PTH113
            return None
        with file.open("rb") as stream:
            return stream.read(MAX_TEXT_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}", "check its permissions") from error


def too_large(where: str) -> ConfigError:
    return ConfigError(f"{where} is larger than {size_text(MAX_TEXT_BYTES)}", "write one pattern for many files")
