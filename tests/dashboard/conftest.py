"""Dashboards over the registry of `service`: in this process, or in a process of its own behind the HTTP API."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit.config
from browsers import promptdb_dashboard
from dashboards import environment_of
from servers import in_thread
from streamlit.components.v2 import manifest_scanner

from promptdb import PromptService, create_app


@pytest.fixture
def _on_loopback() -> Iterator[None]:
    """The option that `promptdb dashboard` sets."""
    before = streamlit.config.get_option("server.address")
    streamlit.config.set_option("server.address", "127.0.0.1")
    yield
    streamlit.config.set_option("server.address", before)


@pytest.fixture(scope="session", autouse=True)
def _no_foreign_components() -> Iterator[None]:
    """Streamlit looks through all installed packages for components at each start, and each visit of a test is one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", list)
        yield


@pytest.fixture
def dashboard(
    service: PromptService, _on_loopback: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> PromptService:
    """The registry that pages show, in SQLite."""
    for name, value in environment_of(service.settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return service


@pytest.fixture(scope="module")
def server_port(service: PromptService) -> Iterator[int]:
    with in_thread(create_app(service.settings)) as port:
        yield port


@pytest.fixture(scope="module")
def remote_place(server_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a dashboard over the HTTP API."""
    address = {"PROMPTDB_URL": f"http://127.0.0.1:{server_port}"}
    with promptdb_dashboard(tmp_path_factory.mktemp("elsewhere"), address) as url:
        yield url
