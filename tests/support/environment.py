"""What commands and git find in the environment: nothing of the machine that runs the tests."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "Ann Author",
    "GIT_AUTHOR_EMAIL": "ann@example.com",
    "GIT_COMMITTER_NAME": "Ann Author",
    "GIT_COMMITTER_EMAIL": "ann@example.com",
}


@contextmanager
def clean_environment(folder: Path) -> Iterator[pytest.MonkeyPatch]:
    """Caches and state go below the folder, which is made when something is put there."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("PROMPTDB_", "GIT_")) or name in ("CI", "GITHUB_ACTIONS"):
                patch.delenv(name)
        for name, value in _GIT.items():
            patch.setenv(name, value)
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        yield patch
