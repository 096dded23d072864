"""Words for failures of requests to web servers."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from urllib3.exceptions import HTTPError


def failure_reason(error: "HTTPError") -> str:
    """Say why a server gave no answer, or not all of it."""
    from urllib3.exceptions import NameResolutionError, NewConnectionError, SSLError
    from urllib3.exceptions import TimeoutError as TimedOut

    cause = getattr(error, "reason", None) or error
    if isinstance(cause, NameResolutionError):
        return "there is no such host"
    if isinstance(cause, NewConnectionError):
        return "nothing answers there"
    if isinstance(cause, TimedOut):
        return "the server does not answer"
    if isinstance(cause, SSLError):
        return "its certificate or its TLS is not accepted"
    return "the connection was cut"
