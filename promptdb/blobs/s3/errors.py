"""Errors of the S3 client as errors of promptdb, with remedies. No message contains a key."""

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from xml.etree.ElementTree import ParseError

from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError, ProtocolError, SSLError
from urllib3.exceptions import TimeoutError as TimedOut

from promptdb.blobs.s3.address import S3Address
from promptdb.errors import StorageError

_PERMISSIONS = "docs/storage.md lists the permissions that the keys need"
# By code of S3: what the server does, and the remedy.
_CODES = {
    "InvalidAccessKeyId": ("does not know the access key", "check minio_access_key"),
    "SignatureDoesNotMatch": ("refuses the secret key", "check minio_secret_key: it must belong to minio_access_key"),
    "InvalidTokenId": ("does not know the keys", "check minio_access_key and minio_secret_key"),
    "ExpiredToken": ("reports that the keys have expired", "get new keys"),
    "AccessDenied": ("denies access", _PERMISSIONS),
    "AllAccessDisabled": ("denies all access to this bucket", "ask its owner"),
    "NoSuchBucket": ("does not exist", "check minio_bucket; the first sync creates it"),
    "SlowDown": ("asks to slow down", "try again later"),
    "ServiceUnavailable": ("is not available", "try again later"),
    "QuotaExceeded": ("has used up the quota of this bucket", "free some space: promptdb gc"),
    "XMinioStorageFull": ("has no space left", "free some space: promptdb gc"),
    "EntityTooLarge": ("does not take an object of this size", "keep large data out of the assets"),
}

_ELSEWHERE = {
    *("PermanentRedirect", "TemporaryRedirect", "Redirect", "AuthorizationHeaderMalformed", "InvalidRegion"),
    *("IllegalLocationConstraintException", "AuthorizationQueryParametersError"),
}
_REGION = re.compile(rb"<Region>([\w-]+)</Region>|expecting '([\w-]+)'")


@contextmanager
def restated(address: S3Address) -> Iterator[None]:
    """Raise errors of the client as `StorageError`."""
    try:
        yield
    except (MinioException, HTTPError, ParseError, UnicodeDecodeError) as error:
        raise storage_error(error, address) from error


@contextmanager
def ignoring(code: str) -> Iterator[None]:
    """Ignore the error with this code of the server."""
    try:
        yield
    except StorageError as error:
        if code_of(error) != code:
            raise


def code_of(error: StorageError) -> str | None:
    """Return the server's error code, such as `NoSuchBucket`, or None."""
    return error.__cause__.code if isinstance(error.__cause__, S3Error) else None


def storage_error(error: Exception, address: S3Address) -> StorageError:
    """Restate an error of the client, or of HTTP."""
    if isinstance(error, S3Error):
        return _of_code(error, address)
    if isinstance(error, HTTPError):
        return _of_connection(error, address)
    if isinstance(error, ServerError):
        return StorageError(f"{address} failed with status {error.status_code}", "read the log of the server")
    if isinstance(error, InvalidResponseError) and "HTTPS" in str(error):
        return StorageError(f"{address.endpoint} speaks TLS", "set minio_secure to true")
    hint = "check minio_endpoint: the port may belong to another server, such as MinIO's console"
    return StorageError(f"{address} did not answer as S3 does", hint)


def _of_code(error: S3Error, address: S3Address) -> StorageError:
    if error.code == "RequestTimeTooSkewed":
        return _of_clock(error, address)
    if error.code in _ELSEWHERE:
        return _of_region(error, address)
    what, hint = _CODES.get(error.code or "", (f"failed: {error.code}: {error.message}", None))
    return StorageError(f"{address} {what}", hint)


def _of_clock(error: S3Error, address: S3Address) -> StorageError:
    off = ""
    with suppress(TypeError, ValueError):  # the header is missing or malformed
        difference = datetime.now(UTC) - parsedate_to_datetime(error.response.headers.get("Date", ""))
        seconds = timedelta(seconds=round(abs(difference).total_seconds()))
        off = f": ours is {seconds} {'ahead' if difference > timedelta() else 'behind'}"
    return StorageError(f"{address} says that the clocks differ{off}", "set the clock of this machine or the server")


def _of_region(error: S3Error, address: S3Address) -> StorageError:
    found = error.response.headers.get("x-amz-bucket-region")
    match = _REGION.search(error.response.data or b"")
    if found is None and match is not None:
        found = (match[1] or match[2]).decode()
    if found is None:
        return StorageError(f"{address} is not in the region {address.region}", "set minio_region to its region")
    message = f"{address} is in the region {found}, not in {address.region}"
    return StorageError(message, f"set minio_region to {found}")


def _of_connection(error: HTTPError, address: S3Address) -> StorageError:
    where = address.endpoint
    if isinstance(error, NameResolutionError):
        host = where.partition(":")[0]
        return StorageError(f"there is no host {host!r}", "check minio_endpoint and the network")
    if isinstance(error, NewConnectionError):
        refused = isinstance(error.__cause__, ConnectionRefusedError)
        what = f"nothing listens at {where}" if refused else f"cannot connect to {where}"
        return StorageError(what, "start the server, or correct minio_endpoint")
    if isinstance(error, TimedOut):
        return StorageError(f"{where} does not answer", "check the server, minio_endpoint and the network")
    if isinstance(error, SSLError):
        cause = error.args[0] if error.args else None
        if isinstance(cause, ssl.SSLCertVerificationError):
            hint = "if you trust it, set SSL_CERT_FILE to a PEM file with the certificate of its authority"
            return StorageError(f"the certificate of {where} is not trusted: {cause.verify_message}", hint)
        hint = "set minio_secure to false if it speaks plain HTTP, or check the port in minio_endpoint"
        return StorageError(f"{where} does not speak TLS that this machine accepts", hint)
    if isinstance(error, ProtocolError) and not address.secure:
        return StorageError(
            f"{where} closed the connection", "check the server; if it speaks TLS, set minio_secure to true"
        )
    return StorageError(f"{where} closed the connection", "check the server, and try again")
