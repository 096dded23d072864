"""What went wrong between us and an S3 server, told as what is wrong and what to do. No key is in any of it."""

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from xml.etree.ElementTree import ParseError

from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError, ProtocolError, SSLError
from urllib3.exceptions import TimeoutError as TimedOut

from promptdb.blobs.s3.address import S3Address
from promptdb.errors import StorageError

_PERMISSIONS = "docs/storage.md lists the permissions that the keys need"
_CODES = {
    "InvalidAccessKeyId": ("does not know the access key", "look at minio_access_key"),
    "SignatureDoesNotMatch": (
        "refuses the secret key",
        "look at minio_secret_key: it must be that of minio_access_key",
    ),
    "InvalidTokenId": ("does not know the keys", "look at minio_access_key and minio_secret_key"),
    "ExpiredToken": ("says that the keys have expired", "get new ones"),
    "AccessDenied": ("denies access", _PERMISSIONS),
    "AllAccessDisabled": ("denies access to this bucket to everybody", "ask its owner"),
    "NoSuchBucket": ("has no such bucket", "look at minio_bucket; the first sync creates it"),
    "SlowDown": ("asks to slow down", "try again later"),
    "ServiceUnavailable": ("is not available", "try again later"),
    "QuotaExceeded": ("has no room left for this bucket", "make room: promptdb gc"),
    "XMinioStorageFull": ("has no room left", "make room: promptdb gc"),
    "EntityTooLarge": ("does not take an object of this size", "keep large data out of the assets"),
}
"""Code of S3 -> what the server does, and what to do."""

_ELSEWHERE = {
    *("PermanentRedirect", "TemporaryRedirect", "Redirect", "AuthorizationHeaderMalformed", "InvalidRegion"),
    *("IllegalLocationConstraintException", "AuthorizationQueryParametersError"),
}
_REGION = re.compile(rb"<Region>([\w-]+)</Region>|expecting '([\w-]+)'")


@contextmanager
def told(address: S3Address) -> Iterator[None]:
    """
    Raises:
        StorageError: in place of whatever the client raises.
    """
    try:
        yield
    except (MinioException, HTTPError, ParseError, UnicodeDecodeError) as error:
        raise storage_error(error, address) from error


@contextmanager
def nothing_without_bucket() -> Iterator[None]:
    """For what there is nothing to do about where there is no bucket: that is no error then."""
    try:
        yield
    except StorageError as error:
        if code_of(error) != "NoSuchBucket":
            raise


def code_of(error: StorageError) -> str | None:
    """The code that the server gave, as `NoSuchBucket`; None if it gave none."""
    return error.__cause__.code if isinstance(error.__cause__, S3Error) else None


def storage_error(error: Exception, address: S3Address) -> StorageError:
    """
    Args:
        error: of the client, or of HTTP.
        address: where it was raised.
    """
    if isinstance(error, S3Error):
        return _of_code(error, address)
    if isinstance(error, HTTPError):
        return _of_connection(error, address)
    if isinstance(error, ServerError):
        return StorageError(f"{address} failed with status {error.status_code}", "look at the log of the server")
    if isinstance(error, InvalidResponseError) and "HTTPS" in str(error):
        return StorageError(f"{address.endpoint} speaks TLS", "set minio_secure to true")
    hint = "is it an S3 server? Look at minio_endpoint: the port of a console is not that of S3"
    return StorageError(f"{address} did not answer as S3 does", hint)


def _of_code(error: S3Error, address: S3Address) -> StorageError:
    if error.code == "RequestTimeTooSkewed":
        return _of_clock(error, address)
    if error.code in _ELSEWHERE:
        return _of_region(error, address)
    what, hint = _CODES.get(error.code or "", (f"failed: {error.code}: {error.message}", None))
    return StorageError(f"{address} {what}", hint)


def _of_clock(error: S3Error, address: S3Address) -> StorageError:
    sent = error.response.headers.get("Date")
    off = ""
    if sent is not None:
        try:
            difference = datetime.now(UTC) - parsedate_to_datetime(sent)
        except (TypeError, ValueError):
            difference = timedelta()
        if difference:
            seconds = timedelta(seconds=round(abs(difference).total_seconds()))
            off = f": ours is {seconds} {'ahead' if difference > timedelta() else 'behind'}"
    return StorageError(
        f"{address} says that the clocks differ{off}", "set the clock of this machine, or of the server"
    )


def _of_region(error: S3Error, address: S3Address) -> StorageError:
    found = error.response.headers.get("x-amz-bucket-region")
    match = _REGION.search(error.response.data or b"")
    if found is None and match is not None:
        found = (match[1] or match[2]).decode()
    if found is None:
        return StorageError(f"{address} is in another region than {address.region}", "set minio_region to its region")
    return StorageError(
        f"{address} is in the region {found}, and not in {address.region}", f"set minio_region to {found}"
    )


def _of_connection(error: HTTPError, address: S3Address) -> StorageError:
    where = address.endpoint
    if isinstance(error, NameResolutionError):
        return StorageError(
            f"there is no host {where.partition(':')[0]!r}", "look at minio_endpoint, and at the network"
        )
    if isinstance(error, NewConnectionError):
        refused = isinstance(error.__cause__, ConnectionRefusedError)
        what = f"nothing listens at {where}" if refused else f"cannot connect to {where}"
        return StorageError(what, "is the server up? Look at minio_endpoint")
    if isinstance(error, TimedOut):
        return StorageError(f"{where} does not answer", "is the server up? Look at minio_endpoint, and at the network")
    if isinstance(error, SSLError):
        return _of_tls(error, address)
    if isinstance(error, ProtocolError) and not address.secure:
        hint = "is the server up? If it speaks TLS, set minio_secure to true"
        return StorageError(f"{where} closed the connection", hint)
    return StorageError(f"{where} closed the connection", "is the server up? Try again")


def _of_tls(error: SSLError, address: S3Address) -> StorageError:
    cause = error.args[0] if error.args else None
    if isinstance(cause, ssl.SSLCertVerificationError):
        hint = "if it is right, name the file of its authority in SSL_CERT_FILE"
        return StorageError(f"the certificate of {address.endpoint} is not trusted: {cause.verify_message}", hint)
    hint = "set minio_secure to false if it speaks HTTP, or look at the port in minio_endpoint"
    return StorageError(f"{address.endpoint} does not speak TLS as we do", hint)
