"""What the tests of connections to PostgreSQL share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from registries import settings_for

from promptdb.service import PromptService


@pytest.fixture
def open_service(
    tmp_path: Path, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], PromptService]]:
    monkeypatch.setenv("HOME", str(tmp_path))  # where libpq looks for certificates that are not named
    opened: list[PromptService] = []

    def make(url: str) -> PromptService:
        opened.append(PromptService(settings_for(url, tmp_path)))
        return opened[-1]

    yield make
    for service in opened:
        service.close()
