"""What every test gets: no settings, caches or git configuration from the machine it runs on."""

import gc
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import hypothesis
import pytest
from environment import clean_environment

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

# A busy machine may take any time for one example. Fifty a run are enough: each run tries other ones.
hypothesis.settings.register_profile("promptdb", deadline=None, max_examples=50)
hypothesis.settings.load_profile("promptdb")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: some tests wait for the clock, for a process or for another one's lock."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_finish() -> None:
    """Take the tests themselves out of the garbage collector's sight: it took a fifth of all time to look through them."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


_NUMBERS = count(1)


@pytest.fixture(autouse=True)
def _own_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    # Not by `mktemp`, which looks through the folders of all earlier tests.
    with clean_environment(tmp_path_factory.getbasetemp() / "environments" / str(next(_NUMBERS))):
        yield


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """An empty prompts root."""
    root = tmp_path / "prompts"
    root.mkdir()
    return root
