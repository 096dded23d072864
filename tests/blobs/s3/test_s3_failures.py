"""What a store in S3 does when its server fails for a moment, and what it says when it fails for good."""

import os
import re
import socket
import ssl
import subprocess
import traceback
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from fake_s3 import EMPTY_LIST, FakeS3, Reply, error, fake_s3, raw_server
from s3 import ACCESS_KEY, S3Server

from promptdb.blobs.minio import MinioBlobStore
from promptdb.blobs.s3 import http as s3_http
from promptdb.blobs.s3.address import S3Address
from promptdb.domain.blob import Blob, object_key
from promptdb.domain.digest import digest_of
from promptdb.errors import IntegrityFailure, PromptDBError, StorageError

HELLO = b"hello\n"
DIGEST = digest_of(HELLO)
SECRET = "a-secret-that-nobody-may-see"
NOT_FOUND = Reply(404)
LISTED = Reply(200, EMPTY_LIST)


def store_at(endpoint: str, patience: float = 5.0, **more: object) -> MinioBlobStore:
    given = {"access_key": ACCESS_KEY, "secret_key": SECRET, "secure": False, **more}
    return MinioBlobStore(S3Address.of(endpoint, "some-bucket", **given), patience)  # type: ignore[arg-type]


def methods(fake: FakeS3) -> list[str]:
    return [method for method, _, _ in fake.requests]


# What passes


@pytest.mark.parametrize(
    "failure",
    [
        error(500, "InternalError"),
        error(503, "SlowDown"),
        error(429, "TooManyRequests"),
        Reply(502, b"<html>bad gateway</html>", {"Content-Type": "text/html"}),
        Reply(200, b"x" * 100, sent=0),
    ],
    ids=["500", "slow down", "429", "502 of a proxy", "cut"],
)
def test_a_request_that_failed_for_a_moment_is_made_again(failure: Reply) -> None:
    with fake_s3(LISTED, NOT_FOUND, failure, failure, Reply()) as fake:
        store_at(fake.endpoint).put_all([Blob.of(HELLO)])
        assert methods(fake) == ["GET", "HEAD", "PUT", "PUT", "PUT"]


@pytest.mark.parametrize(
    "reply", [error(403, "AccessDenied"), error(400, "InvalidRequest"), error(501, "NotImplemented")]
)
def test_a_request_that_is_refused_is_not_made_again(reply: Reply) -> None:
    with fake_s3(LISTED, NOT_FOUND, reply) as fake, pytest.raises(StorageError):
        store_at(fake.endpoint).put_all([Blob.of(HELLO)])
    assert methods(fake) == ["GET", "HEAD", "PUT"]


