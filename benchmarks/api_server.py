"""A server in a process of its own, for the benchmarks of the API."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from promptdb import AppSettings


@dataclass(frozen=True)
class Server:
    pid: int
    port: int


@contextmanager
def serving(settings: AppSettings, command: Sequence[str] = ("-m", "promptdb", "serve")) -> Iterator[Server]:
    """Run `promptdb serve`, or another server with the same options, with one worker."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "PROMPTDB_DATABASE_URL": settings.database_url.get_secret_value(),
        "PROMPTDB_LOG_LEVEL": os.environ.get("PROMPTDB_LOG_LEVEL", "info"),
    }
    log = settings.base / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command, "--port", str(port)], cwd=settings.base, env=environment, stderr=output
        )
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz").close()
                break
            except OSError:
                if process.poll() is not None:
                    sys.exit(log.read_text())
                time.sleep(0.1)
        yield Server(process.pid, port)
    finally:
        process.terminate()
        process.wait()


def processor(pid: int) -> float:
    """Return the seconds of processor time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
