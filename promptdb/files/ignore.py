"""`.promptdbignore`: which files in the tree are nobody's prompt, in gitignore syntax."""

import os
from collections.abc import Callable
from pathlib import Path

from promptdb.errors import ConfigError

IGNORE_FILE = ".promptdbignore"


def ignore_rule(data: bytes | None, where: str) -> Callable[[str], bool]:
    """Whether a path relative to the root is ignored; a folder's path ends with `/`.

    Args:
        data: of the file; None if there is none.
        where: it is, for the message.

    Raises:
        ConfigError: a pattern is wrong.
    """
    if data is None:
        return lambda path: False  # noqa: ARG005
    from pathspec import GitIgnoreSpec  # only where there is such a file

    try:
        return GitIgnoreSpec.from_lines(data.decode("utf-8-sig", errors="surrogateescape").splitlines()).match_file
    except ValueError as error:
        raise _unusable(where, error) from error


def ignore_file(root: Path) -> bytes | None:
    """
    Raises:
        ConfigError: it cannot be read.
    """
    file = root / IGNORE_FILE
    if not os.path.isfile(file):  # noqa: PTH113  no error where it may not look: the scan tells that
        return None
    try:
        return file.read_bytes()
    except OSError as error:
        raise _unusable(str(file), error) from error


def _unusable(where: str, error: Exception) -> ConfigError:
    return ConfigError(f"{where} cannot be used: {error}", "it has gitignore syntax, one pattern a line")
