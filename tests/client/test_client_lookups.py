"""What a client serves, for how long, and what it says about it."""

import asyncio
import logging
import os
import pickle
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, active_count

import pytest
from steered import Steered, until

from promptdb.client import health, kept
from promptdb.client.async_client import AsyncPromptClient
from promptdb.client.client import PromptClient
from promptdb.client.renewed import replaced
from promptdb.client.sources.code import Fallback
from promptdb.domain.delivery import ClientChange, Reason, Status
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import PromptRef
from promptdb.domain.spec import PromptSpec
from promptdb.domain.views import StoredVersion
from promptdb.errors import InvalidPrompts, InvalidRef, StorageError, VersionNotFound
from promptdb.render.resolved import ResolvedPrompt

REF = "a/one:production"
DOWN = StorageError("the registry is down")


@pytest.fixture
def source() -> Steered:
    return Steered()


@pytest.fixture
def client(source: Steered) -> Iterator[PromptClient]:
    with PromptClient(source, ttl=60) as client:
        yield client


@pytest.fixture
def hasty(source: Steered, monkeypatch: pytest.MonkeyPatch) -> Iterator[PromptClient]:
    """A client that counts an answer as fresh for a moment only, and tries again at once."""
    monkeypatch.setattr(health, "FIRST_RETRY", 0.01)
    monkeypatch.setattr(health, "LAST_RETRY", 0.02)
    with PromptClient(source, ttl=0.05) as client:
        yield client


def said(found: ResolvedPrompt) -> tuple[str, Reason, str]:
    return found.render_text(), found.reason, found.source


def test_the_source_is_asked_once_and_then_memory(client: PromptClient, source: Steered) -> None:
    assert said(client.get(REF)) == ("1", Reason.STATIC, "steered")
    for _ in range(100):
        assert said(client.get(REF)) == ("1", Reason.CACHED, "steered")
    assert source.asked.count(f"find {REF}") == 1


def test_a_promotion_is_seen_without_a_call(client: PromptClient, source: Steered) -> None:
    heard: list[ClientChange] = []
    client.on_change(heard.append)
    before = client.get(REF)
    source.move("production", 2)
    until(lambda: client.get(REF).render_text() == "2")
    assert client.get(REF).reason is Reason.CACHED
    assert before.render_text() == "1"
    until(lambda: ClientChange(Status.READY, (REF,)) in heard)


def test_what_did_not_change_is_not_read_again(client: PromptClient, source: Steered) -> None:
    source.move("production", 1, PromptId("a", "two"))
    client.get(REF), client.get("a/two:production")
    source.move("production", 2, PromptId("a", "two"))
    until(lambda: client.get("a/two:production").render_text() == "2")
    assert source.asked.count(f"find {REF}") == 1


def test_one_request_confirms_all_prompts(source: Steered, hasty: PromptClient) -> None:
    names = [PromptId("a", f"p{number}") for number in range(50)]
    for prompt in names:
        source.move("production", 1, prompt)
        hasty.get(f"{prompt}:production")
    confirmed = source.asked.count("changes") + 2
    until(lambda: source.asked.count("changes") >= confirmed)
    source.asked.clear()
    until(lambda: source.asked.count("changes") >= 3)
    assert set(source.asked) == {"changes"}


def test_without_generations_each_prompt_is_read_again(source: Steered, hasty: PromptClient) -> None:
    source.has_generations = False
    hasty.get(REF)
    source.move("production", 2)
    until(lambda: hasty.get(REF).render_text() == "2")


@pytest.mark.parametrize("ref", ["a/one:rev:1", "a/one:rev:7"])
def test_what_cannot_change_is_asked_for_once(source: Steered, hasty: PromptClient, ref: str) -> None:
    hasty.get(ref)
    hasty.get(REF)
    until(lambda: source.asked.count("changes") >= 3)
    assert (hasty.get(ref).reason, hasty.get(ref).age) == (Reason.CACHED, 0.0)
    assert source.asked.count(f"find {ref}") == 1


def test_what_is_gone_is_not_served(client: PromptClient, source: Steered) -> None:
    client.get(REF)
    source.move("production", None)

    def is_gone() -> bool:
        try:
            client.get(REF)
        except VersionNotFound:
            return True
        return False

    until(is_gone)


