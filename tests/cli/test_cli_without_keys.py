"""Texts need no keys of the bucket: the blob store is opened for a blob, and for nothing else."""

from pathlib import Path

import pytest
from clitools import Run
from registries import write

from promptdb import PromptClient

TEXTS = {
    "list": ["list"],
    "show": ["show", "greet"],
    "log": ["log", "greet"],
    "render": ["render", "greet", "-v", "name=x", "-v", "place=y"],
    "diff": ["diff", "greet:rev:1", "greet:rev:2"],
    "export": ["export", "greet", "-"],
    "promote": ["promote", "greet", "canary"],
    "rollback": ["rollback", "greet", "production"],
    "alias": ["alias", "list"],
    "plan": ["plan"],
    "status": ["status"],
    "sync": ["sync"],
    "db upgrade": ["db", "upgrade"],
    "db current": ["db", "current"],
    "db check": ["db", "check"],
}
BLOBS = {"verify": ["verify"], "gc": ["gc"], "export --all": ["export", "--all", "all.zip"]}


@pytest.fixture
def keyless(two_versions: Path) -> Path:
    write(two_versions, {"promptdb.toml": 'storage_backend = "minio"\nminio_endpoint = "s3.example"\n'})
    return two_versions


@pytest.mark.parametrize("command", TEXTS)
def test_a_command_without_blobs_needs_no_keys(run: Run, keyless: Path, command: str) -> None:
    if command == "rollback":
        assert run("promote", "greet", "production").code == 0
    ran = run(*TEXTS[command])
    assert (ran.code, "minio" in ran.err) == (0, False)


@pytest.mark.parametrize("command", BLOBS)
def test_a_command_with_blobs_asks_for_the_keys(run: Run, keyless: Path, command: str) -> None:
    ran = run(*BLOBS[command])
    assert (ran.code, "minio_bucket and minio_access_key and minio_secret_key are not set" in ran.err) == (1, True)


def test_a_new_version_needs_the_keys(run: Run, keyless: Path) -> None:
    write(keyless, {"prompts/new.txt": "New"})
    ran = run("sync")
    assert (ran.code, "minio_secret_key are not set" in ran.err) == (1, True)
    assert run("list").out.count("new") == 0


def test_status_shows_the_bucket_without_keys(run: Run, keyless: Path) -> None:
    assert "https://s3.example/(no bucket)" in run("status").out


def test_a_client_reads_text_without_keys(keyless: Path) -> None:
    with PromptClient.from_env() as client:
        assert client.get("greet:production").render_text(name="A", place="B") == "Hello A, welcome to B!"
