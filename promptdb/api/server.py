"""Runs the app with uvicorn, in this process or in several."""

import errno
import logging
import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING

from promptdb.api.logs import logging_of
from promptdb.api.metrics_folder import forget_worker, metrics_folder
from promptdb.api.open_files import raise_limit
from promptdb.errors import ConfigError, MissingExtra
from promptdb.settings import AppSettings

if TYPE_CHECKING:
    from uvicorn import Config

_log = logging.getLogger("promptdb.api")

GRACE_SECONDS = 20
"""The time that requests have to end when the server stops. Orchestrators often kill after 30 seconds."""

BACKLOG = 2048


def require_extra() -> None:
    """Raise MissingExtra unless the libraries of the server are installed."""
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtra("the HTTP API needs FastAPI and uvicorn", "pip install 'promptdb-git[api]'") from error


def listen(host: str, port: int) -> list[socket.socket]:
    """Open sockets at all addresses of a host, so that nothing is loaded in vain if the port is taken.

    Raises:
        ConfigError: the host has no address, or the port cannot be used.
    """
    flags = socket.AI_PASSIVE
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    except (OSError, UnicodeError) as error:
        raise ConfigError(
            f"cannot find the host {host!r}: {error}", "--host takes an address, such as 0.0.0.0"
        ) from error
    with ExitStack() as opened:
        sockets: list[socket.socket] = []
        for family, _, _, _, address in dict.fromkeys(found):
            # Port 0 is a free one, which is then the same for all addresses.
            chosen = sockets[0].getsockname()[1] if sockets else port
            sockets.append(opened.enter_context(_bound(family, (address[0], chosen, *address[2:]))))
        opened.pop_all()
        return sockets


def _bound(family: int, address: tuple[str | int, ...]) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":
            # Otherwise a restart would fail while connections of the former process end.
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind(address)
        # At once, so that a second server on this port fails here.
        opened.listen(BACKLOG)
        opened.set_inheritable(True)
    except OSError as error:
        opened.close()
        place = f"{address[0]} port {address[1]}"
        hint = "another program uses it: choose another --port" if error.errno == errno.EADDRINUSE else None
        raise ConfigError(f"cannot listen on {place}: {error.strerror}", hint) from error
    return opened


def url_of(opened: socket.socket, prefix: str) -> str:
    host, port, *_ = opened.getsockname()
    return f"http://[{host}]:{port}{prefix}" if ":" in host else f"http://{host}:{port}{prefix}"


def run(settings: AppSettings, sockets: Sequence[socket.socket], workers: int, *, has_tokens: bool) -> bool:
    """Serve until SIGINT or SIGTERM, which end requests first. Return whether the app could start.

    Each process makes the app itself, with settings of the environment and of the current folder. The log is text on a
    terminal, and otherwise JSON.

    Raises:
        KeyboardInterrupt: SIGINT has ended the server.
    """
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    raise_limit()
    config = _config(settings, workers)
    processes = "1 worker" if workers == 1 else f"{workers} workers"
    _log.info("serving %s with %s", url_of(sockets[0], settings.api_prefix), processes)
    if not has_tokens:
        _log.warning("the registry has no access token: every program on this machine may do everything")
    if workers == 1:
        server = uvicorn.Server(config)
        # uvicorn raises the signal again when all is done.
        server.run(list(sockets))
        return server.started

    class Workers(Multiprocess):
        is_interrupted = False

        def handle_int(self) -> None:
            self.is_interrupted = True
            super().handle_int()

        def keep_subprocess_alive(self) -> None:
            before = {process.pid for process in self.processes}
            super().keep_subprocess_alive()
            if settings.enable_metrics:
                for ended in before - {process.pid for process in self.processes}:
                    forget_worker(ended or 0)

    with metrics_folder() if settings.enable_metrics else nullcontext():
        supervisor = Workers(config, list(sockets))
        supervisor.run()
    if supervisor.is_interrupted:
        raise KeyboardInterrupt
    return not any(process.exitcode == uvicorn.config.STARTUP_FAILURE for process in supervisor.processes)


def _config(settings: AppSettings, workers: int) -> "Config":
    from uvicorn import Config

    from promptdb.api.connections import IDLE_SECONDS, MAX_HEADERS, Connection

    return Config(
        "promptdb:create_app",
        factory=True,
        http=Connection,
        ws="none",
        lifespan="on",
        workers=workers,
        log_config=logging_of(settings.log_level, as_text=sys.stderr.isatty()),
        access_log=False,
        # It would believe whoever is on this machine. The peer is who it is.
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        h11_max_incomplete_event_size=MAX_HEADERS,
    )
