"""Which addresses webhooks may be sent to."""

from ipaddress import ip_network

import pytest

from promptdb.domain.webhooks.addresses import is_allowed, is_chosen, parse_peer

PUBLIC = ["93.184.215.14", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::1", "::ffff:8.8.8.8"]
PRIVATE = [
    *("127.0.0.1", "127.8.9.10", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("169.254.169.254", "169.254.170.2", "100.64.0.1", "100.100.100.200", "192.0.0.192", "168.63.129.16"),
    *(
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
    ),
    *(
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "100::1",
    ),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "::10.0.0.1"),
    *(
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "2002:a9fe:a9fe::",
    ),
    # Teredo, of a public server and a private client: 10.0.0.1 inverted.
    "2001:0:808:808:0:0:f5ff:fffe",
]


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is_allowed(text: str) -> None:
    assert is_allowed(parse_peer(text), [])
    assert not is_chosen(parse_peer(text), [])


@pytest.mark.parametrize("text", PRIVATE)
def test_any_other_is_refused_in_every_form(text: str) -> None:
    assert not is_allowed(parse_peer(text), [])


@pytest.mark.parametrize(
    ("text", "network", "expected"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("::ffff:10.1.2.3", "10.0.0.0/8", True),
        ("192.168.1.1", "10.0.0.0/8", False),
        ("::1", "::1/128", True),
        ("::1", "127.0.0.0/8", False),
        ("169.254.169.254", "10.0.0.0/8", False),
    ],
)
def test_a_private_network_is_allowed_if_it_is_named(text: str, network: str, expected: bool) -> None:
    peer, networks = parse_peer(text), [ip_network(network)]
    assert (is_allowed(peer, networks), is_chosen(peer, networks)) == (expected, expected)
