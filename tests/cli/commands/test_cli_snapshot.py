"""`promptdb snapshot`."""

from pathlib import Path

import pytest
from clitools import Run, failure
from Crypto.PublicKey import ECC
from registries import s3_settings, write
from s3 import S3Server

from promptdb.client.client import PromptClient
from promptdb.domain.blob import Blob
from promptdb.registry.stores import blob_store
from promptdb.settings import AppSettings

FILE = "out/prompts.snapshot"


def test_a_snapshot_is_written_verified_and_read(run: Run, two_versions: Path) -> None:
    ran = run("snapshot", "-o", FILE, "--alias", "production", "--alias", "staging")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"wrote {FILE}: 1 prompt, 2 versions, without assets (")
    ran = run("snapshot", "verify", FILE)
    assert ran.code == 0
    assert ran.out.splitlines()[0].endswith("aliases production, staging")
    with PromptClient.from_settings(AppSettings(source="snapshot", snapshot=FILE)) as client:
        assert client.get("greet:production").version.revision == 1
        assert client.get("greet:staging").version.revision == 2


def test_the_same_state_makes_the_same_file(run: Run, two_versions: Path) -> None:
    written = []
    for _ in range(2):
        assert run("snapshot", "-o", FILE, "--alias", "production").code == 0
        written.append(Path(FILE).read_bytes())
    assert written[0] == written[1]


def test_a_difference_names_aliases_and_sets_the_exit_code_on_request(run: Run, two_versions: Path) -> None:
    run("snapshot", "-o", "a", "--alias", "production", "--alias", "staging")
    run("promote", "greet", "production", "--allow-breaking")
    run("snapshot", "-o", "b", "--alias", "production")
    ran = run("snapshot", "diff", "a", "b")
    assert ran.code == 0
    assert [line.split()[0] for line in ran.out.splitlines()] == [
        "ALIAS",
        "default/greet:production",
        "default/greet:staging",
    ]
    assert run("snapshot", "diff", "a", "b", "--exit-code").code == 3
    assert run("snapshot", "diff", "b", "b", "--exit-code") == (0, "no alias gives another version\n", "")


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data[:-1] + b"~"], ids=["cut", "changed"])
def test_a_damaged_file_is_exit_code_7(run: Run, two_versions: Path, change: object) -> None:
    run("snapshot", "-o", "x", "--alias", "production")
    Path("x").write_bytes(change(Path("x").read_bytes()))  # type: ignore[operator]
    ran = run("snapshot", "verify", "x")
    assert (ran.code, ran.out) == (7, "")
    assert "is refused: it was c" in ran.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "x"], "pass --alias, such as --alias production"),
        (["--alias", "production"], "pass -o FILE, --publish s3://BUCKET/KEY, or both"),
        (["--alias", "production", "verify", "x"], "options come after 'verify'"),
    ],
)
def test_what_is_missing_is_a_usage_error(run: Run, two_versions: Path, arguments: list[str], message: str) -> None:
    ran = run("snapshot", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err


def test_a_misspelt_alias_is_one_error_and_no_file(run: Run, two_versions: Path) -> None:
    ran = run("snapshot", "-o", "x", "--alias", "prod")
    assert ran == (1, "", failure("no prompt has the alias 'prod'", "see: promptdb alias list"))
    assert not list(two_versions.glob("*x*tmp"))
    assert not Path("x").exists()


def test_quiet_prints_nothing(run: Run, two_versions: Path) -> None:
    assert run("-q", "snapshot", "-o", "x", "--alias", "production") == (0, "", "")


def test_a_snapshot_is_published_once_and_compared_there(
    run: Run, two_versions: Path, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = s3_settings(s3_server)
    blob_store(AppSettings(**settings)).put_all([Blob.of(b"makes the bucket")])
    lines = [f"{name} = {str(value).lower() if value is False else repr(value)}" for name, value in settings.items()]
    write(two_versions, {"promptdb.toml": "\n".join(line for line in lines if "storage_backend" not in line)})
    address = f"s3://{settings['minio_bucket']}/prompts.snapshot"
    command = ["snapshot", "--alias", "production", "--publish", address]
    assert run(*command) == (0, f"published {address}\n", "")
    assert run(*command) == (0, f"unchanged: {address} has the same content\n", "")
    assert run("snapshot", "-o", "x", "--alias", "production").code == 0
    assert run("snapshot", "diff", "x", address, "--exit-code").code == 0
    assert run("snapshot", "verify", address, "--json").json["aliases"] == ["production"]


def test_a_signature_is_made_and_required(run: Run, two_versions: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ours", "theirs"):
        key = ECC.generate(curve="ed25519")
        Path(f"{name}.pem").write_text(key.export_key(format="PEM"))
        Path(f"{name}.pub").write_text(key.public_key().export_key(format="PEM"))
    assert run("snapshot", "-o", "x", "--alias", "production", "--sign", "ours.pem").code == 0
    monkeypatch.setenv("PROMPTDB_SNAPSHOT_KEY", "ours.pub")
    assert run("snapshot", "verify", "x").code == 0
    monkeypatch.setenv("PROMPTDB_SNAPSHOT_KEY", "theirs.pub")
    ran = run("snapshot", "verify", "x")
    assert (ran.code, ran.out) == (7, "")
    assert "it is signed with another key" in ran.err
