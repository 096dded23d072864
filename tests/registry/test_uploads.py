"""Look, upload, lock, look again, write; and the store learns whose blobs it has, or is refused as somebody else's."""

from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from registries import on_sqlite

from promptdb.blobs.store import Progress
from promptdb.db.engine import reading
from promptdb.db.registry_id import registry_id
from promptdb.domain.blob import Blob
from promptdb.errors import Guard
from promptdb.registry.uploads import Connect, Intended, upload_and_write
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


def write_what_was_seen(service: PromptService, looks: Iterator[int], done: int | None = None) -> tuple[int, list[str]]:
    """What was written, and the steps that led to it. `done` is seen where nothing is left to write."""
    steps: list[str] = []

    def look(_: sa.Connection) -> int:
        found = next(looks)
        steps.append(f"look {found}")
        return found

    def decide(seen: int, _: Connect) -> Intended[int] | int:
        steps.append(f"decide {seen}")
        return seen if seen == done else Intended(lambda _: seen, lambda: steps.append(f"upload {seen}"))

    return upload_and_write(service.registry, look, decide), steps


def test_what_is_still_so_under_the_lock_is_written(service: PromptService) -> None:
    assert write_what_was_seen(service, iter([1, 1])) == (1, ["look 1", "decide 1", "upload 1", "look 1"])


def test_where_nothing_is_to_be_written_nothing_is_uploaded_or_locked(service: PromptService) -> None:
    assert write_what_was_seen(service, iter([1]), done=1) == (1, ["look 1", "decide 1"])


def test_what_another_writer_changed_is_decided_again_outside_of_the_lock(service: PromptService) -> None:
    again = ["look 2", "decide 2", "upload 2", "look 2"]
    found = write_what_was_seen(service, iter([1, 2, 2, 2]))
    assert found == (2, ["look 1", "decide 1", "upload 1", "look 2", *again])


def test_what_another_writer_did_already_is_not_written_again(service: PromptService) -> None:
    found = write_what_was_seen(service, iter([1, 2, 2]), done=2)
    assert found == (2, ["look 1", "decide 1", "upload 1", "look 2", "look 2", "decide 2"])


def test_writers_that_are_always_faster_do_not_keep_one_out(service: PromptService) -> None:
    """The third time it decides, and uploads, inside of the lock."""
    written, steps = write_what_was_seen(service, count(1))
    assert written == 6
    assert steps[-5:] == ["decide 5", "upload 5", "look 6", "decide 6", "upload 6"]


def test_a_writer_never_waits_for_a_second_connection(service: PromptService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a pooler, all others may be waiting for the lock that the first one holds."""
    service.register_text("a/one", "One")
    other, put_all, uploads, at_once = PromptService(service.settings), service.blobs.put_all, count(1), list[int]()
    pool: Any = service.engine.pool
    sa.event.listen(service.engine, "checkout", lambda *_: at_once.append(pool.checkedout()))

    def put_all_and_be_overtaken(blobs: Iterable[Blob], progress: Progress | None = None) -> None:
        put_all(blobs, progress)
        if (number := next(uploads)) <= 3:
            other.register_text("a/one", f"Faster {number}")

    monkeypatch.setattr(service.blobs, "put_all", put_all_and_be_overtaken)
    assert service.register_text("a/one", "Slow").version.revision == 5
    assert next(uploads) == 5, "the fourth upload was under the lock"
    assert set(at_once) == {1}
    other.close()


def test_what_another_writer_did_under_the_lock_is_not_written_again(service: PromptService) -> None:
    assert write_what_was_seen(service, count(1), done=6)[0] == 6