# Outages


def test_an_outage_serves_what_there_is_and_says_so(
    hasty: PromptClient, source: Steered, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "promptdb")
    heard: list[ClientChange] = []
    hasty.on_change(heard.append)
    hasty.get(REF)
    source.error = DOWN
    # A look that began before may still confirm the answers after they were late.
    until(lambda: hasty.status() is Status.STALE)
    until(lambda: hasty.get(REF).reason is Reason.STALE)
    stale = hasty.get(REF)
    assert (stale.render_text(), hasty.status()) == ("1", Status.STALE)
    assert stale.age > 0.05
    source.move("production", 2)
    source.error = None
    until(lambda: said(hasty.get(REF)) == ("2", Reason.CACHED, "steered"))
    until(lambda: [change.status for change in heard if not change.refs] == [Status.READY, Status.STALE, Status.READY])
    assert caplog.messages == [
        "the source 'steered' fails; the client serves the prompts it has: the registry is down",
        "the source 'steered' answers again",
    ]


def test_in_an_outage_what_is_not_there_fails_without_asking_each_time(client: PromptClient, source: Steered) -> None:
    client.get(REF)
    source.error = DOWN
    until(lambda: client.status() is Status.STALE)
    source.asked.clear()
    for number in range(50):
        with pytest.raises(StorageError, match="the registry is down"):
            client.get(f"a/other{number}")
    assert len(source.asked) <= 8


@pytest.mark.parametrize("failing", ["changes", "find"])
def test_the_first_answer_ends_an_outage_although_the_lease_is_not_over(
    source: Steered, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """Also where only a lookup failed, and the thread waits for changes."""
    monkeypatch.setattr(health, "FIRST_RETRY", 0.01)
    with PromptClient(source, ttl=600) as client:
        client.get(REF)
        if failing == "changes":
            source.error = DOWN
        else:
            source.gate = lambda what: setattr(source, "error", DOWN if what == "find" else source.error)
            with pytest.raises(StorageError):
                client.get("a/two:production")
        until(lambda: client.status() is Status.STALE)
        source.gate = lambda what: None
        source.error = None
        until(lambda: client.status() is Status.READY)


def test_one_caller_tries_a_source_that_fails_and_the_others_do_not_wait(
    client: PromptClient, source: Steered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "FIRST_RETRY", 0.0)
    monkeypatch.setattr(health, "LAST_RETRY", 60.0)
    client.get(REF)
    source.error = DOWN
    with pytest.raises(StorageError):
        client.get("a/other:production")
    source.asked.clear()
    release = Event()
    source.gate = lambda what: what == "find" and release.wait(60)

    def ask(number: int) -> str:
        with pytest.raises(StorageError) as caught:
            client.get(f"a/other{number}:production")
        return caught.value.message

    with ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(ask, number) for number in range(16)]
        until(lambda: sum(future.done() for future in asked) == 15)
        release.set()
        assert {future.result() for future in asked} == {DOWN.message}
    assert len([what for what in source.asked if what.startswith("find")]) == 1


def test_a_limit_of_age_ends_what_is_served(source: Steered, monkeypatch: pytest.MonkeyPatch) -> None:
    with PromptClient(source, ttl=0.01, max_stale=0.05) as client:
        client.get(REF)
        source.error = DOWN

        def is_refused() -> bool:
            try:
                client.get(REF)
            except StorageError as error:
                return error.message == DOWN.message
            return False

        until(is_refused)


def test_nothing_was_ever_answered(source: Steered) -> None:
    source.error = DOWN
    with PromptClient(source) as client:
        assert client.status() is Status.NOT_READY
        with pytest.raises(StorageError, match="the registry is down"):
            client.get(REF)
        with pytest.raises(StorageError, match="the registry is down"):
            client.wait_ready(0.01)
        assert client.status() is Status.ERROR


def test_a_source_that_does_not_answer_in_time(source: Steered) -> None:
    release = Event()
    source.gate = lambda what: release.wait(60)
    with PromptClient(source) as client:
        with pytest.raises(StorageError, match=r"'steered' did not answer within 0\.01 s"):
            client.wait_ready(0.01)
        release.set()


