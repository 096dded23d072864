"""Clocks of servers against ours: signatures of S3 expire, and times of versions are compared by people."""

import http.client
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from promptdb.maintenance.doctor.finding import DoctorFinding, fail, ok, warn

_TOLERATED, _TOO_FAR = timedelta(seconds=30), timedelta(minutes=5)
_TIMEOUT = 5.0
"""Seconds."""

_REMEDY = "set both clocks by NTP"


def compared(whose: str, offset: timedelta | None) -> Iterator[DoctorFinding]:
    """
    Args:
        whose: the other clock is, for the message.
        offset: how far it is ahead of ours; None where it is the same clock, of which there is nothing to say.
    """
    if offset is None:
        return
    detail = (
        f"that {whose} is {abs(offset.total_seconds()):.0f} s {'ahead of' if offset > timedelta() else 'behind'} ours"
    )
    if abs(offset) > _TOO_FAR:
        yield fail("clock", detail, _REMEDY)
    elif abs(offset) > _TOLERATED:
        yield warn("clock", detail, _REMEDY)
    else:
        yield ok("clock", detail)


def http_offset(endpoint: str, *, secure: bool) -> timedelta | None:
    """How far the clock of an HTTP server is ahead of ours, by the `Date` of its answer, which counts whole seconds.

    Args:
        endpoint: `host` or `host:port`.
        secure: with TLS.

    Raises:
        OSError: there was no answer.
    """
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    try:
        with closing(kind(endpoint, timeout=_TIMEOUT)) as connection:
            connection.request("HEAD", "/")
            date = connection.getresponse().getheader("Date")
    except http.client.HTTPException as error:
        raise OSError(f"no answer of HTTP from {endpoint}") from error
    return parsedate_to_datetime(date) - datetime.now(UTC) if date else None
