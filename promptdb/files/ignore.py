"""`.promptdbignore`: files of the tree that are not prompts, in gitignore syntax."""

import os
from collections.abc import Callable
from pathlib import Path

from promptdb.domain.layout import IGNORE_FILE
from promptdb.errors import ConfigError


def ignore_rule(data: bytes | None, where: str) -> Callable[[str], bool]:
    """Compile the content of an ignore file into a test of paths below the root. Paths of folders end with `/`.

    A wrong pattern raises a ConfigError, which calls the file `where`.
    """
    if data is None:
        return lambda path: False  # noqa: ARG005
    # Only trees with such a file pay for this import.
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(data.decode("utf-8-sig", errors="surrogateescape").splitlines()).match_file
    except ValueError as error:
        raise _unusable(where, error) from error


def ignore_file(root: Path) -> bytes | None:
    """Read the ignore file of a folder. Raise ConfigError if it cannot be read."""
    file = root / IGNORE_FILE
    try:
        # os.path.isfile raises no error for a folder without permission: the scan reports that folder.
        return file.read_bytes() if os.path.isfile(file) else None  # noqa: PTH113
    except OSError as error:
        raise _unusable(str(file), error) from error


def _unusable(where: str, error: Exception) -> ConfigError:
    return ConfigError(f"{where} cannot be used: {error}", "write one pattern in gitignore syntax on each line")
