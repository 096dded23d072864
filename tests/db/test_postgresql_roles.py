"""The roles that docs/storage.md tells an administrator to make are enough for what it says they do."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from postgres import PostgresServer
from registries import settings_for, write

from promptdb.db import migrate
from promptdb.domain.plan import Policy
from promptdb.errors import StorageError
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.sync.sync_tree import plan_tree, sync_tree

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "storage.md"


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
