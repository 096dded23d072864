"""The roles that docs/storage.md tells an administrator to make are enough for what it says they do."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hooks import hook
from postgres import PostgresServer
from registries import NewRegistry, settings_for, write

from promptdb.db import migrate
from promptdb.db.engine import reading
from promptdb.domain.plan import Policy
from promptdb.errors import ConfigError, StorageError
from promptdb.maintenance import schema
from promptdb.maintenance.doctor.database import examine_database
from promptdb.maintenance.doctor.finding import Level
from promptdb.project.load import load_tree
from promptdb.registry.webhooks import list_webhooks
from promptdb.service import PromptService
from promptdb.sync.sync_tree import plan_tree, sync_tree
from promptdb.transfer.copy import copy_registry, import_file
from promptdb.transfer.export import export_registry

PAGES = Path(__file__).resolve().parents[2]
DOCUMENT = PAGES / "docs" / "storage.md"


@pytest.fixture
def service_as(own_server: PostgresServer, tmp_path: Path, tree: Path) -> Iterator[Callable[[str], PromptService]]:
    as_administrator, as_owner = re.findall(r"```sql\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    for statement in as_administrator.split(";\n")[:-1]:
        own_server.execute(statement)
    opened: list[PromptService] = []

    def as_role(role: str) -> PromptService:
        url = own_server.url("promptdb").replace("postgres@", f"{role}@")
        opened.append(PromptService(settings_for(url, tmp_path)))
        return opened[-1]

    with as_role("promptdb_owner").engine.begin() as connection:
        for statement in as_owner.split(";\n")[:-1]:
            connection.exec_driver_sql(statement)
    yield as_role
    for service in opened:
        service.close()
    own_server.execute("DROP DATABASE promptdb WITH (FORCE)")
    for role in ("promptdb_owner", "promptdb_writer", "promptdb_reader"):
        own_server.execute(f"DROP ROLE {role}")


def test_each_role_can_do_what_it_is_for_and_the_reader_no_more(
    service_as: Callable[[str], PromptService], tree: Path
) -> None:
    migrate.upgrade(service_as("promptdb_owner").engine)
    writer, reader = service_as("promptdb_writer"), service_as("promptdb_reader")
    for edition in (1, 2):
        write(tree, {f"a/p{number}.txt": f"Edition {edition}" for number in range(3)})
        sync_tree(writer.registry, load_tree(writer.settings), Policy())
        writer.promote("a/p1", "production")
    writer.rollback("a/p1", "production")
    writer.delete_alias("a/p1", "production")
    (tree / "a/p1.txt").unlink()
    sync_tree(writer.registry, load_tree(writer.settings), Policy(prune=True, max_prune=100))
    assert reader.get("a/p2").render_text() == "Edition 2"
    assert len(reader.log("a/p2")) == 2
    assert plan_tree(reader.registry, load_tree(reader.settings), Policy()).is_empty
    with pytest.raises(StorageError, match="permission denied"):
        reader.register_text("a/p2", "changed")
    with pytest.raises(StorageError, match=r"permission denied|must be owner"):
        migrate.downgrade(writer.engine, "base")


def test_only_who_writes_can_read_the_secrets_of_webhooks(service_as: Callable[[str], PromptService]) -> None:
    migrate.upgrade(service_as("promptdb_owner").engine)
    writer, reader = service_as("promptdb_writer"), service_as("promptdb_reader")
    hook(writer)
    writer.register_text("a/one", "One")
    assert [found.pending for found in list_webhooks(writer.registry)] == [1]
    assert reader.get("a/one").render_text() == "One"
    for table in ("webhooks", "webhook_deliveries"):
        with pytest.raises(StorageError, match="permission denied"), reading(reader.engine) as connection:
            connection.execute(sa.text(f"SELECT * FROM {table}"))


def test_the_documented_grants_are_enough_for_upgrade_copy_import_and_doctor(
    service_as: Callable[[str], PromptService], new_registry: NewRegistry, own_server: PostgresServer, tmp_path: Path
) -> None:
    owner, writer, reader = map(service_as, ("promptdb_owner", "promptdb_writer", "promptdb_reader"))
    with pytest.raises(ConfigError) as too_early:
        writer.list_prompts()
    assert too_early.value.hint == "as the role that owns the schema, run: promptdb db upgrade"
    with pytest.raises(StorageError, match="permission denied for schema") as not_allowed:
        schema.upgrade(writer.settings)
    assert "the role that owns the schema" in str(not_allowed.value.hint)
    assert schema.upgrade(owner.settings) == (None, migrate.HEAD)

    source = new_registry()
    source.register_text("a/one", "First", alias="production")
    assert copy_registry(source.registry, writer.registry).written.versions == 1
    source.register_text("a/one", "Second", alias="production")
    export_registry(source.registry, tmp_path / "all.zip", overwrite=False)
    assert import_file(writer.registry, tmp_path / "all.zip").written.versions == 1
    # The numbers of rows continue after those that were inserted.
    assert writer.register_text("a/two", "Third", alias="staging").created
    back = new_registry()
    assert copy_registry(reader.registry, back.registry).written.versions == 3
    with pytest.raises(StorageError, match="permission denied") as read_only:
        reader.register_text("a/two", "Fourth")
    assert "promptdb db doctor" in str(read_only.value.hint)

    def lacking(service: PromptService) -> str:
        found = next(found for found in examine_database(service.settings) if found.check == "permissions")
        assert (found.level is Level.OK) == (found.remedy is None)
        return "" if found.level is Level.OK else found.detail

    assert (lacking(owner), lacking(writer)) == ("", "")
    assert "INSERT on prompts" in lacking(reader)
    own_server.execute("REVOKE UPDATE ON SEQUENCE sync_runs_id_seq FROM promptdb_writer", database="promptdb")
    assert lacking(writer) == "the role lacks UPDATE on public.sync_runs_id_seq"


def test_pages_upgrade_the_schema_as_its_owner() -> None:
    pages = [PAGES / "README.md", *(PAGES / "docs").glob("*.md")]
    lines = [line for page in pages for line in page.read_text().splitlines() if "db upgrade" in line]
    roles = [role for line in lines for role in re.findall(r"postgresql://(\w+)", line)]
    assert len(roles) > 1
    assert set(roles) == {"promptdb_owner"}


REFUSED: dict[str, tuple[str, str]] = {
    "banned": ("pg_hba.conf rejects connection", "allow this user and host in the server's pg_hba.conf"),
    "tls_only": ("no pg_hba.conf entry .* no encryption", "set sslmode=require"),
    "locked_out": ('permission denied for database "locked"', "grant the role"),
    "nobody_yet": ('role "nobody_yet" does not exist', "check the user"),
}
"""By role: what the server says and what promptdb adds."""


@pytest.fixture
def server_with_rules(own_server: PostgresServer) -> Iterator[PostgresServer]:
    rules = own_server.folder / "data" / "pg_hba.conf"
    before = rules.read_text()
    lines = ["host all banned 127.0.0.1/32 reject", "hostssl all tls_only 127.0.0.1/32 trust"]
    lines += [f"host all {name} 127.0.0.1/32 trust" for name in ("postgres", "locked_out", "nobody_yet")]
    rules.write_text("\n".join([*lines, ""]))
    own_server.execute("SELECT pg_reload_conf()")
    own_server.execute("CREATE ROLE locked_out LOGIN")
    own_server.execute("CREATE DATABASE locked TEMPLATE template0")
    own_server.execute("REVOKE CONNECT ON DATABASE locked FROM PUBLIC")
    yield own_server
    rules.write_text(before)
    own_server.execute("SELECT pg_reload_conf()")


def test_who_is_not_let_in_is_told_why_at_once(server_with_rules: PostgresServer, tmp_path: Path) -> None:
    for role, (said, hint) in REFUSED.items():
        url = server_with_rules.url("locked").replace("postgres@", f"{role}@")
        service = PromptService(settings_for(url, tmp_path))
        attempts: list[object] = []
        sa.event.listen(service.engine, "do_connect", lambda *_, seen=attempts: seen.append(1))
        with pytest.raises(StorageError, match=said) as caught:
            service.list_prompts()
        assert (hint in str(caught.value.hint), len(attempts)) == (True, 1), role
        service.close()


def test_a_server_without_a_connection_left_is_told_as_that(own_server: PostgresServer, tmp_path: Path) -> None:
    """After some attempts: it may pass."""
    own_server.execute("CREATE ROLE crowded LOGIN")
    own_server.execute("CREATE DATABASE full_house TEMPLATE template0 CONNECTION LIMIT 0")
    service = PromptService(settings_for(own_server.url("full_house").replace("postgres@", "crowded@"), tmp_path))
    with pytest.raises(StorageError, match='too many connections for database "full_house"') as caught:
        service.list_prompts()
    assert "close connections" in str(caught.value.hint)
    service.close()
