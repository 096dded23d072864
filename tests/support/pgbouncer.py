"""PgBouncer in transaction mode, where it is installed, in front of a PostgreSQL."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

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
{options}
"""
"""Fewer connections to the server than there are clients, so that these meet what another one left behind."""


@dataclass
class Pooler:
    port: int
    server: PostgresServer
    program: str
    config: Path
    _process: "subprocess.Popen[bytes] | None" = None

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        command = [*as_nobody(), self.program, self.config]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        _wait(self._process, self.port)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError):
            self._process.send_signal(how)
        self._process.wait(START_TIMEOUT)


@pytest.fixture(scope="session")
def pooler(postgres_server: PostgresServer) -> Iterator[Pooler]:
    """In front of the session's server."""
    with running_pooler(postgres_server) as running:
        yield running


@contextmanager
def running_pooler(server: PostgresServer, options: str = "") -> Iterator[Pooler]:
    """With more lines for its section `[pgbouncer]`."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed (Debian: apt-get install pgbouncer)")
    port = free_port()
    config = server.folder / f"pgbouncer-{port}.ini"
    config.write_text(_CONFIG.format(server=server.port, port=port, options=options))
    made = Pooler(port, server, program, config)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"pgbouncer did not start: {error}")
            time.sleep(0.01)
