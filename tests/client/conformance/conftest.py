"""Runs each test once on each kind of source."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from worlds import WORLDS, World, fill, world_of

from promptdb.client import health
from promptdb.client.client import PromptClient
from promptdb.service import PromptService


@pytest.fixture(params=list(WORLDS))
def kind(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def backend(kind: str) -> str:
    return "postgresql" if "postgresql" in kind else "sqlite"


@pytest.fixture
def world(
    kind: str,
    recorded: Callable[..., PromptService],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    monkeypatch.setattr(health, "FIRST_RETRY", 0.01)
    monkeypatch.setattr(health, "LAST_RETRY", 0.02)
    with world_of(kind, recorded(fill), tmp_path) as world:
        yield world


@pytest.fixture
def client(world: World) -> PromptClient:
    """A client of the source. In a chain, the live source has answered."""
    client = world.client()
    client.wait_ready(60)
    return client
