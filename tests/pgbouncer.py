"""PgBouncer in transaction mode, where it is installed, in front of the session's PostgreSQL."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import psycopg
import pytest
from postgres import START_TIMEOUT, PostgresServer, as_nobody, free_port

_CONFIG = """\
[databases]
* = host=127.0.0.1 port={server} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
server_idle_timeout = 1
"""
"""Fewer connections to the server than there are clients, so that these meet what another one left behind."""


@dataclass(frozen=True)
class Pooler:
    port: int
    server: PostgresServer

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"


@pytest.fixture(scope="session")
def pooler(postgres_server: PostgresServer) -> Iterator[Pooler]:
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed (Debian: apt-get install pgbouncer)")
    port = free_port()
    config = postgres_server.folder / "pgbouncer.ini"
    config.write_text(_CONFIG.format(server=postgres_server.port, port=port))
    process = subprocess.Popen(
        [*as_nobody(), program, config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    made = Pooler(port, postgres_server)
    try:
        _wait(process, made.url("postgres"))
        yield made
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        process.wait(START_TIMEOUT)


def _wait(process: "subprocess.Popen[bytes]", url: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"pgbouncer did not start: {error}")
            time.sleep(0.01)
