"""`verify`: each kind of damage is named, and nothing else is."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from intruder import edit
from registries import Fill, NewRegistry, dump, on_sqlite, rows, write

from promptdb.db.engine import writing
from promptdb.domain.integrity import Finding
from promptdb.domain.plan import Policy
from promptdb.errors import IntegrityFailure, PromptDBError
from promptdb.maintenance.verify import Verified, verify
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.sync.sync_tree import sync_tree
from promptdb.transfer.copy import import_file
from promptdb.transfer.export import export_registry

pytestmark = pytest.mark.slow

ASSET = b"question,answer\n" * 100


def fill(service: PromptService) -> None:
    """Two prompts, one with an asset, a label and two revisions; an alias that moved, one that was deleted."""
    prompts = service.settings.prompts_path
    for edition in ("one", "two"):
        front = f"---\nassets: [{{path: _data.csv}}]\nmetadata: {{user_version: '{edition}'}}\n---\n"
        write(prompts, {"a/rich.txt": f"{front}Edition {edition}", "a/_data.csv": ASSET, "b/plain.txt": "Hello"})
        sync_tree(service.registry, load_tree(service.settings), Policy())
        service.promote("a/rich", "production")
    service.promote("b/plain", "staging")
    service.delete_alias("b/plain", "staging")


@pytest.fixture
def filled(recorded: Callable[[Fill], PromptService]) -> PromptService:
    return recorded(fill)


def told(found: Verified) -> list[tuple[str, str]]:
    return [(finding.code.value, finding.subject) for finding in found.findings]


def codes(found: Verified) -> set[str]:
    return {finding.code.value for finding in found.findings}


def blob_file(service: PromptService, kind: str) -> Path:
    found = next(row for row in rows(service.engine, "prompt_assets") if row["kind"] == kind)
    return service.settings.blob_path / found["object_key"]


@pytest.mark.parametrize("full", [False, True])
def test_a_sound_registry_has_no_findings(filled: PromptService, full: bool) -> None:
    before = dump(filled.engine)
    found = verify(filled.registry, full=full)
    assert found.findings == ()
    assert (found.prompts, found.versions, found.aliases, found.blobs, found.unnamed) == (2, 3, 1, 4, 0)
    assert dump(filled.engine) == before


def test_an_empty_registry_has_no_findings(service: PromptService) -> None:
    assert verify(service.registry, full=True).findings == ()


RICH = "(SELECT id FROM prompts WHERE name = 'rich')"
PLAIN = "(SELECT id FROM prompts WHERE name = 'plain')"
FIRST = f"prompt_id = {RICH} AND revision = 1"
SECOND = f"prompt_id = {RICH} AND revision = 2"
OF_SECOND = f"version_id = (SELECT id FROM prompt_versions WHERE {SECOND})"
OTHER_ID = "'00000000000040008000000000000000'"
ZEROS = "0" * 64

EDITED: list[tuple[str, str, set[str]]] = [
    ("spec_json", f"UPDATE prompt_versions SET spec_json = replace(spec_json, 'two', '2') WHERE {SECOND}", {"V101"}),
    ("spec_hash", f"UPDATE prompt_versions SET spec_hash = 'sha256:{ZEROS}' WHERE {SECOND}", {"V101"}),
    ("revision", f"UPDATE prompt_versions SET revision = 5 WHERE {SECOND}", {"V101", "V103"}),
    ("id", f"UPDATE prompt_versions SET id = {OTHER_ID} WHERE {SECOND}", {"V101", "V201", "V301"}),
    ("prompt_id", f"UPDATE prompt_versions SET prompt_id = {PLAIN} WHERE {SECOND}", {"V101", "V201", "V301"}),
    ("user_version", f"UPDATE prompt_versions SET user_version = 'three' WHERE {SECOND}", {"V101"}),
    ("version deleted", f"DELETE FROM prompt_versions WHERE {FIRST}", {"V103", "V301"}),
    ("prompt deleted", f"DELETE FROM prompts WHERE id = {PLAIN}", {"V301"}),
    ("object_key", f"UPDATE prompt_assets SET object_key = 'sha256/00/{ZEROS}' WHERE {OF_SECOND}", {"V101"}),
    ("byte_size", f"UPDATE prompt_assets SET byte_size = 7 WHERE {OF_SECOND} AND kind <> 'bundle'", {"V101"}),
    ("size of the bundle", f"UPDATE prompt_assets SET byte_size = 7 WHERE {OF_SECOND} AND kind = 'bundle'", {"V101"}),
    ("checksum", f"UPDATE prompt_assets SET checksum_sha256 = '{ZEROS}' WHERE {OF_SECOND}", {"V101", "V402"}),
    ("kind", f"UPDATE prompt_assets SET kind = 'snapshot' WHERE {OF_SECOND} AND kind <> 'bundle'", {"V101"}),
    ("content_type", f"UPDATE prompt_assets SET content_type = 'x/y' WHERE {OF_SECOND} AND kind <> 'bundle'", {"V101"}),
    ("path", f"UPDATE prompt_assets SET metadata_json = '{{}}' WHERE {OF_SECOND} AND kind <> 'bundle'", {"V101"}),
    ("metadata", f"UPDATE prompt_assets SET metadata_json = '[' WHERE {OF_SECOND} AND kind = 'bundle'", {"V101"}),
    ("name of an alias", "UPDATE prompt_aliases SET alias = 'Latest'", {"V202"}),
    ("asset deleted", f"DELETE FROM prompt_assets WHERE {OF_SECOND} AND kind <> 'bundle'", {"V101"}),
    ("bundle deleted", f"DELETE FROM prompt_assets WHERE {OF_SECOND} AND kind = 'bundle'", {"V101"}),
    (
        "alias to another version",
        f"UPDATE prompt_aliases SET version_id = (SELECT id FROM prompt_versions WHERE {FIRST})",
        {"V202"},
    ),
    (
        "alias to another prompt",
        f"UPDATE prompt_aliases SET version_id = (SELECT id FROM prompt_versions WHERE prompt_id = {PLAIN})",
        {"V201", "V202", "V301"},
    ),
    ("alias deleted", "DELETE FROM prompt_aliases", {"V202"}),
    ("name of a prompt", "UPDATE prompts SET name = 'other' WHERE name = 'rich'", {"V104"}),
    ("namespace of a prompt", "UPDATE prompts SET namespace = 'other' WHERE name = 'rich'", {"V104"}),
    ("generation", "UPDATE prompt_aliases SET generation = 9", {"V202"}),
    ("first event deleted", f"DELETE FROM alias_events WHERE generation = 1 AND prompt_id = {RICH}", {"V202"}),
    ("last event deleted", f"DELETE FROM alias_events WHERE generation = 2 AND prompt_id = {RICH}", {"V202"}),
    (
        "event edited",
        f"UPDATE alias_events SET to_version_id = from_version_id WHERE generation = 2 AND prompt_id = {RICH}",
        {"V202"},
    ),
    ("source of no run", "UPDATE version_sources SET run_id = 99", {"V301"}),
    ("identity", "DELETE FROM registries", {"V302"}),
    ("other identity", f"UPDATE registries SET id = {OTHER_ID}", {"V401"}),
    ("two identities", f"INSERT INTO registries SELECT {OTHER_ID}, created_at, 0 FROM registries", {"V302"}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("statement", "expected"), [case[1:] for case in EDITED], ids=[case[0] for case in EDITED])
def test_an_edited_row_is_named(filled: PromptService, statement: str, expected: set[str]) -> None:
    edit(filled.engine, statement)
    found = verify(filled.registry)
    assert codes(found) == expected
    assert not any(finding.repairable for finding in found.findings if finding.code.value != "V402")


@pytest.mark.slow
def test_renamed_prompts_and_names_that_were_given_on_are_sound(
    service: PromptService, tree: Path, new_registry: NewRegistry, tmp_path: Path
) -> None:
    """The id of a prompt is made of its first name, which may be an earlier one or belong to another prompt by now."""

    def sync(files: dict[str, str]) -> None:
        for file in tree.rglob("*.txt"):
            file.unlink()
        write(tree, files)
        sync_tree(service.registry, load_tree(service.settings), Policy(prune=True, max_prune=100))

    was = "---\nrenamed_from: [{}]\n---\n{}"
    sync({"a/one.txt": "1", "a/two.txt": "2"})
    sync({"a/first.txt": was.format("a/one", "1"), "a/two.txt": "2"})
    sync({"a/first.txt": was.format("a/one", "1"), "a/one.txt": was.format("a/two", "2"), "a/two.txt": "3"})
    assert verify(service.registry).findings == ()
    other = new_registry()
    for number, prompt in enumerate(("a/first", "a/one")):
        service.export_to_file(prompt, tmp_path / f"{number}.zip")
        import_file(other.registry, tmp_path / f"{number}.zip")
    assert verify(other.registry).findings == ()
    assert {str(each.prompt) for each in other.list_prompts()} == {"a/first", "a/one"}
    edit(service.engine, "UPDATE prompts SET name = 'second' WHERE name = 'first'")
    assert (
        told(verify(service.registry)) == []
    )  # an unknown name, but its id is made of a/one, which another prompt has
    edit(service.engine, "UPDATE prompts SET namespace = 'b' WHERE name = 'two'")
    assert ("V104", "b/two") in told(verify(service.registry))


@pytest.mark.parametrize("full", [False, True])
def test_a_row_s_finding_names_the_version_and_what_to_do(filled: PromptService, full: bool) -> None:
    edit(filled.engine, f"UPDATE prompt_versions SET spec_json = replace(spec_json, 'two', '2') WHERE {SECOND}")
    (finding,) = verify(filled.registry, full=full).findings
    assert finding.subject == "a/rich rev:2"
    assert finding.message.startswith("its spec has the digest sha256:")
    assert finding.remedy.startswith("restore the database from a backup")


@on_sqlite
@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (f"UPDATE prompt_versions SET id = 'nonsense' WHERE {SECOND}", {("V305", "prompt_versions")}),
        ("UPDATE prompt_aliases SET updated_at = 'x'", {("V305", "prompt_aliases")}),
        ("UPDATE registries SET id = 'nonsense'", {("V305", "registries")}),
        (
            f"UPDATE prompt_versions SET revision = 'two' WHERE {SECOND}",
            {("V101", "a/rich rev:two"), ("V103", "a/rich")},
        ),
        (
            f"UPDATE prompt_versions SET spec_json = CAST(x'ff00fe' AS TEXT) WHERE {SECOND}",
            {("V101", "a/rich rev:2")},
        ),
        (f"UPDATE prompt_assets SET checksum_sha256 = 'nonsense' WHERE {OF_SECOND}", {("V101", "a/rich rev:2")}),
    ],
)
def test_a_value_that_is_not_of_its_column_s_type_is_found(
    filled: PromptService, statement: str, expected: set[tuple[str, str]]
) -> None:
    edit(filled.engine, statement)
    assert set(told(verify(filled.registry))) == expected


READERS: dict[str, Callable[[PromptService], object]] = {
    "list": lambda service: service.list_prompts(archived=True),
    "log": lambda service: service.log("a/rich"),
    "alias log": lambda service: service.alias_log("a/rich"),
    "aliases": lambda service: service.aliases("a/rich"),
    "assets": lambda service: service.assets(service.get("a/rich").version),
    "export": lambda service: export_registry(service.registry, service.settings.base / "all.zip"),
}


@on_sqlite
@pytest.mark.parametrize(
    ("statement", "readers"),
    [
        ("UPDATE prompt_versions SET created_at = 'x'", {"list", "log", "assets", "export"}),
        ("UPDATE prompts SET archived_at = 5", {"list", "assets", "log", "export"}),
        ("UPDATE version_sources SET committed_at = 'x'", {"log", "export"}),
        ("UPDATE alias_events SET created_at = ''", {"alias log", "export"}),
        ("UPDATE alias_events SET breaking_json = '['", {"alias log"}),
        ("UPDATE prompt_aliases SET version_id = 'zz'", {"export"}),
        ("UPDATE prompt_aliases SET updated_at = 'zz'", {"log", "aliases", "export"}),
        ("UPDATE prompt_assets SET metadata_json = '['", {"assets"}),
        ("UPDATE prompt_assets SET content_type = 'text/html' WHERE kind <> 'bundle'", {"assets"}),
        ("UPDATE prompt_assets SET kind = 'snapshot' WHERE kind <> 'bundle'", {"assets"}),
    ],
)
def test_reads_refuse_what_cannot_be_read(filled: PromptService, statement: str, readers: set[str]) -> None:
    edit(filled.engine, statement)
    refused = set()
    for name, read in READERS.items():
        try:
            read(filled)
        except IntegrityFailure as error:
            assert error.hint in ("see: promptdb verify", "restore the database from a backup")  # noqa: PT017
            refused.add(name)
    assert refused >= readers


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DELETE FROM registries", "the registry has no ids instead of one"),
        (
            f"INSERT INTO registries SELECT {OTHER_ID}, created_at, 0 FROM registries",
            "the registry has 2 ids instead of one",
        ),
    ],
)
def test_a_sync_of_a_registry_without_one_id_sends_to_verify(
    filled: PromptService, statement: str, message: str
) -> None:
    edit(filled.engine, statement)
    write(filled.settings.prompts_path, {"c/new.txt": "New"})
    with pytest.raises(IntegrityFailure, match=message) as raised:
        sync_tree(filled.registry, load_tree(filled.settings), Policy())
    assert raised.value.hint == "see: promptdb verify"
    assert verify(filled.registry).findings


def test_a_row_that_a_constraint_refuses_sends_to_verify(filled: PromptService) -> None:
    with pytest.raises(IntegrityFailure, match="contradict themselves") as raised, writing(filled.engine) as connection:
        connection.execute(sa.text("UPDATE version_sources SET run_id = 99"))
    assert raised.value.hint == "see: promptdb verify"


@pytest.mark.parametrize("table", ["prompt_versions", "alias_events"])
def test_a_missing_trigger_is_named(filled: PromptService, table: str) -> None:
    on = f" ON {table}" if filled.engine.dialect.name == "postgresql" else ""
    with filled.engine.begin() as connection:
        connection.execute(sa.text(f"DROP TRIGGER {table}_no_update{on}"))
    (finding,) = verify(filled.registry).findings
    assert (finding.code, finding.message) == ("V303", f"no trigger {table}_no_update")


def test_a_missing_table_is_told_and_not_an_error(filled: PromptService) -> None:
    with filled.engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE prompt_redirects"))
    found = verify(filled.registry)
    assert codes(found) == {"V303"}
    assert "the rows cannot be read" in found.findings[-1].message


@on_sqlite
def test_a_damaged_database_file_is_named(filled: PromptService) -> None:
    filled.engine.dispose()
    with closing(sqlite3.connect(str(filled.engine.url.database))) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'prompt_versions'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with Path(str(filled.engine.url.database)).open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * 64)
    assert codes(verify(filled.registry)) >= {"V304"}


# Blobs


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


DAMAGE: dict[str, tuple[Callable[[Path], object], str, bool]] = {
    "bit flip": (flip, "V404", True),
    "truncated": (lambda file: file.write_bytes(file.read_bytes()[:-1]), "V403", False),
    "empty": (lambda file: file.write_bytes(b""), "V403", False),
    "longer": (lambda file: file.write_bytes(file.read_bytes() + b"!"), "V403", False),
    "deleted": (Path.unlink, "V402", False),
}


@pytest.mark.parametrize("kind", ["bundle", "attachment"])
@pytest.mark.parametrize("damage", DAMAGE)
@on_sqlite
@pytest.mark.slow
def test_a_damaged_blob_is_named(filled: PromptService, damage: str, kind: str) -> None:
    act, code, needs_full = DAMAGE[damage]
    file = blob_file(filled, kind)
    act(file)
    assert [code for code, _ in told(verify(filled.registry))] == ([] if needs_full else [code])
    (finding,) = verify(filled.registry, full=True).findings
    assert (finding.code, finding.digest, finding.repairable) == (code, f"sha256:{file.name}", True)
    assert "; needed by a/rich rev:" in finding.message or "; needed by b/plain rev:" in finding.message


@on_sqlite
def test_blobs_that_no_row_names_are_counted_and_no_finding(filled: PromptService) -> None:
    file = blob_file(filled, "bundle").with_name("ab" * 32)
    other = filled.settings.blob_path / "sha256" / "ab" / file.name
    other.parent.mkdir(exist_ok=True)
    other.write_bytes(b"12345")
    found = verify(filled.registry, full=True)
    assert (found.findings, found.unnamed, found.unnamed_bytes) == ((), 1, 5)


def wrong_store(service: PromptService) -> Finding:
    return verify(service.registry).findings[0]


@on_sqlite
def test_a_store_of_another_registry_is_told_first(filled: PromptService) -> None:
    blobs = filled.settings.blob_path
    for file in [*blobs.glob("sha256/*/*"), *blobs.glob("registries/*")]:
        file.unlink()
    other = uuid4()
    filled.blobs.claim(other, "another\n")
    first = wrong_store(filled)
    assert first.code == "V401"
    assert str(other) in first.message


@on_sqlite
def test_an_empty_store_is_told_first(filled: PromptService) -> None:
    for file in filled.settings.blob_path.glob("sha256/*/*"):
        file.unlink()
    first = wrong_store(filled)
    assert first.code == "V401"
    assert "is marked as this registry's store" in first.message
    assert first.remedy == "run: promptdb verify --repair"


def test_an_empty_database_with_the_store_of_another_one_is_told(service: PromptService) -> None:
    service.blobs.claim(uuid4(), "another\n")
    assert wrong_store(service).code == "V401"


# Readers refuse what verify names


@pytest.mark.parametrize("column", ["spec_json", "spec_hash", "id", "revision", "prompt_id", "user_version"])
def test_a_lookup_refuses_an_edited_version(filled: PromptService, column: str) -> None:
    statement = next(case[1] for case in EDITED if case[0] == column)
    edit(filled.engine, statement)
    answers = [
        answer(filled, ref) for ref in ("a/rich:production", "a/rich", "a/rich:rev:2", "a/rich:two", "b/plain:rev:2")
    ]
    assert set(answers) <= {"IntegrityFailure", "VersionNotFound", "rev:1"}
    assert "IntegrityFailure" in answers


def answer(service: PromptService, ref: str) -> str:
    try:
        return f"rev:{service.get(ref).version.revision}"
    except PromptDBError as error:
        return type(error).__name__


@on_sqlite
def test_a_lookup_refuses_an_id_that_is_none(filled: PromptService) -> None:
    edit(filled.engine, f"UPDATE prompt_versions SET id = 'nonsense' WHERE {SECOND}")
    with pytest.raises(PromptDBError, match="was edited"):
        filled.get("a/rich")