def test_a_client_can_wait_until_it_is_ready(client: PromptClient) -> None:
    client.wait_ready(60)
    assert client.status() is Status.READY


# Threads and processes


def test_callers_of_one_reference_share_a_request(client: PromptClient, source: Steered) -> None:
    release = Event()
    source.gate = lambda what: what == "find" and release.wait(60)
    with ThreadPoolExecutor(16) as pool:
        found = [pool.submit(client.get, REF) for _ in range(16)]
        until(lambda: f"find {REF}" in source.asked)
        release.set()
        assert {future.result().render_text() for future in found} == {"1"}
    assert source.asked.count(f"find {REF}") == 1


def test_a_promotion_during_a_first_lookup_is_not_lost(client: PromptClient, source: Steered) -> None:
    client.get("a/one:rev:1")
    source.move("production", 1, PromptId("a", "two"))
    client.get("a/two:production")
    moved = []

    def move_and_confirm(what: str) -> None:
        if what == "find" and not moved:
            moved.append(True)
            source.move("production", 2)
            client._lookups.confirm()

    source.gate = move_and_confirm
    client.get(REF)
    assert moved
    until(lambda: client.get(REF).render_text() == "2")


def test_an_answer_that_is_older_than_a_change_is_not_kept(
    client: PromptClient, source: Steered, monkeypatch: pytest.MonkeyPatch
) -> None:
    two, ref, other = PromptId("a", "two"), "a/two:production", "a/two:staging"
    source.aliases |= {(two, "production"): 1, (two, "staging"): 1}
    client.get(other)
    is_read, is_renewing, find = Event(), Event(), source.find

    def slow(asked: PromptRef) -> StoredVersion:
        found = find(asked)
        if asked.text == ref and not is_read.is_set():
            is_read.set()
            is_renewing.wait(60)
        elif asked.text == other:
            # The thread has listed what it reads again, and the answer arrives now.
            is_renewing.set()
            late.result(60)
        return found

    monkeypatch.setattr(source, "find", slow)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(client.get, ref)
        is_read.wait(60)
        source.move("production", 2, two)
        client._lookups.confirm()
    assert client.get(ref).render_text() == "2"


