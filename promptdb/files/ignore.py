"""`.promptdbignore`: which files in the tree are nobody's prompt, in gitignore syntax."""

import os
from collections.abc import Callable
from pathlib import Path

from promptdb.errors import ConfigError

IGNORE_FILE = ".promptdbignore"


def ignore_rule(root: Path) -> Callable[[str], bool]:
    """Whether a path relative to the root is ignored; a folder's path ends with `/`.

    Raises:
        ConfigError: the file cannot be read, or a pattern is wrong.
    """
    file = root / IGNORE_FILE
    if not os.path.isfile(file):  # noqa: PTH113  no error where it may not look: the scan tells that
        return lambda path: False  # noqa: ARG005
    from pathspec import GitIgnoreSpec  # only where there is such a file

    try:
        return GitIgnoreSpec.from_lines(
            file.read_text(encoding="utf-8-sig", errors="surrogateescape").splitlines()
        ).match_file
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} cannot be used: {error}", "it has gitignore syntax, one pattern a line") from error
