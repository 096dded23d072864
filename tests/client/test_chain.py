"""A chain: a live source, and a snapshot that starts the client and stands in."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from uuid import UUID

import pytest
from snapshots import OTHER, REGISTRY, packed, record
from steered import ONE, Steered, until

from promptdb.client import health
from promptdb.client.client import PromptClient
from promptdb.client.source import WritableSource
from promptdb.client.sources import chain as chain_module
from promptdb.client.sources.chain import Chain
from promptdb.client.sources.choice import chosen
from promptdb.client.sources.snapshot import SnapshotSource
from promptdb.domain.delivery import Changes, ClientChange, Generation, Reason, Status
from promptdb.domain.prompt_id import PromptId
from promptdb.errors import ConfigError, NotFound, StorageError, VersionNotFound
from promptdb.render.resolved import ResolvedPrompt
from promptdb.settings import AppSettings

REF = "a/one:production"
TWO = "a/two:production"
DOWN = StorageError("the registry is down")


class Registry(Steered):
    """The live source. Its generation is a number of its own, so that it can be before or after that of a snapshot."""

    name = "live"

    def at(self, generation: int) -> None:
        self._number = generation
        self._changed[ONE] = generation

    def changes(self, since: Generation | None) -> Changes:
        is_known = since is not None and since.registry == self.registry and since.number <= self._number
        return super().changes(since if is_known else None)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FIRST_RETRY", 0.01)
    monkeypatch.setattr(health, "LAST_RETRY", 0.02)
    monkeypatch.setattr(chain_module, "LOOK", 0.0)


@pytest.fixture
def live() -> Registry:
    """At generation 5, with `a/one` at revision 5 and `a/two` at 1."""
    found = Registry(aliases={(ONE, "production"): 5, (PromptId("a", "two"), "production"): 1}, name="live")
    found.at(5)
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "prompts.snapshot"


@pytest.fixture
def put(file: Path) -> Callable[..., None]:
    """Publish a snapshot with `a/one` at a revision that is its generation, and `a/two` at 1."""

    def write(generation: int, *, registry: UUID = REGISTRY, damaged: bool = False) -> None:
        data = packed([record("a/one", generation), record("a/two")], generation, registry)
        staged = file.with_suffix(".new")
        staged.write_bytes(data[:-1] if damaged else data)
        staged.replace(file)

    return write


@pytest.fixture
def new_client(live: Registry, file: Path) -> Iterator[Callable[..., PromptClient]]:
    opened: list[PromptClient] = []

    def make(ttl: float = 3600, **more: float) -> PromptClient:
        stand_in = SnapshotSource(AppSettings(base=file.parent, snapshot=file.name))
        opened.append(PromptClient(Chain(live, stand_in), ttl=ttl, **more))
        return opened[-1]

    yield make
    for client in opened:
        client.close()


def said(found: ResolvedPrompt) -> tuple[str, str, Reason]:
    return found.render_text(), found.source, found.reason


def answer(client: PromptClient, ref: str) -> tuple[str, str, Reason] | None:
    try:
        return said(client.get(ref))
    except StorageError:
        return None


def is_live(client: PromptClient) -> None:
    """Wait until the live source has confirmed."""
    client._lookups.start()
    until(lambda: client._source._confirmed is not None)


# At the start


def test_the_snapshot_answers_at_once_and_the_live_source_takes_over(
    live: Registry, put: Callable[..., None], new_client: Callable[..., PromptClient]
) -> None:
    put(4)
    release = Event()
    live.gate = lambda what: release.wait(60)
    client = new_client()
    heard: list[ClientChange] = []
    client.on_change(heard.append)
    assert said(client.get(REF)) == ("4", "snapshot", Reason.STATIC)
    client.wait_ready()
    assert said(client.get(REF)) == ("4", "snapshot", Reason.CACHED)
    release.set()
    until(lambda: said(client.get(REF)) == ("5", "live", Reason.CACHED))
    until(lambda: ClientChange(Status.READY, (REF,)) in heard)


def test_what_the_live_source_confirms_is_its_own(
    live: Registry, put: Callable[..., None], new_client: Callable[..., PromptClient]
) -> None:
    put(5)
    release = Event()
    live.gate = lambda what: release.wait(60)
    client = new_client()
    heard: list[ClientChange] = []
    client.on_change(heard.append)
    assert said(client.get(REF)) == ("5", "snapshot", Reason.STATIC)
    release.set()
    until(lambda: said(client.get(REF)) == ("5", "live", Reason.CACHED))
    assert not any(change.refs for change in heard)
    assert f"find {REF}" not in live.asked
    # Also after an outage, in which the equal snapshot stood in.
    live.error = DOWN
    until(lambda: client.status() is Status.STALE)
    assert said(client.get(TWO)) == ("1", "snapshot", Reason.STATIC)
    live.error = None
    until(lambda: said(client.get(TWO)) == ("1", "live", Reason.CACHED))
    assert not any(change.refs for change in heard)


def test_with_the_live_source_down_the_snapshot_starts_the_client(
    live: Registry, put: Callable[..., None], new_client: Callable[..., PromptClient], caplog: pytest.LogCaptureFixture
) -> None:
    put(4)
    live.error = DOWN
    client = new_client(ttl=0.2)
    client.wait_ready()
    assert said(client.get(REF))[:2] == ("4", "snapshot")
    assert client.preload() == 2
    until(lambda: client.status() is Status.STALE)
    until(lambda: client.get(REF).reason is Reason.STALE)
    with pytest.raises(StorageError, match="the registry is down"):
        client.get("a/three:production")
    assert client.get_many([REF, TWO])[TWO].render_text() == "1"
    client.wait_ready()
    live.error = None
    until(lambda: said(client.get(REF)) == ("5", "live", Reason.CACHED))
    assert caplog.messages == [
        "the source 'live,snapshot' fails; the client serves the prompts it has: the registry is down",
        "the source 'live,snapshot' answers again",
    ]


@pytest.mark.parametrize("state", ["missing", "damaged"])
def test_without_a_snapshot_the_live_source_starts_the_client(
    live: Registry,
    put: Callable[..., None],
    new_client: Callable[..., PromptClient],
    caplog: pytest.LogCaptureFixture,
    state: str,
) -> None:
    if state == "damaged":
        put(4, damaged=True)
    client = new_client()
    assert said(client.get(REF)) == ("5", "live", Reason.STATIC)
    [message] = caplog.messages
    assert message.startswith("the snapshot cannot stand in for the source 'live': ")
    assert ("it was cut" if state == "damaged" else "No such file") in message


def test_without_both_an_error_names_both(
    live: Registry, new_client: Callable[..., PromptClient], put: Callable[..., None]
) -> None:
    live.error = DOWN
    client = new_client()
    with pytest.raises(StorageError, match="the registry is down; and no snapshot stands in: cannot read the snapshot"):
        client.get(REF)
    with pytest.raises(StorageError, match="the registry is down; and no snapshot"):
        client.wait_ready(0.01)
    assert client.status() is Status.ERROR
    put(4)
    until(lambda: client.status() is not Status.ERROR)
    assert client.get(REF).render_text() == "4"


def test_what_the_snapshot_does_not_have_the_live_source_is_asked_for(
    live: Registry, put: Callable[..., None], new_client: Callable[..., PromptClient]
) -> None:
    put(4)
    live.move("staging", 7)
    live.at(5)
    client = new_client()
    client.wait_ready()
    assert said(client.get("a/one:staging"))[:2] == ("7", "live")
    with pytest.raises(NotFound):
        client.get("a/none")


# The table: live source up or down x snapshot older, equal, newer, of another registry x reference kept or not

CASES = {
    # snapshot: (kept while live is down, not kept while live is down)
    "older": (4, ("5", "live"), ("1", "snapshot", Reason.STALE)),
    "equal": (5, ("5", "live"), ("1", "snapshot", Reason.STATIC)),
    "newer": (6, ("6", "snapshot"), ("1", "snapshot", Reason.STATIC)),
    "other": (9, ("5", "live"), None),
    "damaged": (4, ("5", "live"), None),
    "missing": (None, ("5", "live"), None),
}


@pytest.mark.parametrize(
    ("name", "when"),
    # A snapshot that is newer from the start keeps the live source out: see below.
    [(name, when) for name in CASES for when in ("before", "during") if (name, when) != ("newer", "before")],
)
def test_while_the_live_source_fails(
    live: Registry, put: Callable[..., None], new_client: Callable[..., PromptClient], name: str, when: str
) -> None:
    generation, kept, other = CASES[name]
    more = {"other": {"registry": OTHER}, "damaged": {"damaged": True}}.get(name, {})
    if when == "before" and generation is not None:
        put(generation, **more)
    client = new_client()
    client.get(REF)
    is_live(client)
    until(lambda: said(client.get(REF))[:2] == ("5", "live") or name == "equal")
    if when == "during" and generation is not None:
        put(generation, **more)
    live.error = DOWN
    until(lambda: client.status() is Status.STALE)
    if name == "equal":
        kept = ("5", client.get(REF).source)  # the same version from either
    until(lambda: said(client.get(REF))[:2] == kept)
    if other is None:
        with pytest.raises(StorageError, match="the registry is down"):
            client.get(TWO)
    else:
        found = [None]
        until(lambda: found.append(answer(client, TWO)) or found[-1] is not None)
        assert found[-1] == other
        assert client.get(TWO).reason is (Reason.STALE if name == "older" else Reason.CACHED)
    # Back again: nothing older stays.
    live.error = None
    live.at(7)
    live.move("production", 8)
    live.move("production", 2, PromptId("a", "two"))
    until(lambda: said(client.get(REF)) == ("8", "live", Reason.CACHED))
    until(lambda: said(client.get(TWO)) in (("2", "live", Reason.CACHED), ("2", "live", Reason.STATIC)))


def test_a_live_source_that_is_older_than_the_snapshot_is_not_believed(
    live: Registry, put: Callable[..., None], new_client: Callable[..., PromptClient], caplog: pytest.LogCaptureFixture
) -> None:
    put(6)
    client = new_client()
    assert client.get(REF).render_text() == "6"
    until(lambda: "the source 'live' is older than the snapshot" in caplog.text)
    assert client.status() is Status.STALE
    assert said(client.get(TWO))[:2] == ("1", "snapshot")
    live.at(6)
    live.move("production", 7)
    until(lambda: said(client.get(REF)) == ("7", "live", Reason.CACHED))


def test_another_registry_is_refused_and_said_once(
    live: Registry, put: Callable[..., None], new_client: Callable[..., PromptClient], caplog: pytest.LogCaptureFixture
) -> None:
    put(9, registry=OTHER)
    client = new_client(ttl=0.05)
    client.get(REF)
    until(lambda: said(client.get(REF)) == ("5", "live", Reason.CACHED))
    live.error = DOWN
    until(lambda: live.asked.count("changes") > 8)
    with pytest.raises(StorageError, match="the registry is down"):
        client.get(TWO)
    refusals = [message for message in caplog.messages if "cannot stand in" in message]
    assert refusals == [
        f"the snapshot cannot stand in for the source 'live': it is of the registry {OTHER}, not {REGISTRY}"
    ]


def test_what_was_gone_does_not_come_back_from_the_snapshot(
    live: Registry, put: Callable[..., None], new_client: Callable[..., PromptClient]
) -> None:
    put(4)
    client = new_client()
    client.get_many([REF, TWO])
    live.move("production", None)
    is_live(client)

    def is_gone(ref: str) -> bool:
        try:
            client.get(ref)
        except VersionNotFound:
            return True
        return False

    until(lambda: is_gone(REF))
    live.error = DOWN
    until(lambda: client.status() is Status.STALE)
    assert is_gone(REF)
    assert not is_gone(TWO)
    put(9)
    until(lambda: not is_gone(REF))
    live.error = None
    live.at(10)
    live.move("production", 11)
    until(lambda: client.get(REF).render_text() == "11")


def test_a_newer_snapshot_evicts_nothing(
    live: Registry, put: Callable[..., None], new_client: Callable[..., PromptClient]
) -> None:
    live.move("staging", 3)
    live.at(5)
    client = new_client()
    assert client.get("a/one:staging").render_text() == "3"
    client.get(REF)
    live.error = DOWN
    put(6)
    until(lambda: client.get(REF).render_text() == "6")
    assert said(client.get("a/one:staging")) == ("3", "live", Reason.CACHED)


def test_a_lookup_finds_the_failure_and_its_end_is_found_without_a_call(
    live: Registry, put: Callable[..., None], new_client: Callable[..., PromptClient]
) -> None:
    put(5)
    client = new_client()
    is_live(client)
    live.error = DOWN
    assert said(client.get(TWO)) == ("1", "snapshot", Reason.STATIC)
    until(lambda: client.status() is Status.STALE)
    live.asked.clear()
    for revision in range(1, 30):
        with pytest.raises(StorageError):
            client.get(f"a/one:rev:{revision + 100}")
    assert "find" not in {asked.split()[0] for asked in live.asked}
    live.error = None
    until(lambda: client.status() is Status.READY)
    assert said(client.get("a/one:rev:7")) == ("7", "live", Reason.STATIC)


def test_the_limit_of_age_holds_for_the_stand_in(
    live: Registry, put: Callable[..., None], new_client: Callable[..., PromptClient]
) -> None:
    put(4)
    client = new_client(ttl=0.02, max_stale=0.1)
    client.get(REF)
    live.error = DOWN

    def is_refused() -> bool:
        try:
            client.get(REF)
        except StorageError:
            return True
        return False

    until(is_refused)


def test_a_preload_takes_nothing_older(
    live: Registry, put: Callable[..., None], new_client: Callable[..., PromptClient]
) -> None:
    put(4)
    client = new_client()
    is_live(client)
    assert client.preload() == 2
    live.error = DOWN
    until(lambda: client.status() is Status.STALE)
    with pytest.raises(StorageError, match="the registry is down"):
        client.preload()
    assert client.get(REF).render_text() == "5"


# Settings


def test_settings_make_a_chain(tmp_path: Path, put: Callable[..., None]) -> None:
    settings = AppSettings(base=tmp_path, source="database,snapshot", snapshot="prompts.snapshot")
    source = chosen(settings).source
    assert source.name == "database,snapshot"
    assert isinstance(source, WritableSource)
    source.close()
    http = chosen(AppSettings(base=tmp_path, source="http,snapshot", snapshot="x", url="http://localhost:1")).source
    assert not isinstance(http, WritableSource)
    http.close()
    with pytest.raises(ConfigError, match="none is named"):
        chosen(AppSettings(source="http,snapshot", url="http://localhost:1"))
    with pytest.raises(ConfigError, match="no server is named"):
        chosen(AppSettings(source="http,snapshot", snapshot="x"))
