"""Whole registries: to a file and back, and from one database to another."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from intruder import edit
from registries import BACKENDS, NewRegistry, Rows, dump, on_sqlite, rows, write

from promptdb.db.engine import writing
from promptdb.db.registry_id import give_turn
from promptdb.domain.scopes import Scope
from promptdb.domain.tokens import token_hash
from promptdb.errors import ConfigError, DivergedHistory, IntegrityFailure, StorageError
from promptdb.registry.tokens import create_token, list_tokens
from promptdb.service import PromptService
from promptdb.transfer.copy import copy_registry, import_file
from promptdb.transfer.export import export_registry
from promptdb.transfer.receive import Received
from promptdb.transfer.rows_as_json import TABLES

pytestmark = pytest.mark.slow

OWN = (
    *("registries", "generations", "prompt_changes", "api_tokens", "idempotency_keys"),
    *("webhooks", "webhook_deliveries"),
)
"""What a registry keeps to itself."""


def shared(service: PromptService) -> Rows:
    return {name: rows for name, rows in dump(service.engine).items() if name not in OWN}


def blobs(service: PromptService) -> set[tuple[str, int]]:
    return {(blob.digest, blob.size) for blob in service.blobs.list()}


def copy(source: PromptService, target: PromptService) -> Received:
    return copy_registry(source.registry, target.registry)


def test_every_table_is_transferred_or_the_registry_s_own(filled: PromptService) -> None:
    assert dump(filled.engine).keys() == {*TABLES, *OWN}
    assert [name for name, found in shared(filled).items() if not found] == []


def test_access_tokens_stay_with_their_registry(
    filled: PromptService, new_registry: NewRegistry, tmp_path: Path
) -> None:
    _, text = create_token(filled.registry, "ci", [Scope.parse("admin")])
    export_registry(filled.registry, tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        content = b"".join(archive.read(name) for name in archive.namelist())
    assert token_hash(text).encode() not in content
    target = new_registry("sqlite")
    create_token(target.registry, "its-own", [Scope.parse("read")])
    copy(filled, target)
    assert [token.name for token in list_tokens(target.registry)] == ["its-own"]


@pytest.mark.parametrize("kind", BACKENDS)
def test_an_empty_registry_gets_exactly_what_was_exported(
    filled: PromptService, new_registry: NewRegistry, tmp_path: Path, kind: str
) -> None:
    export_registry(filled.registry, tmp_path / "all.zip")
    target = new_registry(kind)
    received = import_file(target.registry, tmp_path / "all.zip")
    assert shared(target) == shared(filled)
    assert blobs(target) == blobs(filled)
    assert rows(target.engine, "registries") != rows(filled.engine, "registries")
    assert (received.written.prompts, received.written.versions, received.blobs) == (5, 6, len(blobs(filled)))
    assert import_file(target.registry, tmp_path / "all.zip").is_empty
    target.register_text("by/hand", "the numbers of new rows go on")
    target.promote("by/hand", "production")


@pytest.mark.parametrize("kind", BACKENDS)
def test_splits_come_along(filled: PromptService, new_registry: NewRegistry, tmp_path: Path, kind: str) -> None:
    target = new_registry(kind)
    copy(filled, target)
    for weight in (10, 20):
        filled.split("a/one", "production", [("rev:2", 100 - weight), ("rev:1", weight)])
    copy(filled, target)
    assert shared(target) == shared(filled)
    assert target.aliases("a/one") == filled.aliases("a/one")
    export_registry(filled.registry, tmp_path / "all.zip")
    assert import_file(target.registry, tmp_path / "all.zip").is_empty


@on_sqlite
@pytest.mark.slow
def test_from_sqlite_to_postgresql_and_back_nothing_changes(filled: PromptService, new_registry: NewRegistry) -> None:
    far, back = new_registry("postgresql"), new_registry("sqlite")
    copy(filled, far)
    copy(far, back)
    assert shared(back) == shared(far) == shared(filled)
    assert blobs(back) == blobs(filled)


def test_equal_registries_give_equal_files(filled: PromptService, new_registry: NewRegistry, tmp_path: Path) -> None:
    other = new_registry("postgresql")
    copy(filled, other)
    for name, service in (("one", filled), ("again", filled), ("other", other)):
        export_registry(service.registry, tmp_path / f"{name}.zip")
    contents = {(tmp_path / f"{name}.zip").read_bytes() for name in ("one", "again", "other")}
    assert len(contents) == 1


IN_THE_WAY: dict[str, Callable[[PromptService, Path], object]] = {
    "no zip": lambda _, file: file.write_text("mine"),
    "another zip": lambda _, file: zipfile.ZipFile(file, "w").close(),
    "a version": lambda service, file: service.export_to_file("rich", file),
    "an earlier export": lambda service, file: (
        export_registry(service.registry, file),
        service.register_text("by/hand", "another text"),
    ),
}


@on_sqlite
@pytest.mark.parametrize("kind", IN_THE_WAY)
@pytest.mark.slow
def test_a_file_that_is_surely_another_one_is_refused_before_the_work(
    filled: PromptService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    file = tmp_path / "x.zip"
    IN_THE_WAY[kind](filled, file)
    before = file.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("promptdb.transfer.export.write_registry", None)  # calling it would raise
        with pytest.raises(StorageError, match=r"x\.zip exists and differs"):
            export_registry(filled.registry, file)
    assert file.read_bytes() == before
    export_registry(filled.registry, file, overwrite=True)
    export_registry(filled.registry, file)  # the same again


@on_sqlite
def test_a_path_that_cannot_even_be_looked_at_is_one_error(filled: PromptService, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot write"):
        export_registry(filled.registry, tmp_path / f"{'x' * 300}.zip")


@on_sqlite
def test_a_file_with_as_many_rows_is_compared_when_it_is_written(filled: PromptService, tmp_path: Path) -> None:
    file = tmp_path / "x.zip"
    export_registry(filled.registry, file)
    edit(filled.engine, "UPDATE prompt_aliases SET updated_at = '2001-01-01 00:00:00'")
    with pytest.raises(StorageError, match=r"x\.zip exists and differs"):
        export_registry(filled.registry, file)


@pytest.mark.slow
def test_a_copy_follows_its_source_in_everything(
    filled_tree: PromptService, new_registry: NewRegistry, sync: Any, tree: Path
) -> None:
    target = new_registry()
    copy(filled_tree, target)
    assert copy(filled_tree, target).is_empty
    (tree / "rich.yaml").unlink()
    (tree / "a/one.txt").rename(tree / "a/moved.txt")
    (tree / "a/moved.txt").write_text("---\nrenamed_from: [a/one]\n---\nnew")
    sync(prune=True, max_prune=100)
    filled_tree.rollback("a/moved", "production")
    received = copy(filled_tree, target)
    assert shared(target) == shared(filled_tree)
    assert (received.written.prompts, received.written.versions, received.written.aliases) == (0, 1, 1)
    assert received.blobs == 1


@pytest.mark.slow
def test_a_name_that_was_given_to_another_prompt_moves_too(
    filled_tree: PromptService, new_registry: NewRegistry, sync: Any, tree: Path
) -> None:
    target = new_registry()
    copy(filled_tree, target)
    (tree / "a/one.txt").unlink()
    write(tree, {"a/later.yaml": "template: one, again\nrenamed_from: [a/one]\n"})
    sync()
    (tree / "b/renamed.yaml").unlink()
    write(tree, {"a/one.yaml": "template: two {x}\nrenamed_from: [b/renamed]\n"})
    sync()
    copy(filled_tree, target)
    assert shared(target) == shared(filled_tree)


def refused(source: PromptService | Path, target: PromptService, message: str, hint: str) -> None:
    before = dump(target.engine)
    with pytest.raises(DivergedHistory) as caught:
        copy(source, target) if isinstance(source, PromptService) else import_file(target.registry, source)
    # Without the hint, which is a note of the error.
    assert re.search(message, caught.value.message)
    assert "\n" not in caught.value.message
    assert hint in str(caught.value.hint)
    assert dump(target.engine) == before


@pytest.mark.slow
def test_a_registry_that_went_on_by_itself_is_refused(filled: PromptService, new_registry: NewRegistry) -> None:
    target = new_registry()
    copy(filled, target)
    target.promote("a/one:rev:1", "production")
    target.register_text("only/here", "mine")
    filled.register_text("only/there", "yours")
    digest = target.get("only/here").version.spec_hash[:19]
    told = f"what differs: revision 1 of only/here \\({digest} here\\), promote of a/one:production, prompt only/here, "
    told += r"a file of only/here(\n|$)"
    refused(filled, target, f"is not behind .*; {told}", "into an empty registry, or add single versions")


def test_a_registry_that_is_ahead_is_refused(filled: PromptService, new_registry: NewRegistry, tmp_path: Path) -> None:
    export_registry(filled.registry, tmp_path / "old.zip")
    target = new_registry()
    copy(filled, target)
    target.promote("a/one:rev:1", "production")
    told = r"is ahead of .*; what differs: promote of a/one:production(\n|$)"
    for source in (filled, tmp_path / "old.zip"):
        refused(source, target, told, "to go back to what it holds")


def test_registries_that_never_met_are_not_put_together(filled: PromptService, new_registry: NewRegistry) -> None:
    target = new_registry()
    for name in ("a/one", "by/hand"):
        target.register_text(name, "another start")
    told = r"revision 1 of a/one \(sha256:\w{12} here and sha256:\w{12} there\)"
    refused(filled, target, told, "no row was written")


@pytest.mark.slow
def test_a_message_names_the_first_few_differences(filled: PromptService, new_registry: NewRegistry) -> None:
    target = new_registry()
    for number in range(9):
        target.register_text(f"own/p{number}", "mine")
    refused(
        filled, target, r"what differs: (revision 1 of own/p\d \(sha256:\w+ here\), ){5}22 more differences(\n|$)", ""
    )


def test_a_blob_that_a_damaged_copy_lacks_is_put_back(filled: PromptService, new_registry: NewRegistry) -> None:
    target = new_registry()
    copy(filled, target)
    target.blobs.delete([next(iter(target.blobs.list())).digest])
    received = copy(filled, target)
    assert (received.written.rows, received.blobs) == (0, 1)
    assert blobs(target) == blobs(filled)


@on_sqlite
def test_a_database_is_not_copied_to_itself(filled: PromptService) -> None:
    with pytest.raises(ConfigError, match="is the registry itself"):
        copy(filled, filled)


@on_sqlite
def test_a_blob_that_is_missing_is_told_and_leaves_no_file(filled: PromptService, tmp_path: Path) -> None:
    lost = next(iter(filled.blobs.list()))
    filled.blobs.delete([lost.digest])
    with pytest.raises(StorageError, match=lost.digest):
        export_registry(filled.registry, tmp_path / "all.zip")
    assert list(tmp_path.glob("*all.zip*")) == []


@on_sqlite
def test_a_row_that_was_edited_is_not_passed_on(
    filled: PromptService, new_registry: NewRegistry, tmp_path: Path
) -> None:
    target = new_registry()
    with filled.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER prompt_versions_no_update")
        connection.exec_driver_sql("UPDATE prompt_versions SET spec_json = replace(spec_json, 'no file', 'no pile')")
    told = r"by/hand rev:1: its spec has the digest \S+ instead of"
    with pytest.raises(IntegrityFailure, match=told) as caught:
        copy(filled, target)
    assert caught.value.hint == "see: promptdb verify"
    assert target.list_prompts(archived=True) == []
    with pytest.raises(IntegrityFailure, match=told):
        export_registry(filled.registry, tmp_path / "all.zip")
    for suffix in (".zip", ".bundle.json"):
        with pytest.raises(IntegrityFailure, match=r"of by/hand revision 1 does not have its digest"):
            filled.export_to_file("by/hand", tmp_path / f"one{suffix}")
    assert list(tmp_path.glob("*all.zip*")) == list(tmp_path.glob("*one*")) == []


@on_sqlite
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("byte_size = byte_size + 1 WHERE kind = 'bundle'", "rev:1: the rows of its blobs do not fit"),
        ("metadata_json = '{}' WHERE kind <> 'bundle'", "rich rev:1: the rows of its blobs do not fit"),
        ("content_type = 'text/x' WHERE kind <> 'bundle'", "rich rev:1: the rows of its blobs do not fit"),
    ],
)
def test_rows_of_assets_that_were_edited_are_not_passed_on(
    filled: PromptService, tmp_path: Path, change: str, told: str
) -> None:
    with filled.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE prompt_assets SET {change}")
    with pytest.raises(IntegrityFailure, match=told):
        export_registry(filled.registry, tmp_path / "all.zip")
    assert list(tmp_path.glob("*all.zip*")) == []


@on_sqlite
def test_a_blob_that_is_there_is_not_read_at_the_source(filled: PromptService, new_registry: NewRegistry) -> None:
    target = new_registry()
    copy(filled, target)
    filled.blobs.delete([blob.digest for blob in filled.blobs.list()])
    assert copy(filled, target).is_empty


@on_sqlite
def test_blobs_that_were_collected_meanwhile_are_sent_again(
    filled: PromptService, new_registry: NewRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Garbage collection at the target between the upload and the transaction."""
    target = new_registry()
    put_all, calls = target.blobs.put_all, list[int]()

    def put(batch: Any, progress: Any = None) -> None:
        put_all(batch, progress)
        calls.append(1)
        if len(calls) == 1:
            target.blobs.delete([blob.digest for blob in target.blobs.list()])
            with writing(target.engine) as connection:
                give_turn(connection, to_gc=True)

    monkeypatch.setattr(target.blobs, "put_all", put)
    copy(filled, target)
    assert len(calls) == 2
    assert blobs(target) == blobs(filled)