@pytest.mark.parametrize(
    ("answers", "requests"),
    [
        ([b"HTTP/1.1 200 OK\r\nServer: some\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n"], 2),
        ([b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello\n"], 1),
        ([b"HTTP/1.0 200 OK\r\n\r\nhello\n"], 1),
    ],
    ids=["cut", "ends with the connection", "HTTP/1.0"],
)
def test_headers_that_were_cut_off_are_no_answer(answers: list[bytes], requests: int) -> None:
    with raw_server(*answers) as (port, asked):
        assert store_at(f"127.0.0.1:{port}").get(DIGEST) == HELLO
    assert len(asked) == requests


def test_patience_has_an_end() -> None:
    with fake_s3(error(503, "SlowDown")) as fake:
        with pytest.raises(StorageError, match="asks to slow down"):
            store_at(fake.endpoint, patience=0.3).open(DIGEST)
        assert 2 <= len(fake.requests) < 10


def test_a_server_that_takes_connections_and_never_answers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_http, "_FIRST_READ", 0.05)
    with socket.create_server(("127.0.0.1", 0), backlog=16) as silent:
        endpoint = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(StorageError, match="does not answer"):
            store_at(endpoint, patience=0.2).size(DIGEST)


def test_a_large_upload_that_fails_for_good_is_given_up_on_the_server_too() -> None:
    data = os.urandom(9 * 1024 * 1024)
    begun = Reply(200, b"<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>")
    with fake_s3(LISTED, NOT_FOUND, begun, error(403, "AccessDenied"), Reply(204)) as fake:
        with pytest.raises(StorageError, match="denies access"):
            store_at(fake.endpoint).put_all([Blob.of(data)])
        assert methods(fake) == ["GET", "HEAD", "POST", "PUT", "DELETE"]


def test_a_large_upload_is_looked_for_at_its_end() -> None:
    """Its last request may be answered with 200 and an error."""
    data = os.urandom(9 * 1024 * 1024)
    begun = Reply(200, b"<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>")
    part, failed = Reply(headers={"ETag": "1"}), Reply(200, error(200, "InternalError").body)
    with fake_s3(LISTED, NOT_FOUND, begun, part, part, failed, NOT_FOUND) as fake, pytest.raises(StorageError):
        store_at(fake.endpoint).put_all([Blob.of(data)])


# Reading


def test_a_download_that_is_cut_goes_on_where_it_was() -> None:
    data = os.urandom(300_000)
    rest = Reply(206, data[100_000:], {"Content-Range": "bytes 100000-299999/300000"}, sent=50_000)
    last = Reply(206, data[150_000:], {"Content-Range": "bytes 150000-299999/300000"})
    with fake_s3(Reply(200, data, sent=100_000), rest, last) as fake:
        assert store_at(fake.endpoint).get(digest_of(data)) == data
        assert [asked for _, _, asked in fake.requests] == [None, "bytes=100000-", "bytes=150000-"]


def test_a_download_that_is_cut_at_one_place_again_and_again_is_an_error_and_not_its_end() -> None:
    data = os.urandom(100_000)
    with fake_s3(Reply(200, data, sent=0)) as fake, store_at(fake.endpoint).open(digest_of(data)) as stream:
        with pytest.raises(StorageError, match="closed the connection"):
            stream.read()
        assert 3 < len(fake.requests) < 10


def test_a_server_that_begins_anew_does_not_make_wrong_bytes_right() -> None:
    data = os.urandom(100_000)
    with fake_s3(Reply(200, data, sent=50_000), Reply(200, data)) as fake, pytest.raises(IntegrityFailure):
        store_at(fake.endpoint).get(digest_of(data))


# Listing

KEY = "<NextKeyMarker>sha256/00/x</NextKeyMarker>"


def uploads(*ids: str, following: str = "") -> Reply:
    """Unfinished uploads of one key; `following` is where the next answer begins."""
    each = (
        "<Upload><Key>sha256/00/x</Key><UploadId>{}</UploadId><Initiated>2026-01-01T00:00:00.000Z</Initiated></Upload>"
    )
    body = "".join(map(each.format, ids)) + following + f"<IsTruncated>{str(bool(following)).lower()}</IsTruncated>"
    return Reply(200, f"<ListMultipartUploadsResult>{body}</ListMultipartUploadsResult>".encode())


def asked_from(fake: FakeS3) -> list[tuple[str | None, str | None]]:
    queries = [parse_qs(urlsplit(path).query) for _, path, _ in fake.requests]
    return [tuple(query.get(name, [None])[0] for name in ("key-marker", "upload-id-marker")) for query in queries]  # type: ignore[misc]


@pytest.mark.parametrize("key", ["sha256/00/x", None], ids=["both marks", "as SeaweedFS"])
def test_the_unfinished_uploads_of_one_key_may_be_more_than_one_answer_has(key: str | None) -> None:
    marks = [f"{KEY if key else ''}<NextUploadIdMarker>{last}</NextUploadIdMarker>" for last in "24"]
    with fake_s3(uploads("1", "2", following=marks[0]), uploads("3", "4", following=marks[1]), uploads("5")) as fake:
        assert store_at(fake.endpoint).leftovers(datetime.now(UTC)) == 5
        assert asked_from(fake) == [(None, None), (key, "2"), (key, "4")]


@pytest.mark.parametrize(("following", "requests"), [(KEY, 2), ("<Nothing/>", 1)], ids=["the same mark", "no mark"])
def test_a_listing_that_does_not_go_on_ends(following: str, requests: int) -> None:
    with fake_s3(uploads("1", following=following)) as fake:
        assert store_at(fake.endpoint).leftovers(datetime.now(UTC)) == requests
        assert len(fake.requests) == requests


# What is told


@pytest.mark.parametrize(
    ("reply", "message", "hint"),
    [
        (error(403, "InvalidAccessKeyId"), "does not know the access key", "minio_access_key"),
        (error(403, "SignatureDoesNotMatch"), "refuses the secret key", "minio_secret_key"),
        (error(403, "AccessDenied"), "denies access", "permissions"),
        (error(400, "AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>"), "in the region eu-west-1", "minio_region to eu-west-1"),
        (error(301, "PermanentRedirect", headers={"x-amz-bucket-region": "eu-west-3"}), "in the region eu-west-3", "minio_region to eu-west-3"),
        (error(307, "TemporaryRedirect"), "is not in the region us-east-1", "set minio_region"),
        (error(507, "XMinioStorageFull"), "has no space left", "promptdb gc"),
        (Reply(400, b"Client sent an HTTP request to an HTTPS server.\n", {"Content-Type": "text/plain"}), "speaks TLS", "minio_secure to true"),
        (Reply(200, b"<html>"), "did not answer as S3 does", "MinIO's console"),
        (Reply(403, b"no", {"Content-Type": "text/html"}), "did not answer as S3 does", "minio_endpoint"),
        (error(418, "Teapot"), "failed: Teapot: In the words of the server.", None),
    ],
)  # fmt: skip
def test_an_answer_is_told_as_what_is_wrong_and_what_to_do(reply: Reply, message: str, hint: str | None) -> None:
    with fake_s3(reply) as fake, pytest.raises(StorageError) as caught:
        store_at(fake.endpoint, patience=0.1).put_all([Blob.of(HELLO)])
    assert message in caught.value.message
    assert fake.endpoint in caught.value.message
    assert hint is None or hint in str(caught.value.hint)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(("hours", "told"), [(3, r"ours is 3:00:0\d behind"), (-3, r"ours is 3:00:0\d ahead")])
def test_a_wrong_clock_is_told_with_the_difference(hours: int, told: str) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(hours=hours, seconds=hours), usegmt=True)
    with (
        fake_s3(error(403, "RequestTimeTooSkewed", headers={"Date": date})) as fake,
        pytest.raises(StorageError) as caught,
    ):
        store_at(fake.endpoint).put_all([Blob.of(HELLO)])
    assert re.search(told, caught.value.message)


