"""A database of every migration, with rows in every table it had, upgrades, goes back, and upgrades again."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from hooks import hook
from registries import Rows, dump, settings_for, write
from repositories import commit_all, git_in
from sampling import sampled

from promptdb.db import migrate
from promptdb.db.columns import metadata
from promptdb.db.engine import make_engine, writing
from promptdb.db.git_targets import write_git_targets
from promptdb.db.registry_id import give_turn
from promptdb.db.repository import PromptRepository
from promptdb.domain.plan import Policy
from promptdb.domain.scopes import Scope
from promptdb.project.load import load_tree
from promptdb.registry.tokens import create_token
from promptdb.service import PromptService
from promptdb.sync.sync_tree import sync_tree

NEW_COLUMNS = {("alias_events", "breaking_json")}
"""Columns that a migration added to a table: what an earlier schema has no room for is null after an upgrade."""

REVISIONS = list(reversed(migrate.known_revisions()))


@dataclass(frozen=True)
class Recorded:
    """A work tree with its repository, and every row of a registry that its life has left."""

    folder: Path
    rows: Rows
    first_commit: str


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Versions, a rename, an archived prompt, aliases that were moved, rolled back and broken, and a turn of gc."""
    folder = tmp_path_factory.mktemp("recorded")
    git = git_in(folder)
    git("init", "--quiet", "--initial-branch=main")
    (folder / ".git" / "info" / "exclude").write_text("*.sqlite3*\n.blobs\n")
    service = PromptService(settings_for(f"sqlite:///{folder}/registry.sqlite3", folder))
    migrate.upgrade(service.engine)
    root = folder / "prompts"
    asset = "assets: [{path: _data.csv}]\n"
    write(
        root,
        {"a/one.yaml": f"template: One {{x}}\n{asset}", "a/_data.csv": "1,2", "a/two.txt": "Two", "a/old.txt": "O"},
    )
    first = commit_all(git)
    sync_tree(service.reader.created, load_tree(service.settings), Policy())
    service.promote("a/one", "production")
    service.promote("a/two", "staging")
    write(
        root,
        {"a/one.yaml": f"template: One {{x}} {{y}}\n{asset}", "a/new.yaml": "template: O\nrenamed_from: [a/old]\n"},
    )
    for gone in ("a/old.txt", "a/two.txt"):
        (root / gone).unlink()
    commit_all(git)
    sync_tree(service.registry, load_tree(service.settings), Policy(prune=True, max_prune=100))
    service.promote("a/one", "production", allow_breaking=True, reason="both are given")
    service.rollback("a/one", "production")
    service.delete_alias("a/two", "staging")
    version = service.resolve("a/one")
    # Of another tree, so that the syncs of this one leave it alone.
    elsewhere = {"root": "other", "git_ref": "main", "selector": "latest", "line": 2}
    with writing(service.engine) as connection:
        give_turn(connection, to_gc=True)
        key = next(iter(PromptRepository(connection).ids([version.prompt]).values()))
        row = {"prompt_id": key, "alias": "canary", "version_id": version.id, **elsewhere}
        write_git_targets(connection, [row], [])
        answered = {"status": 200, "answer_json": "{}", "created_at": datetime.now(UTC)}
        key_row = {"token_id": 1, "key": "k", "fingerprint": "f" * 64, **answered}
        connection.execute(sa.insert(metadata.tables["idempotency_keys"]).values(**key_row))
    hook(service)
    service.promote("a/one:rev:1", "staging")
    create_token(service.registry, "ci", [Scope.parse("read@a")])
    found = dump(service.engine)
    service.close()
    (folder / "registry.sqlite3").unlink()
    return Recorded(folder, found, first)


@pytest.fixture
def empty(empty_url: str) -> Iterator[sa.Engine]:
    engine = make_engine(empty_url, Path())
    yield engine
    engine.dispose()


def columns_of(engine: sa.Engine) -> dict[str, set[str]]:
    """The tables that a database has, with their columns."""
    inspector = sa.inspect(engine)
    names = set(inspector.get_table_names()) - {"alembic_version"}
    return {name: {column["name"] for column in inspector.get_columns(name)} for name in names}


