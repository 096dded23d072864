"""Clients that start before their registry can be used: what they say, and that they are ready once it is repaired."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
import registries
from pgbouncer import running_pooler
from postgres import PostgresServer, free_port
from proxy import proxy_to
from registries import settings_for
from waiting import until

from promptdb.client import health
from promptdb.client.client import PromptClient
from promptdb.db import retry
from promptdb.domain.delivery import Reason, Status
from promptdb.errors import ConfigError, PromptDBError, StorageError
from promptdb.service import PromptService

REF = "a/one:production"
FULL = "registry"
"""The database of PostgreSQL that has the prompt."""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_PATIENCE", 0.05)
    monkeypatch.setattr(health, "FIRST_RETRY", 0.05)
    monkeypatch.setattr(health, "LAST_RETRY", 0.1)


def fill(url: str, base: Path) -> None:
    with PromptService(settings_for(url, base)) as service:
        service.register_text("a/one", "one", alias="production")


@dataclass
class Place:
    """What a case breaks. Whatever it opens ends with the test."""

    base: Path
    server: PostgresServer | None = None
    opened: ExitStack = field(default_factory=ExitStack)

    @property
    def postgres(self) -> PostgresServer:
        assert self.server is not None
        return self.server

    def url_as(self, user: str, database: str = FULL, port: int | None = None) -> str:
        return f"postgresql://{user}@127.0.0.1:{port or self.postgres.port}/{database}"


def check(url: str, base: Path, kind: type[PromptDBError], message: str, repair: Callable[[], object]) -> None:
    with PromptClient.from_settings(settings_for(url, base)) as client:
        for use in (lambda: client.get(REF), lambda: client.wait_ready(0.01), lambda: client.preload("production")):
            with pytest.raises(kind, match=message) as caught:
                use()
            assert caught.value.hint
        assert client.status() is Status.ERROR
        assert client.get(REF, fallback="Hello").reason is Reason.DEFAULT
        repair()
        until(lambda: client.status() is Status.READY)
        assert client.get(REF).render_text() == "one"


# SQLite: a file, its folder, and what is in it


def folder(base: Path) -> tuple[str, Callable[[], object]]:
    url = f"sqlite:///{base}/gone/registry.sqlite3"

    def repair() -> None:
        (base / "gone").mkdir()
        fill(url, base)

    return url, repair


def file(base: Path) -> tuple[str, Callable[[], object]]:
    url = f"sqlite:///{base}/registry.sqlite3"
    return url, lambda: fill(url, base)


def content(base: Path) -> tuple[str, Callable[[], object]]:
    (base / "registry.sqlite3").write_text("It only pretends to be a database.\n" * 100)
    fill(f"sqlite:///{base}/good.sqlite3", base)
    return f"sqlite:///{base}/registry.sqlite3", lambda: (base / "good.sqlite3").replace(base / "registry.sqlite3")


@pytest.mark.parametrize(
    ("break_", "kind", "message"),
    [
        (folder, StorageError, r"there is no folder .*/gone for the database"),
        (file, ConfigError, r"there is no database sqlite:///.*registry.sqlite3"),
        (content, StorageError, "file is not a database"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_missing_on_disk_is_said_and_may_come_later(
    tmp_path: Path,
    break_: Callable[[Path], tuple[str, Callable[[], object]]],
    kind: type[PromptDBError],
    message: str,
) -> None:
    url, repair = break_(tmp_path)
    check(url, tmp_path, kind, message, repair)


# PostgreSQL: the way to it, and what it allows


@pytest.fixture(scope="module")
def full_server(own_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> PostgresServer:
    own_server.create_database(name=FULL)
    registries._migrate(own_server.url(FULL))
    fill(own_server.url(FULL), tmp_path_factory.mktemp("full"))
    own_server.execute("CREATE ROLE app LOGIN PASSWORD 'right'")
    own_server.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO app", database=FULL)
    rules = own_server.folder / "data/pg_hba.conf"
    rules.write_text("host all app 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
    own_server.execute("SELECT pg_reload_conf()")
    return own_server


@pytest.fixture
def place(full_server: PostgresServer, tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as opened:
        yield Place(tmp_path, full_server, opened)


def port(place: Place) -> tuple[str, Callable[[], object]]:
    at = free_port()
    return place.url_as("postgres", port=at), lambda: place.opened.enter_context(proxy_to(place.postgres.port, at=at))


def password(place: Place) -> tuple[str, Callable[[], object]]:
    place.postgres.execute("ALTER ROLE app PASSWORD 'right'")
    return place.url_as("app:other"), lambda: place.postgres.execute("ALTER ROLE app PASSWORD 'other'")


def privileges(place: Place) -> tuple[str, Callable[[], object]]:
    place.postgres.execute("CREATE ROLE stranger LOGIN")
    grant = "GRANT SELECT ON ALL TABLES IN SCHEMA public TO stranger"
    return place.url_as("stranger"), lambda: place.postgres.execute(grant, database=FULL)


def database(place: Place) -> tuple[str, Callable[[], object]]:
    return place.url_as("postgres", "later"), lambda: place.postgres.create_database(FULL, "later")


def schema(place: Place) -> tuple[str, Callable[[], object]]:
    url = place.postgres.url(place.postgres.create_database())

    def repair() -> None:
        registries._migrate(url)
        fill(url, place.base)

    return url, repair


def connections(place: Place) -> tuple[str, Callable[[], object]]:
    place.postgres.execute("ALTER ROLE app PASSWORD 'right' CONNECTION LIMIT 0")
    return place.url_as("app:right"), lambda: place.postgres.execute("ALTER ROLE app CONNECTION LIMIT -1")


def pool(place: Place) -> tuple[str, Callable[[], object]]:
    pooler = place.opened.enter_context(running_pooler(place.postgres, "max_client_conn = 1"))
    taken = place.opened.enter_context(closing(psycopg.connect(pooler.url(FULL))))
    return pooler.url(FULL), taken.close


@pytest.mark.slow
@pytest.mark.parametrize(
    ("break_", "kind", "message"),
    [
        (port, StorageError, "Connection refused"),
        (password, StorageError, "password authentication failed"),
        (privileges, StorageError, "permission denied"),
        (database, StorageError, 'database "later" does not exist'),
        (schema, ConfigError, "promptdb"),
        (connections, StorageError, "too many connections"),
        (pool, StorageError, "no more connections allowed"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_wrong_with_a_server_is_said_and_may_be_repaired(
    place: Place, break_: Callable[[Place], tuple[str, Callable[[], object]]], kind: type[PromptDBError], message: str
) -> None:
    url, repair = break_(place)
    check(url, place.base, kind, message, repair)
