"""The address of a bucket with its keys, checked when settings give it."""

import re
from dataclasses import dataclass, field

from promptdb.errors import ConfigError

# Servers other than Amazon's accept it, whatever their own region is.
DEFAULT_REGION = "us-east-1"
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_AMAZON = re.compile(r"s3[.-](?:dualstack\.)?(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?")
_REGION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?")

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?!\.)|\.(?![.-])){1,61}[a-z0-9]")
_RESERVED = re.compile(r"(?:xn--|sthree-|amzn-s3-demo-).*|.*(?:-s3alias|--ol-s3|\.mrap|--x-s3)")
_IP_ADDRESS = re.compile(r"\d+(?:\.\d+){3}")
_EXAMPLES = "write host or host:port, as in localhost:9000 or s3.eu-central-1.amazonaws.com"


@dataclass(frozen=True)
class S3Address:
    """A bucket at an endpoint, `host` or `host:port`. Its text and repr do not show the keys."""

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
        """Check the settings of a bucket, which are None if not set.

        Args:
            endpoint: `host` or `host:port`.
            bucket: the name.
            access_key: of the account.
            secret_key: of the access key.
            secure: use TLS.
            region: of the bucket. By default the one in an endpoint of Amazon, otherwise us-east-1.
            prefix: of the environment variables, for messages.

        Raises:
            ConfigError: a setting is missing or malformed.
        """
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
        _require_endpoint(endpoint or "")
        _require_bucket_name(bucket or "")
        if region is not None and not _REGION.fullmatch(region):
            raise ConfigError(f"minio_region: {region!r} is not a region", "write it as in eu-central-1")
        if region is None:
            match = _AMAZON.fullmatch((endpoint or "").partition(":")[0])
            region = match["region"] if match else DEFAULT_REGION
        return cls(endpoint or "", bucket or "", access_key or "", secret_key or "", secure, region)

    def __str__(self) -> str:
        return f"{'https' if self.secure else 'http'}://{self.endpoint}/{self.bucket}"


def _require_endpoint(endpoint: str) -> None:
    # The message does not show the endpoint: there may be a password before the `@`.
    if "@" in endpoint:
        raise ConfigError("minio_endpoint contains a user or a password", f"{_EXAMPLES}; keys have their own settings")
    scheme, separator, rest = endpoint.rpartition("://")
    if separator:
        secure = "false" if scheme == "http" else "true"
        hint = f"write {rest.rstrip('/')}, and set minio_secure to {secure}"
        raise ConfigError(f"minio_endpoint: {endpoint!r} has a scheme", hint)
    if "/" in endpoint:
        hint = f"write {endpoint.partition('/')[0]}; the bucket has its own setting, minio_bucket"
        raise ConfigError(f"minio_endpoint: {endpoint!r} has a path", hint)
    host, colon, port = endpoint.rpartition(":") if not endpoint.endswith("]") else (endpoint, "", "")
    if not colon:
        host, port = endpoint, "443"
    if not _HOST.fullmatch(host) or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ConfigError(f"minio_endpoint: {endpoint!r} is not a host and port", _EXAMPLES)


def _require_bucket_name(name: str) -> None:
    if not _BUCKET.fullmatch(name) or _RESERVED.fullmatch(name) or _IP_ADDRESS.fullmatch(name):
        hint = "3 to 63 of a-z, 0-9, '-' and single '.', a letter or digit first and last, and not an IP address"
        raise ConfigError(f"minio_bucket: {name!r} is not a valid bucket name", hint)
