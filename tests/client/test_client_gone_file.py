"""A client whose SQLite file is moved away: it writes nothing, and begins no new registry."""

from pathlib import Path

import pytest
from registries import settings_for

from promptdb.client.client import PromptClient
from promptdb.errors import StorageError
from promptdb.service import PromptService


def test_a_client_never_creates_the_registry_that_it_had(tmp_path: Path) -> None:
    settings = settings_for(f"sqlite:///{tmp_path}/registry.sqlite3", tmp_path)
    file = tmp_path / "registry.sqlite3"
    with PromptService(settings) as service:
        service.register_text("a/one", "one", alias="production")
    with PromptClient.from_settings(settings) as client:
        assert client.get("a/one:production").render_text() == "one"
        away = file.rename(tmp_path / "away.sqlite3")
        with pytest.raises(StorageError):
            client.register_text("a/one", "two")
        assert not file.exists()
        assert client.get("a/one:production").render_text() == "one"
        away.rename(file)
        assert client.register_text("a/one", "two").revision == 2
