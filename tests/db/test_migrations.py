"""The schema: made by migrations alone, the same on both databases, refused with a remedy where it is not as it should be."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from postgres import PostgresServer
from workers import killed_at, open_registry, together, upgrade_schema

from promptdb.db import migrate
from promptdb.db.columns import metadata
from promptdb.db.engine import create_missing, make_engine
from promptdb.errors import ConfigError

CHECKOUT = Path(__file__).resolve().parents[2]


@contextmanager
def engine_for(url: str) -> Iterator[sa.Engine]:
    engine = make_engine(url, Path())
    try:
        yield engine
    finally:
        engine.dispose()


@pytest.fixture
def empty(empty_url: str) -> Iterator[sa.Engine]:
    with engine_for(empty_url) as engine:
        yield engine


def execute(engine: sa.Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


def tables_of(engine: sa.Engine) -> set[str]:
    return set(sa.inspect(engine).get_table_names())


def test_an_upgrade_of_an_empty_database_makes_exactly_the_tables(empty: sa.Engine) -> None:
    migrate.upgrade(empty)
    assert tables_of(empty) == {*metadata.tables, "alembic_version"}
    assert migrate.drift(empty) == []
    assert migrate.current_revision(empty) == migrate.HEAD


@pytest.mark.slow
def test_a_second_upgrade_changes_nothing(empty: sa.Engine) -> None:
    migrate.upgrade(empty)
    migrate.upgrade(empty)
    assert migrate.drift(empty) == []


def test_a_downgrade_to_base_leaves_nothing_and_an_upgrade_brings_it_back(empty: sa.Engine) -> None:
    migrate.upgrade(empty)
    migrate.downgrade(empty, "base")
    assert tables_of(empty) == {"alembic_version"}
    assert migrate.current_revision(empty) is None
    migrate.upgrade(empty)
    assert migrate.drift(empty) == []
    assert migrate.current_revision(empty) == migrate.HEAD


def test_a_downgrade_leaves_no_functions_or_triggers_behind(empty: sa.Engine) -> None:
    migrate.upgrade(empty)
    migrate.downgrade(empty, "base")
    query = {
        "sqlite": "SELECT count(*) FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT count(*) FROM pg_proc WHERE proname LIKE '%refuse_change'",
    }[empty.dialect.name]
    with empty.connect() as connection:
        assert connection.execute(sa.text(query)).scalar() == 0


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE prompts ADD COLUMN surplus VARCHAR(10)",
        "DROP INDEX ix_alias_events_prompt_id_alias",
        "DROP TABLE prompt_redirects",
    ],
)
def test_drift_tells_what_was_changed_by_hand(empty: sa.Engine, statement: str) -> None:
    migrate.upgrade(empty)
    execute(empty, statement)
    assert migrate.drift(empty) != []


@pytest.mark.parametrize("trigger", ["prompt_versions_no_update", "alias_events_no_update"])
def test_drift_tells_that_history_is_no_longer_protected(empty: sa.Engine, trigger: str) -> None:
    migrate.upgrade(empty)
    on_table = f" ON {trigger.partition('_no_')[0]}" if empty.dialect.name == "postgresql" else ""
    execute(empty, f"DROP TRIGGER {trigger}{on_table}")
    assert migrate.drift(empty) == [f"no trigger {trigger}"]


def test_drift_tells_of_a_disabled_trigger(postgres: PostgresServer) -> None:
    with engine_for(postgres.url(postgres.create_database())) as engine:
        migrate.upgrade(engine)
        execute(engine, "ALTER TABLE prompt_versions DISABLE TRIGGER USER")
        assert migrate.drift(engine) == [
            "no trigger prompt_versions_no_truncate",
            "no trigger prompt_versions_no_update",
        ]


def test_the_head_that_the_code_knows_is_the_newest_script() -> None:
    assert migrate.known_revisions()[0] == migrate.HEAD


def test_the_scripts_are_one_line_without_branches() -> None:
    names = sorted(path.name for path in (CHECKOUT / "alembic" / "versions").glob("*.py"))
    assert [name.partition("_")[0] for name in names] == list(reversed(migrate.known_revisions()))


def test_the_folder_of_migrations_is_no_package_that_would_hide_alembic_itself() -> None:
    assert list((CHECKOUT / "alembic").rglob("__init__.py")) == []


def test_every_constraint_of_the_tables_has_a_name() -> None:
    unnamed = [
        f"{table.name}: {constraint!r}"
        for table in metadata.sorted_tables
        for constraint in (*table.constraints, *table.indexes)
        if not constraint.name
    ]
    assert unnamed == []


def test_every_constraint_of_the_database_has_the_name_that_the_tables_give_it(empty: sa.Engine) -> None:
    migrate.upgrade(empty)
    inspector = sa.inspect(empty)
    for table in metadata.sorted_tables:
        found = {
            inspector.get_pk_constraint(table.name)["name"],
            *(entry["name"] for entry in inspector.get_foreign_keys(table.name)),
            *(entry["name"] for entry in inspector.get_unique_constraints(table.name)),
            *(entry["name"] for entry in inspector.get_check_constraints(table.name)),
        }
        if empty.dialect.name == "sqlite" and None in found:
            # SQLite takes AUTOINCREMENT only where no name fits
            found = found - {None} | {str(table.primary_key.name)}
        assert found == {str(constraint.name) for constraint in table.constraints}, table.name


def test_postgresql_stores_times_with_their_zone(postgres: PostgresServer) -> None:
    with engine_for(postgres.url(postgres.create_database())) as engine:
        migrate.upgrade(engine)
        query = (
            "SELECT DISTINCT data_type FROM information_schema.columns "
            "WHERE table_schema = 'public' AND (column_name LIKE '%\\_at' OR data_type LIKE 'timestamp%')"
        )
        with engine.connect() as connection:
            assert connection.execute(sa.text(query)).scalars().all() == ["timestamp with time zone"]


# What opening a registry does about the schema


def test_an_empty_database_is_made_ready_on_sqlite_and_refused_on_postgresql(empty: sa.Engine) -> None:
    if empty.dialect.name == "sqlite":
        migrate.ensure_schema(empty)
        assert migrate.current_revision(empty) == migrate.HEAD
    else:
        with pytest.raises(ConfigError, match="is empty; this promptdb needs") as caught:
            migrate.ensure_schema(empty)
        assert str(caught.value.hint).endswith("run: promptdb db upgrade")
        assert tables_of(empty) == set()


def test_a_database_that_was_downgraded_to_nothing_counts_as_empty(empty: sa.Engine) -> None:
    migrate.upgrade(empty)
    migrate.downgrade(empty, "base")
    migrate.upgrade(empty)
    # Raises if the schema is not the newest.
    migrate.ensure_schema(empty)


def test_a_schema_that_is_up_to_date_is_left_alone(empty: sa.Engine) -> None:
    migrate.upgrade(empty)
    tables = tables_of(empty)
    migrate.ensure_schema(empty)
    assert tables_of(empty) == tables


def test_a_stamp_of_something_unknown_asks_for_a_newer_promptdb(empty: sa.Engine) -> None:
    migrate.upgrade(empty)
    execute(empty, "UPDATE alembic_version SET version_num = 'f00d'")
    for act in (migrate.ensure_schema, migrate.upgrade):
        with pytest.raises(ConfigError, match="is f00d, which this promptdb does not know") as caught:
            act(empty)
        assert caught.value.hint == "upgrade promptdb"


def test_an_outdated_stamp_asks_for_an_upgrade(empty: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate.upgrade(empty)
    now = migrate.HEAD
    monkeypatch.setattr(migrate, "HEAD", "9999")  # as a later release has it, which still knows this one's scripts
    with pytest.raises(ConfigError, match=rf"is at {now}; this promptdb needs 9999") as caught:
        migrate.ensure_schema(empty)
    assert str(caught.value.hint).endswith("run: promptdb db upgrade")


def test_a_database_with_tables_of_something_else_is_refused_and_left_as_it_is(empty: sa.Engine) -> None:
    create_missing(empty)
    execute(empty, "CREATE TABLE customers (id INTEGER)")
    for act in (migrate.ensure_schema, migrate.upgrade):
        with pytest.raises(ConfigError, match="holds tables that are not promptdb's") as caught:
            act(empty)
        assert caught.value.hint == "give promptdb a database of its own"
    assert tables_of(empty) == {"customers"}


def test_a_message_about_the_schema_names_the_database_but_no_password(postgres: PostgresServer) -> None:
    name = postgres.create_database()
    url = sa.make_url(postgres.url(name)).set(password="hunter2").render_as_string(hide_password=False)
    with engine_for(url) as engine, pytest.raises(ConfigError) as caught:
        migrate.ensure_schema(engine)
    assert f"/{name} " in caught.value.message
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint} {engine!r}"


def test_a_failing_upgrade_leaves_nothing_behind(empty: sa.Engine) -> None:
    """All or none: the migration makes eight tables before it comes to this one."""

    def fail(*arguments: object) -> None:
        if "CREATE TABLE version_sources" in str(arguments[2]):
            raise KeyboardInterrupt

    sa.event.listen(empty, "before_cursor_execute", fail)
    with pytest.raises(KeyboardInterrupt):
        migrate.upgrade(empty)
    assert tables_of(empty) == set()


# Several at once


@pytest.mark.slow
def test_eight_processes_open_the_same_empty_sqlite_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'registry.sqlite3'}"
    assert together(open_registry, [(url, tmp_path)] * 8) == [0] * 8
    with engine_for(url) as engine:
        assert migrate.drift(engine) == []


@pytest.mark.slow
def test_eight_processes_upgrade_the_same_empty_database(empty_url: str, tmp_path: Path) -> None:
    assert together(upgrade_schema, [(empty_url, tmp_path)] * 8) == ["upgraded"] * 8
    with engine_for(empty_url) as engine:
        assert migrate.drift(engine) == []


def test_a_schema_that_another_process_makes_while_we_look_is_as_good_as_ours(tmp_path: Path) -> None:
    """The other one commits between the look at the version and the look at the tables."""
    url = f"sqlite:///{tmp_path / 'registry.sqlite3'}"
    transactions = 0
    with engine_for(url) as ours, engine_for(url) as theirs:

        def meanwhile(_: sa.Connection) -> None:
            nonlocal transactions
            transactions += 1
            if transactions == 2:
                migrate.upgrade(theirs)

        sa.event.listen(ours, "begin", meanwhile, insert=True)
        migrate.ensure_schema(ours)
        assert migrate.current_revision(ours) == migrate.HEAD


def test_readers_of_a_new_sqlite_file_do_not_wait_for_the_writer(tmp_path: Path) -> None:
    with engine_for(f"sqlite:///{tmp_path / 'registry.sqlite3'}") as engine:
        migrate.ensure_schema(engine)
        with engine.connect() as connection:
            assert connection.execute(sa.text("PRAGMA journal_mode")).scalar() == "wal"


# The alembic command line, which is for developers


@pytest.mark.slow
def test_the_alembic_command_line_works_on_the_database_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'registry.sqlite3'}"
    monkeypatch.setenv("PROMPTDB_DATABASE_URL", url)
    command = [sys.executable, "-m", "alembic", "upgrade", "head"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with engine_for(url) as engine:
        assert migrate.drift(engine) == []
        migrate.ensure_schema(engine)


def test_the_template_of_new_scripts_gives_one_that_runs(
    empty: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alembic import command

    migrate.upgrade(empty)
    scripts = tmp_path / "alembic"
    shutil.copytree(CHECKOUT / "alembic", scripts)
    config = migrate._config()
    config.set_main_option("script_location", str(scripts))
    command.revision(config, "next one", rev_id="9999")
    [script] = scripts.glob("versions/9999*.py")
    text = script.read_text()
    assert re.search(rf"down_revision = '{migrate.HEAD}'", text)
    script.write_text(text.replace("    pass", "    op.add_column('prompts', sa.Column('x', sa.String(8)))", 1))
    with empty.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    assert "x" in {column["name"] for column in sa.inspect(empty).get_columns("prompts")}


def test_a_database_path_with_a_percent_sign_works(tmp_path: Path) -> None:
    """Percent signs mean something to Alembic's configuration and to URLs."""
    folder = tmp_path / "100% (d)"
    folder.mkdir()
    with engine_for(f"sqlite:///{folder}/registry.sqlite3") as engine:
        migrate.ensure_schema(engine)
    assert (folder / "registry.sqlite3").is_file()


@pytest.mark.slow
def test_a_new_sqlite_file_is_made_ready_after_a_kill_at_any_step(tmp_path: Path) -> None:
    step = 1
    while killed_at(step, open_registry, f"sqlite:///{tmp_path}/step-{step}.sqlite3", tmp_path):
        assert open_registry(f"sqlite:///{tmp_path}/step-{step}.sqlite3", tmp_path) == 0, f"killed at step {step}"
        step += 13
    assert step > 20
