"""The source without a registry: prompts as a snapshot has them, and what may take its place."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from snapshots import OTHER, REGISTRY, packed, record
from steered import until

from promptdb.client import health
from promptdb.client.client import PromptClient
from promptdb.client.sources.snapshot import SnapshotSource
from promptdb.domain.delivery import Generation, Reason, Status
from promptdb.domain.refs import PromptRef
from promptdb.errors import ConfigError, IntegrityFailure, PromptDBError, PromptNotFound, StorageError, VersionNotFound
from promptdb.settings import AppSettings

REF = "a/one:production"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    put(tmp_path / "prompts.snapshot", packed([record("a/one"), record("b/two")], 5, earlier={"a/old": "a/one"}))
    return tmp_path / "prompts.snapshot"


@pytest.fixture
def settings(file: Path) -> AppSettings:
    return AppSettings(base=file.parent, source="snapshot", snapshot=file.name)


@pytest.fixture
def source(settings: AppSettings) -> SnapshotSource:
    return SnapshotSource(settings)


@pytest.fixture
def client(settings: AppSettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[PromptClient]:
    """A client that tries again at once."""
    monkeypatch.setattr(health, "FIRST_RETRY", 0.01)
    monkeypatch.setattr(health, "LAST_RETRY", 0.02)
    with PromptClient.from_settings(settings) as client:
        yield client


def put(file: Path, data: bytes) -> None:
    """Replace a file as a deployment does."""
    staged = file.with_suffix(".new")
    staged.write_bytes(data)
    staged.replace(file)


def newer(*, text: str = "new", generation: int = 6, registry: UUID = REGISTRY) -> bytes:
    return packed([record("a/one", 2, text), record("b/two")], generation, registry, {"a/old": "a/one"})


def test_lookups_are_answered_like_those_of_any_source(client: PromptClient, caplog: pytest.LogCaptureFixture) -> None:
    found = client.get(REF)
    assert (found.render_text(), found.source, found.reason, found.alias) == (
        "1",
        "snapshot",
        Reason.STATIC,
        "production",
    )
    assert client.get(REF).reason is Reason.CACHED
    assert client.get("a/old:production").version == found.version
    assert caplog.messages == ["prompt a/old is now a/one: use the new name"]
    for selector in ("rev:1", str(found.version.id), found.version.spec_hash):
        assert client.get(f"a/one:{selector}").version == found.version
    assert client.list_versions("a/old") == [found.version]
    assert client.status() is Status.READY


@pytest.mark.parametrize(
    ("ref", "error", "message", "hint"),
    [
        ("a/onn:production", PromptNotFound, "has no prompt a/onn", "did you mean a/one?"),
        ("z/other", PromptNotFound, "has no prompt z/other", "promptdb snapshot verify"),
        ("a/one:staging", VersionNotFound, "has no version 'staging' of a/one", "it has production -> rev:1"),
        ("a/one", VersionNotFound, "has no version 'latest' of a/one", "production"),
        ("a/one:rev:9", VersionNotFound, "has no version 'rev:9'", "production"),
        ("a/one:sha256:0123456789", VersionNotFound, "has no version 'sha256:0123456789'", "production"),
        ("a/one:git:main", VersionNotFound, "has no version 'git:main'", "production"),
    ],
)
def test_what_is_not_inside(
    client: PromptClient, ref: str, error: type[PromptDBError], message: str, hint: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        client.get(ref)
    assert hint in (caught.value.hint or "")


def test_a_preload_reads_an_alias_or_a_namespace(client: PromptClient) -> None:
    assert [client.preload(), client.preload("production", "a"), client.preload("production", "aa")] == [2, 1, 0]
    assert client.preload("staging") == 0
    assert client.get("b/two:production").reason is Reason.CACHED


def test_changes_name_a_state_and_nothing_where_it_is_the_same(source: SnapshotSource, file: Path) -> None:
    first = source.changes(None)
    assert (first.generation, first.prompts) == (Generation(REGISTRY, 5), None)
    assert source.changes(first.generation).prompts == frozenset()
    put(file, newer())
    second = source.changes(first.generation)
    assert (second.generation, second.prompts) == (Generation(REGISTRY, 6), None)
    put(file, newer())  # the same bytes in another file
    assert source.changes(second.generation).prompts == frozenset()
    put(file, packed([record("a/one", 2, "again")], 6))  # another selection of the same state
    assert source.changes(second.generation).prompts is None


def test_a_wait_ends_with_a_change_or_when_it_is_stopped(source: SnapshotSource, file: Path) -> None:
    state = source.changes(None).generation
    source.wait(state, 0.0, lambda: False)
    source.wait(state, 60.0, lambda: True)
    put(file, newer())
    source.wait(state, 60.0, lambda: False)
    file.unlink()
    source.wait(state, 60.0, lambda: False)


def test_a_newer_snapshot_takes_over_while_the_application_runs(client: PromptClient, file: Path) -> None:
    before = client.get(REF)
    put(file, newer())
    until(lambda: client.get(REF).render_text() == "new")
    assert before.render_text() == "1"
    assert client.get("a/old:production").render_text() == "new"


def flipped(data: bytes) -> bytes:
    return data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: newer()[:-1], "it was cut"),
        (lambda: flipped(newer()), "it was changed"),
        (lambda: b"", "it is not a snapshot"),
        (lambda: newer().replace(b"snapshot 1", b"snapshot 9"), "another version of the format"),
        (lambda: newer(generation=4), "it is older, of generation 4 before 5"),
        (lambda: newer(registry=OTHER), f"it is of the registry {OTHER}"),
        (lambda: None, "cannot read the snapshot"),
    ],
    ids=["cut", "flipped", "empty", "format", "older", "registry", "gone"],
)
def test_what_is_refused_leaves_the_last_good_one(
    client: PromptClient, file: Path, caplog: pytest.LogCaptureFixture, make: Callable[[], bytes | None], reason: str
) -> None:
    client.get(REF)
    data = make()
    file.unlink() if data is None else put(file, data)
    until(lambda: client.status() is Status.STALE)
    for ref in (REF, "b/two:production", "a/old:rev:1"):  # also what was not looked up before
        assert client.get(ref).render_text() == "1"
    with pytest.raises(PromptNotFound):
        client.get("a/none")
    assert client.status() is Status.STALE
    fails = [message for message in caplog.messages if "fails" in message]
    assert len(fails) == 1
    assert reason in fails[0]
    put(file, newer(text="good"))
    until(lambda: client.get(REF).render_text() == "good")
    until(lambda: client.status() is Status.READY)


def test_a_file_that_is_overwritten_in_place_kills_no_one(client: PromptClient, file: Path) -> None:
    """`cp` does that. A file mapped into memory would end the process."""
    client.get(REF)
    file.write_bytes(b"")
    until(lambda: client.status() is Status.STALE)
    assert client.get(REF).render_text() == "1"
    file.write_bytes(newer())
    until(lambda: client.get(REF).render_text() == "new")


def test_the_limit_of_age_holds_for_a_snapshot_too(
    settings: AppSettings, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "FIRST_RETRY", 0.01)
    with PromptClient(SnapshotSource(settings), ttl=0.02, max_stale=0.1) as client:
        client.get(REF)
        file.unlink()
        until(lambda: client.status() is Status.STALE)
        assert client.get("a/one:rev:1").render_text() == "1"

        def is_refused(ref: str) -> bool:
            try:
                client.get(ref)
            except StorageError:
                return True
            return False

        until(lambda: is_refused(REF))
        assert is_refused("b/two:production")


def test_late_answers_say_so_at_the_first_lookup_too(settings: AppSettings, file: Path) -> None:
    with PromptClient(SnapshotSource(settings), ttl=0.01) as client:
        client.get(REF)
        file.unlink()
        # A look that began before may still confirm the answers after they were late.
        until(lambda: client.status() is Status.STALE)
        until(lambda: client.get(REF).reason is Reason.STALE)
        late = client.get("b/two:production")
        assert (late.reason, late.age >= 0.01) == (Reason.STALE, True)


@pytest.mark.parametrize(
    ("data", "error", "reason"),
    [
        (None, StorageError, "No such file"),
        (b"PK", ConfigError, "it is not a snapshot"),
        (newer()[:-1], ConfigError, "it was cut"),
    ],
)
def test_without_a_snapshot_a_start_says_what_is_missing(
    client: PromptClient, file: Path, data: bytes | None, error: type[PromptDBError], reason: str
) -> None:
    file.unlink() if data is None else put(file, data)
    for ref in (REF, "a/one:rev:1"):
        with pytest.raises(error, match=reason):
            client.get(ref)
    assert client.status() is Status.ERROR
    with pytest.raises(error, match=reason):
        client.wait_ready(0.01)
    assert client.get(REF, fallback="Hello").reason is Reason.DEFAULT
    put(file, newer())
    until(lambda: client.status() is Status.READY)
    assert client.get(REF).render_text() == "new"


def test_a_damaged_prompt_is_refused_and_the_others_are_served(file: Path, settings: AppSettings) -> None:
    many = [record(f"a/p{number}", text="x" * 3000) for number in range(9)]
    put(file, flipped(packed(many)))
    with PromptClient.from_settings(settings) as client:
        assert client.get("a/p0:production").render_text() == "x" * 3000
        with pytest.raises(IntegrityFailure, match="it was changed"):
            client.get("a/p8:production")
        assert client.status() is Status.READY


@pytest.mark.parametrize(
    ("snapshot", "message"),
    [
        (None, "none is named"),
        ("ftp://host/x", "cannot be read from ftp:// addresses"),
        ("http://example.com/x", "a server of prompts needs https://"),
        ("https://user:secret@example.com/x", "has a user or a password"),
        ("https:///x", "has no host"),
        ("s3://bucket", "is not the address of an object"),
        ("s3://bucket/key", "needs the settings of an S3 server"),
    ],
)
def test_a_wrong_setting_is_an_error_at_once(snapshot: str | None, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        PromptClient.from_settings(AppSettings(source="snapshot", snapshot=snapshot))
    assert "secret" not in str(caught.value)


def test_what_is_not_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "."):
        with pytest.raises(StorageError, match="is not a file"):
            SnapshotSource(AppSettings(base=tmp_path, snapshot=name)).find(PromptRef.parse(REF))


def test_a_forked_child_sees_the_newer_snapshot(client: PromptClient, file: Path) -> None:
    client.get(REF)
    child = os.fork()
    if child == 0:
        try:
            put(file, newer())
            until(lambda: client.get(REF).render_text() == "new")
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    until(lambda: client.get(REF).render_text() == "new")


@pytest.mark.slow
def test_no_database_and_no_http_client_is_loaded(settings: AppSettings, file: Path) -> None:
    program = (
        "import sys; from promptdb import PromptClient\n"
        f"print(PromptClient.from_env().get({REF!r}).render_text(), {{'sqlalchemy', 'urllib3', 'minio'}} & sys.modules.keys())"
    )
    environment = {"PROMPTDB_SOURCE": "snapshot", "PROMPTDB_SNAPSHOT": str(file)}
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], env=environment, capture_output=True, text=True
    )
    assert (ran.stdout, ran.stderr) == ("1 set()\n", "")
