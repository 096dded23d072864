"""A registry without tokens behind servers that anyone may start on all addresses, and that believe every proxy."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from apis import API, bearer, token_of
from registries import on_sqlite
from servers import Raw, get
from waiting import until

from promptdb import AppSettings, PromptService

pytestmark = [pytest.mark.slow, on_sqlite, pytest.mark.skipif(sys.platform == "win32", reason="gunicorn needs fork")]

ANYWHERE = "0.0.0.0"
SERVERS = {
    "uvicorn": ["uvicorn", "--factory", "promptdb:create_app", "--host", ANYWHERE, "--port", "0"],
    "gunicorn with uvicorn": [
        *("gunicorn", "promptdb:create_app()", "--bind", f"{ANYWHERE}:0"),
        *("--worker-class", "uvicorn.workers.UvicornWorker", "--forwarded-allow-ips", "*"),
    ],
    "gunicorn": [
        *("gunicorn", "promptdb:create_app()", "--bind", f"{ANYWHERE}:0"),
        *("--worker-class", "asgi", "--forwarded-allow-ips", "*"),
    ],
}
LOCAL = "127.0.0.1"
REQUESTS: list[tuple[bool, dict[str, str], int]] = [
    (True, {}, 200),
    (True, {"X-Forwarded-For": LOCAL}, 403),
    (True, {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}, 403),
    (True, {"Forwarded": "for=127.0.0.1;host=localhost"}, 403),
    (True, {"Origin": "https://attacker.example"}, 403),
    (False, {}, 403),
    (False, {"X-Forwarded-For": LOCAL}, 403),
    (False, {"X-Forwarded-For": LOCAL, "X-Forwarded-Host": "localhost", "X-Forwarded-Port": "8000"}, 403),
    (False, {"Forwarded": "for=127.0.0.1;host=localhost", "X-Real-IP": LOCAL}, 403),
]
"""Whether a request comes over loopback, its headers beside a Host of this machine, and the status of its answer."""


def own_address() -> str | None:
    """An address of this machine that others reach. No packet is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened, suppress(OSError):
        opened.connect(("192.0.2.254", 9))
        found: str = opened.getsockname()[0]
        return None if found.startswith("127.") else found
    return None


@contextmanager
def started(arguments: list[str], settings: AppSettings) -> Iterator[int]:
    """The port of a server."""
    given = {"PROMPTDB_DATABASE_URL": settings.database_url.get_secret_value(), "FORWARDED_ALLOW_IPS": "*"}
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=settings.base,
        env={**os.environ, **given},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stderr is not None
    try:
        lines = iter(process.stderr)
        port = next(int(found[1]) for line in lines if (found := re.search(rb"http://0\.0\.0\.0:(\d+)", line)))
        # uvicorn names the port before it listens.
        until(lambda: _listens(port))
        yield port
    finally:
        # With its workers, which a supervisor that is killed would leave.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stderr.close()


def _listens(port: int) -> bool:
    with socket.socket() as opened:
        return opened.connect_ex((LOCAL, port)) == 0


@pytest.mark.parametrize("arguments", SERVERS.values(), ids=SERVERS)
def test_a_registry_without_tokens_is_for_this_machine_whoever_serves_it(
    service: PromptService, arguments: list[str]
) -> None:
    address = own_address()
    with started(arguments, service.settings) as port:
        for is_local, headers, status in REQUESTS:
            host = LOCAL if is_local else address
            if host is not None:
                with Raw(port, get(f"{API}/prompts", **headers), host) as raw:
                    assert raw.head()[0] == status, (host, headers)
        if address is not None:
            token = bearer(token_of(service, "read"))
            with Raw(port, get(f"{API}/prompts", **token), address) as raw:
                assert raw.head()[0] == 200
