"""Starts the dashboard, and decides where it may listen."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from promptdb.domain.exposure import is_loopback
from promptdb.errors import ConfigError, MissingExtra
from promptdb.settings import AppSettings

SCRIPT = Path(__file__).with_name("app.py")

MAX_MESSAGE = 32
"""Megabytes of one message to the browser."""

OPTIONS: dict[str, Any] = {
    "browser.gatherUsageStats": False,
    # An error may show prompts and secrets of this machine.
    "client.showErrorDetails": "none",
    "client.toolbarMode": "viewer",
    # Its text has addresses that Streamlit asks a server on the internet for.
    "logger.hideWelcomeMessage": True,
    "logger.level": "warning",
    "runner.magicEnabled": False,
    "server.fileWatcherType": "none",
    # The command prints its address instead.
    "server.headless": True,
    "server.maxMessageSize": MAX_MESSAGE,
    "theme.headingFontSizes": ["1.75rem", "1.375rem", "1.125rem", "1rem", "1rem", "1rem"],
    "theme.light.primaryColor": "#0b63c5",
    "theme.light.linkColor": "#0b57b0",
    "theme.dark.primaryColor": "#6cb2ff",
    "theme.dark.linkColor": "#8cc2ff",
}
"""Options of Streamlit. They win over those in files and variables."""


def require_extra() -> None:
    """Raise MissingExtra unless Streamlit is installed."""
    try:
        import streamlit  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtra("the dashboard needs Streamlit", "pip install 'promptdb-git[dashboard]'") from error


def require_safe_host(host: str, settings: AppSettings) -> None:
    """Require a host on which the dashboard may listen.

    Raises:
        ConfigError: others could reach it, and would act with the rights of whoever started it.
    """
    if is_loopback(host):
        return
    where = f"on {host}" if host else "on all addresses"
    if settings.url is None:
        hint = "set PROMPTDB_URL to the address of 'promptdb serve', so that each person uses a token, or listen on 127.0.0.1"
        raise ConfigError(f"a dashboard {where} would let everyone change the registry", hint)
    if settings.token is not None:
        hint = "unset PROMPTDB_TOKEN, so that each person enters a token, or listen on 127.0.0.1"
        raise ConfigError(f"a dashboard {where} would let everyone use the token in the settings", hint)


def free_port(host: str, port: int) -> int:
    """Check that a port is free, and choose one for 0.

    Raises:
        ConfigError: this machine does not have the address, or another program uses the port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            return int(probe.getsockname()[1])
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"cannot listen on {host} port {port}: {reason}", "choose another --host or --port"
        ) from error


def run(host: str, port: int, announce: Callable[[str], None]) -> None:
    """Serve until SIGINT, which raises KeyboardInterrupt, or SIGTERM.

    Args:
        host: an address that `require_safe_host` accepts.
        port: a port, or 0 for a free one.
        announce: called with the address of the dashboard before it starts.

    Raises:
        ConfigError: it cannot listen there.
    """
    import streamlit

    chosen = free_port(host, port)
    here = {"server.address": host, "server.port": chosen}
    if is_loopback(host):
        # Otherwise a web page could reach it through a name of its own that leads to this machine.
        here["server.allowedHosts"] = ["localhost", "127.0.0.1", "::1", host]
    announce(f"http://[{host}]:{chosen}" if ":" in host else f"http://{host}:{chosen}")
    streamlit.App(SCRIPT).run(config={**OPTIONS, **here})
