"""Decides who may reach a server whose registry has no token. Everyone who does may do everything."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from promptdb.errors import ConfigError

Address = tuple[str, int | None] | None
"""A host and a port as ASGI has them, or None if the server does not know."""

_OF_PROXIES = re.compile(
    "forwarded|via|cdn-loop|true-client-ip|x-(?:forwarded|real|client|cluster|envoy|original|proxy)(?:-.*)?|(?:cf|fly|fastly)-.*"
)
"""Names of headers that proxies add. A client on this machine has no use for them."""


def require_safe_place(host: str, *, has_tokens: bool) -> None:
    """Require a host on which a server may listen.

    Args:
        host: the address to listen on, or a name of one.
        has_tokens: the registry ever had a token, also one that ended.

    Raises:
        ConfigError: others could reach the server, and the registry has no token that they would need.
    """
    if not has_tokens and not is_loopback(host):
        raise ConfigError(
            f"the registry has no token, so a server on {host or 'all addresses'} would let everyone change it",
            "create one with 'promptdb token create', or listen on 127.0.0.1",
        )


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Check for an address that only this machine reaches. `localhost` is the only name that is always one."""
    if host.lower() == "localhost":
        return True
    try:
        found = ip_address(host)
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def reason_to_refuse(
    server: Address, client: Address, headers: Mapping[str, Sequence[str]], version: str = "1.1"
) -> str | None:
    """Find a reason to refuse a request that has no token, on a server that needs none. None if it is from this machine.

    Such a server may have been started by something else than `promptdb serve`, be behind a proxy, or be reached by a web page
    in a browser of this machine: through a name of its own that leads to 127.0.0.1, or by a form.

    Args:
        server: the address at which the request arrived.
        client: the address from which it came.
        headers: the values of each header, by names in lower case.
        version: that of HTTP.
    """
    if server is None or client is None or not (is_loopback(server[0]) and is_loopback(client[0])):
        return "it did not come from this machine"
    # Older nginx speaks HTTP/1.0 by default, adds no header, and makes the Host that of this server.
    if version == "1.0" or any(map(_OF_PROXIES.fullmatch, headers)):
        return "it came through a proxy"
    hosts = headers.get("host", ())
    if len(hosts) != 1 or not _is_local(f"//{hosts[0]}"):
        return "its Host is not a name of this machine"
    if any(not _is_local(origin) for origin in headers.get("origin", ())):
        return "it came from a web page"
    if any(site not in ("same-origin", "same-site", "none") for site in headers.get("sec-fetch-site", ())):
        return "it came from a web page"
    return None


def _is_local(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_more = bool(parts.path or parts.query or parts.fragment or parts.username is not None)
        return not has_more and is_loopback(parts.hostname or "") and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
