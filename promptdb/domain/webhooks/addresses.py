"""The addresses that webhooks may be sent to: public ones, and those of private networks that a setting allows."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052
_IPV4_COMPATIBLE = ip_network("::/96")  # RFC 4291, 2.5.5.1
_GLOBAL_UNICAST = ip_network("2000::/3")
# Beside those that Python's `is_global` refuses, which depends on its release: anycast, protocol assignments, benchmarks,
# documentation (IANA's registries of special purposes), multicast, and the platform of Azure, in each of its machines.
_SPECIAL = tuple(
    map(
        ip_network,
        ("192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "224.0.0.0/3", "168.63.129.16", "2001::/23", "3fff::/20"),
    )
)


def parse_peer(text: str) -> Address:
    """Read the numeric address of a socket, without its zone."""
    return ip_address(text.partition("%")[0])


def is_allowed(peer: Address, private: Sequence[Network]) -> bool:
    """Check if webhooks may be sent to an address. Networks in `private` are allowed, whatever they are."""
    return all(_is_in(address, private) or _is_public(address) for address in _meanings(peer))


def is_chosen(peer: Address, private: Sequence[Network]) -> bool:
    """Check for an address of a network that the setting allows."""
    return all(_is_in(address, private) for address in _meanings(peer))


def _meanings(peer: Address) -> Iterator[Address]:
    """Yield the IPv4 addresses that an IPv6 address leads to, or the address itself."""
    if isinstance(peer, IPv4Address):
        yield peer
    elif peer.ipv4_mapped is not None:
        yield peer.ipv4_mapped
    elif peer.sixtofour is not None:
        yield peer.sixtofour
    elif peer.teredo is not None:
        yield from peer.teredo
    elif peer in _NAT64 or (peer in _IPV4_COMPATIBLE and int(peer) > 1):
        yield IPv4Address(int(peer) & 0xFFFFFFFF)
    else:
        yield peer


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _is_public(address: Address) -> bool:
    is_unicast = isinstance(address, IPv4Address) or address in _GLOBAL_UNICAST
    return address.is_global and is_unicast and not _is_in(address, _SPECIAL)
