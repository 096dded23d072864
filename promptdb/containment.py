"""The one rule that keeps a path inside its folder, symbolic links followed."""

import os
from pathlib import Path, PurePosixPath

from promptdb.errors import OutsideRoot


def contained(root: Path, relative: str) -> Path:
    """The real path of `relative` below `root`. It need not exist.

    Args:
        root: a folder.
        relative: a path with `/`, from outside.

    Raises:
        OutsideRoot: the path is absolute, or leads out of `root` by `..` or a symbolic link.
    """
    pure = PurePosixPath(relative)
    if pure.is_absolute() or "\\" in relative or "\0" in relative or Path(relative).is_absolute():
        raise OutsideRoot(f"{relative!r} is not a relative path", "write a relative path, with / between its parts")
    # realpath, since Path.resolve fails on a link that leads in a circle; opening such a path tells it better.
    real_root = Path(os.path.realpath(root))
    real = Path(os.path.realpath(real_root / pure))
    if real != real_root and real_root not in real.parents:
        raise OutsideRoot(f"{relative!r} leads outside {root.name or root}", "keep the file inside that folder")
    return real
