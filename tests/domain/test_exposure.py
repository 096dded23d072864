"""Who may reach a server without tokens: this machine, and neither a proxy nor a web page in its browser."""

import pytest

from promptdb.domain.exposure import is_loopback, reason_to_refuse, require_safe_place
from promptdb.errors import ConfigError

LOCAL = ("127.0.0.1", 8000)
LOOPBACK = ["127.0.0.1", "127.8.9.10", "::1", "localhost", "LOCALHOST", "::ffff:127.0.0.1"]
OTHERS = [
    *(
        "0.0.0.0",
        "::",
        "",
        "192.168.1.2",
        "10.0.0.1",
        "8.8.8.8",
        "example.com",
        "localhost.example.com",
        "127.0.0.1.nip.io",
    ),
    *(
        "127.1",
        "0177.0.0.1",
        "2130706433",
        "localhost.",
        "[::1]",
        "::ffff:10.0.0.1",
        "*",
        "testserver",
        "/run/api.sock",
    ),
]


@pytest.mark.parametrize("host", LOOPBACK)
def test_a_server_without_tokens_listens_on_loopback(host: str) -> None:
    assert is_loopback(host)
    require_safe_place(host, has_tokens=False)


@pytest.mark.parametrize("host", OTHERS)
def test_a_server_without_tokens_refuses_to_start_elsewhere(host: str) -> None:
    with pytest.raises(ConfigError, match="the registry has no token") as caught:
        require_safe_place(host, has_tokens=False)
    assert "promptdb token create" in str(caught.value.hint)
    require_safe_place(host, has_tokens=True)


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "[::1]", "LocalHost:1"]
)
@pytest.mark.parametrize("more", [{}, {"origin": ["http://localhost:3000"]}, {"sec-fetch-site": ["same-origin"]}])
def test_a_request_of_this_machine_is_let_in(host: str, more: dict[str, list[str]]) -> None:
    assert reason_to_refuse(LOCAL, LOCAL, {"host": [host], **more}) is None


@pytest.mark.parametrize(
    ("server", "client"),
    [
        *((LOCAL, ("192.168.1.9", 1)), (("192.168.1.2", 8000), LOCAL), (("0.0.0.0", 8000), LOCAL)),
        *((None, LOCAL), (LOCAL, None), (("/run/api.sock", None), None), (LOCAL, ("testclient", 50000))),
        (LOCAL, ("", 0)),
    ],
)
def test_a_request_of_another_machine_is_refused(
    server: tuple[str, int] | None, client: tuple[str, int] | None
) -> None:
    assert reason_to_refuse(server, client, {"host": ["localhost"]}) == "it did not come from this machine"


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"host": ["attacker.example"]}, "its Host is not"),
        ({"host": ["localhost.attacker.example:8000"]}, "its Host is not"),
        ({"host": ["127.0.0.1.nip.io"]}, "its Host is not"),
        ({"host": ["localhost", "attacker.example"]}, "its Host is not"),
        ({"host": ["attacker.example@localhost"]}, "its Host is not"),
        ({"host": ["localhost/attacker.example"]}, "its Host is not"),
        ({"host": ["localhost:99999"]}, "its Host is not"),
        ({"host": ["[::1"]}, "its Host is not"),
        ({"host": [""]}, "its Host is not"),
        ({}, "its Host is not"),
        ({"host": ["localhost"], "origin": ["https://attacker.example"]}, "it came from a web page"),
        ({"host": ["localhost"], "origin": ["null"]}, "it came from a web page"),
        ({"host": ["localhost"], "origin": [""]}, "it came from a web page"),
        ({"host": ["localhost"], "origin": ["http://localhost@attacker.example"]}, "it came from a web page"),
        ({"host": ["localhost"], "sec-fetch-site": ["cross-site"]}, "it came from a web page"),
        *[
            ({"host": ["localhost"], name: ["x"]}, "it came through a proxy")
            for name in (
                *("x-forwarded-for", "forwarded", "via", "x-real-ip", "x-forwarded-host", "x-forwarded-proto"),
                *("x-forwarded", "x-forwarded-server", "x-client-ip", "x-envoy-external-address", "x-original-host"),
                *("cf-connecting-ip", "true-client-ip", "fly-client-ip", "cdn-loop", "x-proxy-user"),
            )
        ],
    ],
)
def test_a_proxy_a_web_page_and_a_rebound_name_are_refused(headers: dict[str, list[str]], reason: str) -> None:
    assert reason in str(reason_to_refuse(LOCAL, LOCAL, headers))


@pytest.mark.parametrize(
    "name", ["x-request-id", "x-actor", "x-forward", "viable", "user-agent", "x-realm", "x-clients"]
)
def test_a_header_of_a_client_is_not_a_sign_of_a_proxy(name: str) -> None:
    assert reason_to_refuse(LOCAL, LOCAL, {"host": ["localhost"], name: ["x"]}) is None


def test_the_form_in_which_nginx_asks_by_default_is_refused() -> None:
    headers = {"host": ["127.0.0.1:8000"], "connection": ["close"]}
    assert reason_to_refuse(LOCAL, LOCAL, headers, version="1.0") == "it came through a proxy"
