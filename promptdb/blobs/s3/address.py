"""Where a bucket is, and with which keys: what the settings must say, in the form that S3 wants."""

import re
from dataclasses import dataclass, field
from ipaddress import ip_address

from promptdb.errors import ConfigError

DEFAULT_REGION = "us-east-1"
"""What servers other than Amazon's take, whatever region they call their own."""

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_AMAZON = re.compile(r"s3[.-](?:dualstack\.)?(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?")
_REGION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?")

_BUCKET = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?!\.)|\.(?![.-])){1,61}[a-z0-9]")
_RESERVED = re.compile(r"(?:xn--|sthree-|amzn-s3-demo-).*|.*(?:-s3alias|--ol-s3|\.mrap|--x-s3)")
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""

_EXAMPLES = "write host or host:port, as in localhost:9000 or s3.eu-central-1.amazonaws.com"


@dataclass(frozen=True)
class S3Address:
    """A bucket at an endpoint. The keys are not in its text.

    Args:
        endpoint: `host` or `host:port`.
        bucket: its name.
        access_key: may be None, as all of these may be where the settings say nothing.
        secret_key: belongs to it.
        secure: whether it is TLS.
        region: of the bucket; by default the one in the name of an endpoint of Amazon's, else us-east-1.

    Raises:
        ConfigError: one of them is missing, or cannot be right.
    """

    endpoint: str
    bucket: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    secure: bool = True
    region: str = DEFAULT_REGION

    @classmethod
    def of(
        cls,
        endpoint: str | None,
        bucket: str | None,
        access_key: str | None,
        secret_key: str | None,
        *,
        secure: bool = True,
        region: str | None = None,
        prefix: str = "PROMPTDB_",
    ) -> "S3Address":
        """`prefix` is that of the variables that set them, for messages."""
        given = {
            "minio_endpoint": endpoint,
            "minio_bucket": bucket,
            "minio_access_key": access_key,
            "minio_secret_key": secret_key,
        }
        if missing := [name for name, value in given.items() if not value]:
            verb = "is" if len(missing) == 1 else "are"
            raise ConfigError(
                f"storage_backend is minio, but {' and '.join(missing)} {verb} not set",
                f"set {' and '.join(prefix + name.upper() for name in missing)}; docs/storage.md shows an example",
            )
        require_endpoint(endpoint or "")
        require_bucket_name(bucket or "")
        if region is not None and not _REGION.fullmatch(region):
            raise ConfigError(f"minio_region: {region!r} is no region", "write it as in eu-central-1")
        found = region or region_of(endpoint or "")
        return cls(endpoint or "", bucket or "", access_key or "", secret_key or "", secure, found)

    def __str__(self) -> str:
        return f"{'https' if self.secure else 'http'}://{self.endpoint}/{self.bucket}"


def region_of(endpoint: str) -> str:
    """The region that an endpoint has in its name, else the default."""
    match = _AMAZON.fullmatch(endpoint.partition(":")[0])
    return match["region"] if match else DEFAULT_REGION


def require_endpoint(endpoint: str) -> None:
    """
    Raises:
        ConfigError: it is not `host` or `host:port`. What stands before an `@` may be a password, and is not shown.
    """
    if "@" in endpoint:
        raise ConfigError("minio_endpoint holds a user or a password", f"{_EXAMPLES}; keys are settings of their own")
    scheme, separator, rest = endpoint.rpartition("://")
    if separator:
        secure = "false" if scheme == "http" else "true"
        hint = f"write {rest.rstrip('/')}, and set minio_secure to {secure}"
        raise ConfigError(f"minio_endpoint: {endpoint!r} has a scheme", hint)
    if "/" in endpoint:
        hint = f"write {endpoint.partition('/')[0]}; the bucket is a setting of its own, minio_bucket"
        raise ConfigError(f"minio_endpoint: {endpoint!r} has a path", hint)
    host, colon, port = endpoint.rpartition(":") if not endpoint.endswith("]") else (endpoint, "", "")
    if not colon:
        host, port = endpoint, "443"
    if not _HOST.fullmatch(host) or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ConfigError(f"minio_endpoint: {endpoint!r} is no host and port", _EXAMPLES)


def require_bucket_name(name: str) -> None:
    """
    Raises:
        ConfigError: no server would take it.
    """
    if not _BUCKET.fullmatch(name) or _RESERVED.fullmatch(name) or _is_ip_address(name):
        hint = "3 to 63 of a-z, 0-9, '-' and single '.', a letter or digit first and last, and no IP address"
        raise ConfigError(f"minio_bucket: {name!r} is no name of a bucket", hint)


def _is_ip_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
