"""Databases, settings and services for tests, on both kinds of database; and ways to look at what is in them."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from postgres import PostgresServer
from s3 import ACCESS_KEY, SECRET_KEY, S3Server

from promptdb.client.client import PromptClient
from promptdb.client.sources.database import DatabaseSource
from promptdb.db.columns import metadata, registries
from promptdb.db.engine import make_engine
from promptdb.db.migrate import upgrade
from promptdb.domain.plan import Policy
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.settings import AppSettings
from promptdb.sync.apply import Applied
from promptdb.sync.sync_tree import sync_tree

BACKENDS = ("sqlite", "postgresql")
STORES = ("local", "minio")

on_sqlite = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
"""For what the database has no part in."""

on_postgresql = pytest.mark.parametrize("backend", ["postgresql"], indirect=True)

NewDatabase = Callable[..., str]
NewRegistry = Callable[..., PromptService]
Fill = Callable[[PromptService], None]
Recorded = Callable[..., PromptService]
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Whoever uses a database runs once on each kind."""
    kind: str = request.param
    return kind


@pytest.fixture(params=STORES)
def store_kind(request: pytest.FixtureRequest) -> str:
    """Whoever asks for `blob_settings` runs once on each kind of blob store."""
    kind: str = request.param
    return kind


@pytest.fixture
def blob_settings(store_kind: str, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Settings of a store with nothing in it, to go with `settings_for`."""
    return {} if store_kind == "local" else s3_settings(request.getfixturevalue("s3_server"))


def s3_settings(server: S3Server) -> dict[str, Any]:
    """Of a bucket that is not there yet."""
    return {
        "storage_backend": "minio",
        "minio_endpoint": server.endpoint,
        "minio_bucket": server.new_bucket_name(),
        "minio_access_key": ACCESS_KEY,
        "minio_secret_key": SECRET_KEY,
        "minio_secure": False,
    }


@pytest.fixture
def postgres(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    """The server; the databases that a test makes in it go when the test is over."""
    yield postgres_server
    postgres_server.drop_databases()


@pytest.fixture
def empty_url(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A database with nothing in it. The file of SQLite is not there yet."""
    if backend == "sqlite":
        return f"sqlite:///{tmp_path / 'registry.sqlite3'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.url(server.create_database())


@pytest.fixture
def new_database(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> NewDatabase:
    """Make a database with the schema and nothing else; gives its URL."""
    if backend == "postgresql":
        request.getfixturevalue("postgres")  # takes them away again
    return partial(request.getfixturevalue("migrated_database"), backend, tmp_path)


@pytest.fixture
def database_url(new_database: NewDatabase) -> str:
    """A database with the schema and nothing else."""
    return new_database()


@pytest.fixture
def settings(database_url: str, tmp_path: Path, tree: Path) -> AppSettings:
    """A registry for the prompts root `tree`."""
    return settings_for(database_url, tmp_path)


@pytest.fixture
def service(settings: AppSettings) -> Iterator[PromptService]:
    opened = PromptService(settings)
    yield opened
    opened.close()


@pytest.fixture
def engine(service: PromptService) -> sa.Engine:
    return service.engine


@pytest.fixture
def sync(service: PromptService) -> Callable[..., Applied]:
    """Read the tree and sync it, with the options of a `Policy` and `keep_going`."""

    def run(*, keep_going: bool = False, **policy: Any) -> Applied:
        return sync_tree(service.registry, load_tree(service.settings), Policy(**policy), keep_going=keep_going)

    return run


@pytest.fixture
def recorded(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Recorded]:
    """A registry that a function has filled. The work is done once in a session; each test gets a copy to itself.

    Only where asked, the prompt files are there too.
    """
    if backend == "postgresql":
        request.getfixturevalue("postgres")
    opened: list[PromptService] = []

    def copy(fill: Fill, *, files: bool = False) -> PromptService:
        template: _Template = request.getfixturevalue("_templates")(backend, fill)
        url = _copy(request, backend, template.database, tmp_path)
        shutil.copytree(template.folder / ".blobs", tmp_path / ".blobs")
        if files:
            shutil.copytree(template.folder / "prompts", tmp_path / "prompts", dirs_exist_ok=True)
        opened.append(PromptService(settings_for(url, tmp_path)))
        return opened[-1]

    yield copy
    for service in opened:
        service.close()


@pytest.fixture
def new_registry(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[NewRegistry]:
    """Make a registry of its own with nothing in it: `(backend, store_kind)`, by default SQLite and a folder."""
    opened: list[PromptService] = []

    def make(backend: str = "sqlite", store_kind: str = "local") -> PromptService:
        if backend == "postgresql":
            request.getfixturevalue("postgres")
        folder = tmp_path / f"registry-{len(opened)}"
        folder.mkdir()
        url = request.getfixturevalue("migrated_database")(backend, folder)
        blobs = {} if store_kind == "local" else s3_settings(request.getfixturevalue("s3_server"))
        opened.append(PromptService(settings_for(url, folder, **blobs)))
        with opened[-1].engine.begin() as connection:  # a copy of a template has its id, too
            connection.execute(sa.update(registries).values(id=uuid4()))
        return opened[-1]

    yield make
    for service in opened:
        service.close()


@dataclass
class _Template:
    database: Any
    folder: Path


@pytest.fixture(scope="session")
def _templates(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Callable[[str, Fill], _Template]:
    made: dict[tuple[str, Fill], _Template] = {}

    def template(backend: str, fill: Fill) -> _Template:
        if (backend, fill) not in made:
            folder = tmp_path_factory.mktemp("template")
            database: Any = folder / "registry.sqlite3"
            url = f"sqlite:///{database}"
            if backend == "postgresql":
                server: PostgresServer = request.getfixturevalue("postgres_server")
                database = server.create_database(name=f"template_{len(made)}")
                url = server.url(database)
            _migrate(url)
            service = PromptService(settings_for(url, folder))
            fill(service)
            service.close()
            made[backend, fill] = _Template(database, folder)
        return made[backend, fill]

    return template


def _copy(request: pytest.FixtureRequest, backend: str, template: Any, folder: Path, name: str = "registry") -> str:
    if backend == "sqlite":
        shutil.copyfile(template, folder / f"{name}.sqlite3")
        return f"sqlite:///{folder / name}.sqlite3"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.url(server.create_database(template))


@pytest.fixture(scope="session")
def migrated_database(request: pytest.FixtureRequest) -> Callable[..., str]:
    """Make a database with the schema for whatever scope: `(backend, folder, name)` gives its URL."""

    def make(backend: str, folder: Path, name: str = "registry") -> str:
        return _copy(request, backend, request.getfixturevalue(f"_migrated_{backend}"), folder, name)

    return make


@pytest.fixture(scope="session")
def _migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("sqlite") / "migrated.sqlite3"
    _migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def _migrated_postgresql(postgres_server: PostgresServer) -> str:
    name = postgres_server.create_database(name="migrated")
    _migrate(postgres_server.url(name))
    return name


def _migrate(url: str) -> None:
    engine = make_engine(url, Path())
    upgrade(engine)
    engine.dispose()


def settings_for(url: str, base: Path, **more: Any) -> AppSettings:
    """Settings whose actor and folders do not depend on who runs the tests."""
    return AppSettings(base=base, database_url=url, actor="tester", **more)


def dump(engine: sa.Engine) -> Rows:
    """Every row of every table, in an order that does not depend on the database."""
    with engine.connect() as connection:
        return {
            table.name: sorted(
                (dict(row) for row in connection.execute(sa.select(table)).mappings()),
                key=lambda row: [str(value) for value in row.values()],
            )
            for table in metadata.sorted_tables
        }


def rows(engine: sa.Engine, table: str) -> list[dict[str, Any]]:
    """The rows of one table, in the order of their numbers where they have any."""
    found = metadata.tables[table]
    order = found.c.id if "id" in found.c and isinstance(found.c.id.type, sa.Integer) else None
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(sa.select(found).order_by(order)).mappings()]


def write(folder: Path, files: dict[str, str | bytes]) -> None:
    """Files by their paths below a folder."""
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())


def take_name(service: PromptService, name: str, text: str) -> None:
    """Record a new prompt under the old name of another one, as a sync does. A registration refuses it."""
    write(service.settings.prompts_path, {f"{name}.txt": text})
    sync_tree(service.registry, load_tree(service.settings), Policy())


def client_of(service: PromptService) -> PromptClient:
    """A client on the connections of a service."""
    return PromptClient(DatabaseSource(service.settings, service.reader))
