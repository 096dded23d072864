"""Compares clocks of servers with the local one: S3's signatures expire, and people compare times of versions."""

import http.client
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from promptdb.maintenance.doctor.finding import DoctorFinding, fail, ok, warn

_TOLERATED, _TOO_FAR = timedelta(seconds=30), timedelta(minutes=5)
_TIMEOUT = 5.0  # seconds
_REMEDY = "set both clocks by NTP"


def compared(whose: str, offset: timedelta | None) -> Iterator[DoctorFinding]:
    """Judge how far the clock `whose` is ahead of the local one. An offset of None means that they are the same clock."""
    if offset is None:
        return
    direction = "ahead of" if offset > timedelta() else "behind"
    detail = f"that {whose} is {abs(offset.total_seconds()):.0f} s {direction} ours"
    if abs(offset) > _TOO_FAR:
        yield fail("clock", detail, _REMEDY)
    elif abs(offset) > _TOLERATED:
        yield warn("clock", detail, _REMEDY)
    else:
        yield ok("clock", detail)


def http_offset(endpoint: str, *, secure: bool) -> timedelta | None:
    """Read from the `Date` of an HTTP server's answer how far its clock is ahead, in whole seconds.

    Raises:
        OSError: the server did not answer.
    """
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    try:
        with closing(kind(endpoint, timeout=_TIMEOUT)) as connection:
            connection.request("HEAD", "/")
            date = connection.getresponse().getheader("Date")
    except http.client.HTTPException as error:
        raise OSError(f"no answer of HTTP from {endpoint}") from error
    return parsedate_to_datetime(date) - datetime.now(UTC) if date else None
