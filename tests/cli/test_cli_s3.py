"""Commands on a registry whose blobs are in S3, on a real server; and what they say where its settings are wrong."""

import signal
from pathlib import Path

import pytest
from clitools import STYLE, TIMEOUT, Run, started, terminal
from fake_s3 import EMPTY_LIST, Reply, fake_s3
from registries import s3_settings, write
from repositories import Git, commit_all
from s3 import ACCESS_KEY, SECRET_KEY, S3Server


@pytest.fixture
def bucket(s3_server: S3Server, project: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the bucket of the current folder, which is not there yet."""
    settings = s3_settings(s3_server)
    for setting, value in settings.items():
        monkeypatch.setenv(f"PROMPTDB_{setting.upper()}", str(value))
    return str(settings["minio_bucket"])


def test_a_registry_in_s3_from_sync_to_export(run: Run, bucket: str, project: Path) -> None:
    write(project, {"prompts/data/grade.yaml": "template: Grade\nassets: [{path: _rows.csv, kind: example_dataset}]\n"})
    write(project, {"prompts/data/_rows.csv": "a,b\n"})
    assert run("sync").code == 0
    assert run("plan", "--exit-code").code == 0
    shown = run("show", "data/grade", "--json").json
    assert [asset["kind"] for asset in shown["assets"]] == ["bundle", "example_dataset"]
    assert run("export", "data/grade", "out/grade.yaml").code == 0
    assert (project / "out/_rows.csv").read_text() == "a,b\n"
    write(project, {"other.txt": "Other"})
    assert run("register-file", "other.txt", "--name", "a/other").code == 0
    assert not (project / ".blobs").exists()


def test_status_says_where_the_blobs_are_and_with_no_key(run: Run, bucket: str, s3_server: S3Server) -> None:
    shown = run("status")
    assert f"blobs     http://{s3_server.endpoint}/{bucket}\n" in shown.out
    assert run("status", "--json").json["blobs"] == f"http://{s3_server.endpoint}/{bucket}"
    assert ACCESS_KEY not in shown.out + shown.err


def test_the_upload_shows_a_bar_on_a_terminal_and_nothing_in_a_pipe(run: Run, bucket: str, project: Path) -> None:
    assert run("sync").err == ""
    write(project, {f"prompts/p{number}.txt": f"Text {number}" for number in range(20)})
    shown = terminal("sync")
    assert shown.code == 0
    assert "uploading" in STYLE.sub("", shown.out)


def test_the_upload_of_a_history_shows_it_too(run: Run, bucket: str, project: Path, git: Git) -> None:
    write(project, {f"prompts/p{number}.txt": f"Text {number}" for number in range(20)})
    commit_all(git)
    shown = terminal("sync", "--history")
    assert shown.code == 0
    assert "uploading" in STYLE.sub("", shown.out)
    write(project, {f"prompts/p{number}.txt": f"Text {number}, again" for number in range(20)})
    commit_all(git)
    assert run("sync", "--history").err == ""


@pytest.mark.slow
def test_an_interrupt_does_not_wait_for_an_upload_that_hangs(project: Path) -> None:
    with fake_s3(Reply(body=EMPTY_LIST), hanging="PUT /bucket/sha256/") as server:
        settings = {
            "PROMPTDB_STORAGE_BACKEND": "minio",
            "PROMPTDB_MINIO_ENDPOINT": server.endpoint,
            "PROMPTDB_MINIO_BUCKET": "bucket",
            "PROMPTDB_MINIO_ACCESS_KEY": ACCESS_KEY,
            "PROMPTDB_MINIO_SECRET_KEY": SECRET_KEY,
            "PROMPTDB_MINIO_SECURE": "false",
        }
        with started("sync", **settings) as running:
            assert server.hangs.wait(TIMEOUT)
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=TIMEOUT)
    assert (running.returncode, out, err.strip()) == (130, "", "interrupted")


def test_a_registry_in_s3_is_not_local(run: Run, bucket: str) -> None:
    ran = run("sync", "--local")
    assert ran.code == 1
    assert "local" in ran.err


@pytest.mark.parametrize(
    ("setting", "value", "message", "hint"),
    [
        ("MINIO_ENDPOINT", "", "storage_backend is minio, but minio_endpoint is not set", "docs/storage.md"),
        ("MINIO_ENDPOINT", "https://s3.example", "'https://s3.example' has a scheme", "write s3.example, and set"),
        ("MINIO_ENDPOINT", "127.0.0.1:1", "nothing listens at 127.0.0.1:1", "start the server"),
        ("MINIO_ACCESS_KEY", "nobody", "does not know the access key", "minio_access_key"),
        ("MINIO_SECRET_KEY", "wrong-secret", "refuses the secret key", "minio_secret_key"),
        ("MINIO_BUCKET", "No_Bucket", "'No_Bucket' is not a valid bucket name", "3 to 63"),
        ("MINIO_SECURE", "true", "does not speak TLS", "set minio_secure to false"),
    ],
)
def test_a_wrong_setting_is_one_line_and_a_hint(
    run: Run, bucket: str, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, message: str, hint: str
) -> None:
    monkeypatch.setenv(f"PROMPTDB_{setting}", value)
    ran = run("sync")
    assert ran.code == 1
    assert ran.out == ""
    [error, remedy] = ran.err.splitlines()
    assert message in error
    assert hint in remedy
    assert SECRET_KEY not in ran.err
    assert "wrong-secret" not in ran.err
