"""Before a writer uploads: the store learns whose blobs it has, and one that is somebody else's is refused."""

from uuid import uuid4

import pytest
from registries import on_sqlite

from promptdb.db.engine import reading
from promptdb.db.identity import registry_id
from promptdb.errors import Guard
from promptdb.service import PromptService

pytestmark = [on_sqlite, pytest.mark.usefixtures("tree")]


def test_the_mark_in_a_store_says_to_people_which_database_it_is_of(service: PromptService) -> None:
    service.register_text("a/one", "One")
    with reading(service.engine) as connection:
        key = registry_id(connection)
    note = (service.settings.blob_path / "registries" / str(key)).read_text()
    assert note.startswith("sqlite:///")
    assert "registry.sqlite3, since 20" in note


def test_a_registry_with_versions_does_not_write_into_the_store_of_others(service: PromptService) -> None:
    service.register_text("a/one", "One")
    for mark in (service.settings.blob_path / "registries").iterdir():
        mark.unlink()
    service.blobs.delete([blob.digest for blob in service.blobs.list()])
    service.blobs.claim(uuid4(), "another\n")
    before = {blob.digest for blob in service.blobs.list()}
    with pytest.raises(Guard, match="is the blob store of other registries"):
        service.register_text("a/one", "Two")
    assert {blob.digest for blob in service.blobs.list()} == before
    assert [version.revision for version in service.list_versions("a/one")] == [1]


def test_a_registry_whose_id_was_made_anew_keeps_its_store(service: PromptService) -> None:
    """As by a downgrade of the schema and back."""
    service.register_text("a/one", "One")
    for mark in (service.settings.blob_path / "registries").iterdir():
        mark.unlink()
    service.blobs.claim(uuid4(), "the same, before\n")
    assert service.register_text("a/one", "Two").version.revision == 2


def test_a_new_registry_may_begin_where_another_one_was(service: PromptService) -> None:
    service.blobs.claim(uuid4(), "another\n")
    assert service.register_text("a/one", "One").created
    assert len(service.blobs.owners()) == 2