@pytest.mark.slow
def test_threads_see_whole_answers_through_many_promotions(client: PromptClient, source: Steered) -> None:
    def read() -> None:
        last = 0
        while last < 99:
            found = client.get(REF)
            assert found.render_text() == str(found.version.revision)
            assert found.version.revision >= last
            last = found.version.revision

    with ThreadPoolExecutor(8) as pool:
        readers = [pool.submit(read) for _ in range(8)]
        for revision in range(1, 100):
            source.move("production", revision)
        for reader in readers:
            reader.result()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_keeps_the_answers_and_sees_later_promotions(client: PromptClient, source: Steered) -> None:
    client.get(REF)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        first = client.get(REF).reason
        source.move("production", 2)
        until(lambda: client.get(REF).render_text() == "2")
        os.write(writer, f"{first} {source.forked} {client._lookups._thread.is_alive()}".encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        assert answer.read() == "CACHED 1 True"
    os.waitpid(child, 0)
    assert source.forked == 0
    source.move("production", 3)
    until(lambda: client.get(REF).render_text() == "3")


def test_closing_ends_the_thread_and_keeps_the_answers(source: Steered) -> None:
    before = active_count()
    client = PromptClient(source, ttl=60)
    client.get(REF)
    assert active_count() == before + 1
    client.close()
    assert active_count() == before
    assert client.get(REF).render_text() == "1"
    assert active_count() == before


def test_a_listener_that_fails_does_not_end_the_thread(
    client: PromptClient, source: Steered, caplog: pytest.LogCaptureFixture
) -> None:
    client.on_change(lambda change: 1 / 0)
    client.get(REF)
    for revision in (2, 3):
        source.move("production", revision)
        until(lambda revision=revision: client.get(REF).version.revision == revision)
    assert "a listener for changes failed" in caplog.messages


def test_a_client_keeps_no_more_than_its_bound(
    client: PromptClient, source: Steered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("promptdb.client.lookups.MAX_KEPT", 10)
    for revision in range(1, 31):
        client.get(f"a/one:rev:{revision}")
    assert list(client._lookups._kept) == [f"a/one:rev:{revision}" for revision in range(21, 31)]
    assert kept.MAX_KEPT == 10_000


def test_an_answer_that_made_room_for_another_is_not_reported_as_gone() -> None:
    assert replaced({}, {REF: None}) == ({}, ())


def test_an_answer_can_be_pickled(client: PromptClient) -> None:
    found = client.get(REF)
    copy = pickle.loads(pickle.dumps(found))
    assert (copy.render_text(), copy.reason, copy.age) == ("1", Reason.STATIC, 0.0)


# Many at once, and for want of a registry


def test_a_preload_is_one_request_for_many_lookups(client: PromptClient, source: Steered) -> None:
    for number in range(20):
        source.move("production", number, PromptId("b", f"p{number}"))
    assert client.preload("production", "b") == 20
    found = client.get_many(f"b/p{number}:production" for number in range(20))
    assert [prompt.render_text() for prompt in found.values()] == [str(number) for number in range(20)]
    assert {prompt.reason for prompt in found.values()} == {Reason.CACHED}
    assert source.asked == ["changes", "find_all production b"]
    source.move("production", 99, PromptId("b", "p7"))
    until(lambda: client.get("b/p7:production").render_text() == "99")


def test_the_short_names_of_the_default_namespace_are_preloaded_too(client: PromptClient, source: Steered) -> None:
    source.move("latest", 5, PromptId("default", "hello"))
    client.preload("latest")
    asked = len(source.asked)
    texts = ["hello", "hello:latest", "default/hello", "default/hello:latest"]
    assert [client.get(text).render_text() for text in texts] == ["5"] * 4
    assert len(source.asked) == asked


@pytest.mark.parametrize(
    ("fallback", "text"),
    [
        ("Hello {name}", "Hello Ada"),
        ({"template": "Hi {{ name }}", "template_format": "jinja2"}, "Hi Ada"),
        (PromptSpec(kind="string", template="Dear {name}"), "Dear Ada"),
    ],
    ids=["text", "fields", "spec"],
)
@pytest.mark.parametrize("is_down", [True, False], ids=["outage", "not found"])
def test_a_fallback_renders_like_any_prompt(
    client: PromptClient, source: Steered, fallback: Fallback, text: str, is_down: bool
) -> None:
    source.error = DOWN if is_down else None
    found = client.get("a/greeting:production", fallback=fallback)
    assert found.render_text(name="Ada") == text
    assert (found.reason, found.source, found.version.is_recorded) == (Reason.DEFAULT, "code", False)
    assert client.get("a/greeting:production", fallback=fallback) is not None
    source.error = None
    until(lambda: client.get(REF, fallback=fallback).reason is Reason.CACHED)


def test_a_wrong_reference_or_fallback_is_an_error(client: PromptClient, source: Steered) -> None:
    source.error = DOWN
    with pytest.raises(InvalidRef):
        client.get("not a ref", fallback="x")
    with pytest.raises(InvalidPrompts):
        client.get(REF, fallback="{")


def test_the_async_client_gives_the_same_and_never_blocks_the_loop(source: Steered) -> None:
    release = Event()

    async def use() -> tuple[list[ResolvedPrompt], int]:
        async with AsyncPromptClient(PromptClient(source)) as client:
            source.gate = lambda what: what == "find" and release.wait(60)
            slow = [asyncio.create_task(client.get(f"a/one:rev:{number}")) for number in range(1, 6)]
            turns = 0
            while turns < 100:
                await asyncio.sleep(0)
                turns += 1
            assert not any(task.done() for task in slow)
            release.set()
            found = await asyncio.gather(*slow)
            assert (await client.render("a/one:rev:3")).text == "3"
            assert (await client.resolve("a/one:rev:4")).revision == 4
            assert await client.preload() == 1
            many = await client.get_many([REF, "a/one:rev:2"])
            assert [prompt.render_text() for prompt in many.values()] == ["1", "2"]
            await client.wait_ready()
            assert client.status() is Status.READY
            return found, turns

    found, _ = asyncio.run(use())
    assert [prompt.render_text() for prompt in found] == ["1", "2", "3", "4", "5"]
    assert source.asked[-1] == "close"