def fill(engine: sa.Engine, rows: Rows) -> Rows:
    """Insert what the schema of a database has room for; gives just that."""
    room = columns_of(engine)
    fitting = {
        name: [{key: value for key, value in row.items() if key in room[name]} for row in found]
        for name, found in rows.items()
        if name in room
    }
    with engine.begin() as connection:
        if "generations" in room:
            connection.execute(sa.delete(metadata.tables["generations"]))
        if "registries" in room:
            connection.execute(sa.text("DELETE FROM registries"))  # the one that its migration has made
        for table in metadata.sorted_tables:
            if table.name in fitting:
                connection.execute(sa.insert(table), fitting[table.name])
                if engine.dialect.name == "postgresql" and "id" in table.c and isinstance(table.c.id.type, sa.Integer):
                    sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
                    connection.execute(sa.text(f"SELECT setval({sequence}, max(id)) FROM {table.name}"))
    return fitting


def rows_of(engine: sa.Engine, like: Rows) -> Rows:
    """What a database has in the tables and columns of other rows."""
    found: Rows = {}
    with engine.connect() as connection:
        for name, rows in like.items():
            table = metadata.tables[name]
            query = sa.select(*(table.c[key] for key in rows[0]))
            found[name] = sorted(
                (dict(row) for row in connection.execute(query).mappings()),
                key=lambda row: [str(value) for value in row.values()],
            )
    return found


def require_protected(engine: sa.Engine) -> None:
    for table in ("prompt_versions", "alias_events"):
        with pytest.raises(sa.exc.DBAPIError, match=r"immutable|append-only"), engine.begin() as connection:
            connection.execute(sa.text(f"DELETE FROM {table}"))


def require_whole(engine: sa.Engine, kept: Rows, all_rows: Rows) -> None:
    """All that was there is there, what there was no room for is null or not there, and the schema is as it should be."""
    assert migrate.drift(engine) == []
    found = dump(engine)
    assert len(found["registries"]) == 1
    for name, rows in all_rows.items():
        if name not in kept:
            assert found[name] == [] or name in ("registries", "generations")
            continue
        missing = set(rows[0]) - set(kept[name][0])
        assert {(name, column) for column in missing} <= NEW_COLUMNS
        assert found[name] == [{key: None if key in missing else row[key] for key in row} for row in rows], name
    require_protected(engine)


@pytest.mark.slow
def test_every_table_has_rows(recorded: Recorded) -> None:
    assert [name for name, rows in recorded.rows.items() if not rows] == []
    assert any(row["breaking_json"] for row in recorded.rows["alias_events"])


@sampled(("sqlite",), few=[REVISIONS[0], REVISIONS[-1]])
@pytest.mark.slow
@pytest.mark.parametrize("revision", REVISIONS)
def test_a_database_of_an_earlier_release_goes_up_and_down_with_what_is_in_it(
    empty: sa.Engine, recorded: Recorded, revision: str, tmp_path: Path
) -> None:
    migrate.upgrade(empty, revision)
    kept = fill(empty, recorded.rows)
    require_protected(empty)

    migrate.upgrade(empty)
    require_whole(empty, kept, recorded.rows)

    migrate.downgrade(empty, revision)
    assert migrate.current_revision(empty) == revision
    assert columns_of(empty).keys() == kept.keys()
    assert rows_of(empty, kept) == kept
    require_protected(empty)

    migrate.upgrade(empty)
    require_whole(empty, kept, recorded.rows)
    require_usable(empty, recorded, tmp_path)


def require_usable(engine: sa.Engine, recorded: Recorded, tmp_path: Path) -> None:
    """Lookups of every kind find what they found, and a sync goes on where the last one was."""
    folder = tmp_path / "clone"
    shutil.copytree(recorded.folder, folder)
    service = PromptService(settings_for(engine.url.render_as_string(hide_password=False), folder))
    try:
        for ref in ("a/one:production", "a/one:rev:1", f"a/one:git:{recorded.first_commit}"):
            assert service.get(ref).render_text(x="1") == "One 1"
        assert service.get("a/old").renamed_to == service.get("a/new").version.prompt
        assert sync_tree(service.registry, load_tree(service.settings), Policy(prune=True)).run_id is None
        write(folder / "prompts", {"a/two.txt": "Two again", "b/three.txt": "Three"})
        commit_all(git_in(folder))
        applied = sync_tree(service.registry, load_tree(service.settings), Policy())
        assert [(str(c.prompt), c.action.value, c.revision) for c in applied.plan.changes] == [
            ("a/two", "revive", None),
            ("a/two", "update", 2),
            ("b/three", "create", 1),
        ]
        service.promote("b/three", "production")
        assert service.get("b/three:production").render_text() == "Three"
    finally:
        service.close()
