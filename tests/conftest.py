"""What every test gets: no settings, caches or git configuration from the machine it runs on."""

import os
from pathlib import Path

import hypothesis
import pytest

pytest_plugins = [
    "postgres",
    "pgbouncer",
    "s3",
    "registries",
    "repositories",
    "cells",
    "disks",
    "small_disks",
    "sampling",
    "receiver",
]

# A process that has to compile all it imports takes three times as long to start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A busy machine may take any time for one example.
hypothesis.settings.register_profile("promptdb", deadline=None)
hypothesis.settings.load_profile("promptdb")

_GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "Ann Author",
    "GIT_AUTHOR_EMAIL": "ann@example.com",
    "GIT_COMMITTER_NAME": "Ann Author",
    "GIT_COMMITTER_EMAIL": "ann@example.com",
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: some tests wait for the clock, for a process or for another one's lock."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(autouse=True)
def _own_environment(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("PROMPTDB_", "GIT_")) or name in ("CI", "GITHUB_ACTIONS"):
            monkeypatch.delenv(name)
    for name, value in _GIT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """An empty prompts root."""
    root = tmp_path / "prompts"
    root.mkdir()
    return root
