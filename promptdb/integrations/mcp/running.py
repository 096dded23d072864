"""Runs the MCP server over standard input and output, or over HTTP on this machine."""

import socket
from collections.abc import Callable

import anyio
import uvicorn
from mcp.server.stdio import stdio_server

from promptdb.errors import ConfigError
from promptdb.integrations.mcp.catalog import Catalog
from promptdb.integrations.mcp.server import PromptServer

HOST = "127.0.0.1"
PATH = "/mcp"


def serve_client(catalog: Catalog) -> None:
    """Serve one client over standard input and output, until it closes the input."""
    anyio.run(_over_stdio, PromptServer(catalog))


def serve_http(catalog: Catalog, port: int, started: Callable[[str], None]) -> None:
    """Serve clients on this machine over HTTP, until a signal.

    Args:
        catalog: the prompts.
        port: 0 for a free one.
        started: called with the address.

    Raises:
        ConfigError: the port is taken.
    """
    with _listening(port) as listener:
        started(f"http://{HOST}:{listener.getsockname()[1]}{PATH}")
        anyio.run(_over_http, PromptServer(catalog), listener)


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        raise ConfigError(f"cannot listen at port {port}: {error.strerror}", "choose another --port") from error


async def _over_stdio(server: PromptServer) -> None:
    async with stdio_server() as (incoming, outgoing), server.following():
        await server.server.run(incoming, outgoing, server.server.create_initialization_options())


async def _over_http(server: PromptServer, listener: socket.socket) -> None:
    # Refuses other hosts and origins than those of this machine, so that no web page reaches it.
    app = server.server.streamable_http_app(streamable_http_path=PATH, host=HOST)
    async with server.following():
        await uvicorn.Server(uvicorn.Config(app, log_level="warning")).serve([listener])
