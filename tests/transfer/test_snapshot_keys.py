"""Signatures of snapshots, with keys that OpenSSL made."""

import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
from snapshots import packed, record

from promptdb.client.client import PromptClient
from promptdb.client.sources.snapshot import SnapshotSource
from promptdb.domain.snapshot.head import HEAD_AT
from promptdb.errors import ConfigError, IntegrityFailure
from promptdb.settings import AppSettings
from promptdb.transfer.snapshot_keys import Signer
from promptdb.transfer.snapshot_place import snapshot_at

REF = "a/one:production"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`ours` and `theirs`, and a key of another kind, each as NAME.pem and NAME.pub."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("keys")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    for name, algorithm in (("ours", "ed25519"), ("theirs", "ed25519"), ("other", "x25519")):
        openssl("genpkey", "-algorithm", algorithm, "-out", f"{name}.pem")
        openssl("pkey", "-in", f"{name}.pem", "-pubout", "-out", f"{name}.pub")
    (folder / "text.pub").write_text("no key\n")
    return folder


def source_of(keys: Path, folder: Path, data: bytes, key: str = "ours.pub") -> SnapshotSource:
    (folder / "x.snapshot").write_bytes(data)
    return SnapshotSource(AppSettings(base=folder, snapshot="x.snapshot", snapshot_key=keys / key))


def signed(keys: Path, name: str = "ours", revision: int = 1) -> bytes:
    return packed([record("a/one", revision)], revision, signer=Signer.of(keys / f"{name}.pem"))


def test_a_signed_snapshot_is_read_and_its_bytes_are_always_the_same(keys: Path, tmp_path: Path) -> None:
    assert signed(keys) == signed(keys)
    with PromptClient(source_of(keys, tmp_path, signed(keys))) as client:
        assert client.get(REF).render_text() == "1"
    without_key = AppSettings(base=tmp_path, source="snapshot", snapshot="x.snapshot")
    with PromptClient.from_settings(without_key) as client:
        assert client.get(REF).render_text() == "1"


def forged(data: bytes) -> bytes:
    """With the signature of another head, and all digests right."""
    signature = bytes(64)
    return data[: HEAD_AT - 96] + sha256(signature + head_of(data)).digest() + signature + data[HEAD_AT:]


def head_of(data: bytes) -> bytes:
    return data[HEAD_AT:][: int.from_bytes(data[HEAD_AT - 100 :][:4], "big")]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda keys: packed([record("a/one", 2)], 2), "it is not signed"),
        (lambda keys: signed(keys, "theirs", 2), "it is signed with another key"),
        (lambda keys: forged(signed(keys, "ours", 2)), "its signature is wrong"),
    ],
    ids=["unsigned", "another key", "forged"],
)
def test_a_snapshot_of_someone_else_is_refused(keys: Path, tmp_path: Path, make: object, reason: str) -> None:
    data = make(keys)  # type: ignore[operator]
    source = source_of(keys, tmp_path, data)
    with pytest.raises(ConfigError, match=reason):
        source.changes(None)
    settings = AppSettings(base=tmp_path, snapshot_key=keys / "ours.pub")
    with pytest.raises(IntegrityFailure, match=reason):
        snapshot_at("x.snapshot", settings, tmp_path)
    running = source_of(keys, tmp_path, signed(keys))
    state = running.changes(None).generation
    (tmp_path / "new").write_bytes(data)
    (tmp_path / "new").replace(tmp_path / "x.snapshot")
    for _ in range(2):
        with pytest.raises(IntegrityFailure, match=reason):
            running.changes(state)
    assert running.find_all("production", None)[0].view.revision == 1


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("none.pub", "cannot read the key"),
        ("text.pub", "has no key in PEM format"),
        ("other.pub", "is not of the kind"),
        ("ours.pem", "has a private key"),
    ],
)
def test_a_key_that_cannot_be_used_is_an_error_at_once(keys: Path, tmp_path: Path, key: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        source_of(keys, tmp_path, signed(keys), key)


def test_only_a_private_key_signs(keys: Path) -> None:
    with pytest.raises(ConfigError, match="has no private key"):
        Signer.of(keys / "ours.pub")
