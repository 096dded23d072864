"""A dashboard over the registry of `service`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit.config
from dashboards import environment_of

from promptdb import PromptService


@pytest.fixture
def _on_loopback() -> Iterator[None]:
    """The option that `promptdb dashboard` sets."""
    before = streamlit.config.get_option("server.address")
    streamlit.config.set_option("server.address", "127.0.0.1")
    yield
    streamlit.config.set_option("server.address", before)


@pytest.fixture
def dashboard(
    service: PromptService, _on_loopback: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> PromptService:
    """The registry that pages show, in SQLite."""
    for name, value in environment_of(service.settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return service
