"""The rule for addresses of servers that prompts come from."""

from urllib.parse import SplitResult, urlsplit

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def parse_server_address(text: str) -> SplitResult:
    """Split an address with https://, or with http:// on this machine.

    Raises:
        ValueError: the rule that the address breaks. The message does not have the address, which may hold a password.
    """
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError:
        raise ValueError("the address is malformed") from None
    if url.scheme not in ("https", "http"):
        raise ValueError("an address begins with https://")
    if "@" in url.netloc:
        raise ValueError("the address has a user or a password")
    if not url.hostname or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("the address has no host, or characters that addresses cannot have")
    if url.scheme == "http" and url.hostname not in _LOOPBACK:
        # Whoever can change what it serves changes the prompts.
        raise ValueError("a server of prompts needs https://, except on this machine")
    return url