def test_a_refusal_without_a_reason_is_asked_for_the_reason() -> None:
    """An answer to HEAD has no body."""
    with fake_s3(Reply(403), error(403, "SignatureDoesNotMatch")) as fake, pytest.raises(StorageError) as caught:
        store_at(fake.endpoint).size(DIGEST)
    assert "refuses the secret key" in caught.value.message


def test_a_bucket_that_may_not_be_created_is_told() -> None:
    with fake_s3(error(404, "NoSuchBucket"), error(403, "AccessDenied")) as fake, pytest.raises(StorageError) as caught:
        store_at(fake.endpoint).put_all([Blob.of(HELLO)])
    assert "there is no bucket" in caught.value.message
    assert "s3:CreateBucket" in str(caught.value.hint)


@pytest.mark.parametrize("code", ["BucketAlreadyOwnedByYou", "BucketAlreadyExists"])
def test_a_bucket_that_somebody_else_creates_at_the_same_time_is_fine(code: str) -> None:
    with fake_s3(error(404, "NoSuchBucket"), error(409, code), NOT_FOUND, Reply()) as fake:
        store_at(fake.endpoint).put_all([Blob.of(HELLO)])
        assert fake.requests[-1][:2] == ("PUT", f"/some-bucket/{object_key(DIGEST)}")


def test_what_a_server_does_not_delete_is_told() -> None:
    body = b"<DeleteResult><Error><Key>sha256/x</Key><Code>AccessDenied</Code><Message>No.</Message></Error></DeleteResult>"
    with (
        fake_s3(Reply(200, body)) as fake,
        pytest.raises(StorageError, match=r"did not delete sha256/x: AccessDenied: No\."),
    ):
        store_at(fake.endpoint).delete([DIGEST])


def test_a_port_where_nothing_listens() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as held:
        endpoint = f"127.0.0.1:{held.getsockname()[1]}"
    with pytest.raises(StorageError, match=f"nothing listens at {endpoint}"):
        store_at(endpoint, patience=0.1).size(DIGEST)


def test_a_host_that_there_is_not() -> None:
    with pytest.raises(StorageError, match=r"there is no host 'no-such-host\.invalid'"):
        store_at("no-such-host.invalid:9000", patience=0.1).size(DIGEST)


def test_tls_at_a_port_without_it() -> None:
    with fake_s3(Reply()) as fake, pytest.raises(StorageError, match="does not speak TLS") as caught:
        store_at(fake.endpoint, secure=True).size(DIGEST)
    assert "minio_secure to false" in str(caught.value.hint)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For 127.0.0.1, signed by itself; the key is in the same file."""
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", file, "-out", f"{file}.crt"]
    subprocess.run(command, check=True, capture_output=True)
    file.write_bytes(file.read_bytes() + Path(f"{file}.crt").read_bytes())
    return file


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.mark.slow
def test_a_certificate_that_is_not_trusted(tls: ssl.SSLContext) -> None:
    with fake_s3(Reply(), tls=tls) as fake, pytest.raises(StorageError, match="is not trusted: self-signed") as caught:
        store_at(fake.endpoint, secure=True).size(DIGEST)
    assert "SSL_CERT_FILE" in str(caught.value.hint)


def test_a_certificate_is_trusted_where_its_file_is_named(
    tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    with fake_s3(Reply(404), Reply(body=EMPTY_LIST), tls=tls) as fake:
        assert store_at(fake.endpoint, secure=True).size(DIGEST) is None


def test_a_file_of_certificates_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such/file")
    with pytest.raises(PromptDBError, match="SSL_CERT_FILE: /no/such/file"):
        store_at("127.0.0.1:1", secure=True).size(DIGEST)


def test_no_tls_at_a_port_that_speaks_nothing_else(tls: ssl.SSLContext) -> None:
    with fake_s3(Reply(), tls=tls) as fake, pytest.raises(StorageError) as caught:
        store_at(fake.endpoint, patience=0.1).size(DIGEST)
    assert "minio_secure to true" in str(caught.value.hint)


# Secrets


def test_no_message_no_trace_and_no_text_of_a_store_holds_a_key(s3_server: S3Server) -> None:
    store = store_at(s3_server.endpoint, patience=0.1, access_key="an-access-key-of-nobody")
    with pytest.raises(StorageError) as caught:
        store.put_all([Blob.of(HELLO)])
    told = "".join(traceback.format_exception(caught.value)) + repr(store) + repr(store.address) + store.place
    assert SECRET not in told
    assert "an-access-key-of-nobody" not in told
