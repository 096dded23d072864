"""What an endpoint, a bucket and a region may look like."""

import pytest

from promptdb.blobs.s3.address import S3Address
from promptdb.errors import ConfigError


def address(endpoint: str = "localhost:9000", bucket: str = "prompts", **more: object) -> S3Address:
    return S3Address.of(endpoint, bucket, "access", "secret", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "endpoint", ["localhost", "localhost:9000", "10.0.0.1:9000", "[::1]:9000", "[::1]", "s3.a-b.c.example:443"]
)
def test_an_endpoint_is_a_host_with_or_without_a_port(endpoint: str) -> None:
    assert address(endpoint).endpoint == endpoint


@pytest.mark.parametrize(
    ("endpoint", "message", "hint"),
    [
        ("http://localhost:9000", "has a scheme", "write localhost:9000, and set minio_secure to false"),
        ("https://s3.example/", "has a scheme", "write s3.example, and set minio_secure to true"),
        ("s3.example/bucket", "has a path", "write s3.example; the bucket has its own setting"),
        ("me:password@s3.example", "contains a user or a password", "host:port"),
        ("localhost:port", "is not a host and port", "host:port"),
        ("localhost:70000", "is not a host and port", "host:port"),
        (":9000", "is not a host and port", "host:port"),
        ("local host", "is not a host and port", "host:port"),
        ("::1", "is not a host and port", "host:port"),
    ],
)
def test_an_endpoint_that_is_none_is_told_how_to_write_it(endpoint: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        address(endpoint)
    assert hint in str(caught.value.hint)
    assert "password@" not in caught.value.message


@pytest.mark.parametrize("bucket", ["abc", "my-bucket", "a.b.c", "1-2", "a" * 63])
def test_a_name_of_a_bucket(bucket: str) -> None:
    assert address(bucket=bucket).bucket == bucket


@pytest.mark.parametrize(
    "bucket",
    [
        "ab",
        "a" * 64,
        "Bucket",
        "my_bucket",
        "-ab",
        "ab-",
        "a..b",
        "a.-b",
        "a-.b",
        "10.0.0.1",
        "xn--abc",
        "abc-s3alias",
        "a/b",
        "äöü",
    ],
)
def test_no_name_of_a_bucket(bucket: str) -> None:
    with pytest.raises(ConfigError, match="is not a valid bucket name"):
        address(bucket=bucket)


@pytest.mark.parametrize(
    ("endpoint", "region", "expected"),
    [
        ("localhost:9000", None, "us-east-1"),
        ("localhost:9000", "here", "here"),
        ("s3.amazonaws.com", None, "us-east-1"),
        ("s3.eu-central-1.amazonaws.com", None, "eu-central-1"),
        ("s3.dualstack.us-west-2.amazonaws.com", None, "us-west-2"),
        ("s3.cn-north-1.amazonaws.com.cn:443", None, "cn-north-1"),
        ("s3.us-gov-west-1.amazonaws.com", None, "us-gov-west-1"),
    ],
)
def test_the_region_is_that_of_the_setting_or_of_the_endpoint(endpoint: str, region: str | None, expected: str) -> None:
    assert address(endpoint, region=region).region == expected


def test_no_region() -> None:
    with pytest.raises(ConfigError, match="minio_region: 'eu west' is not a region"):
        address(region="eu west")


def test_all_that_is_missing_is_told_at_once() -> None:
    with pytest.raises(ConfigError, match="minio_bucket and minio_secret_key are not set") as caught:
        S3Address.of("localhost", None, "access", "")
    assert "set PROMPTDB_MINIO_BUCKET and PROMPTDB_MINIO_SECRET_KEY" in str(caught.value.hint)


def test_its_text_has_no_keys() -> None:
    assert str(address()) == "https://localhost:9000/prompts"
    assert "secret" not in repr(address())
    assert "access" not in repr(address())
