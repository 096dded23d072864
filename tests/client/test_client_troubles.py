"""What an application or a source does wrong, and a client survives."""

import logging
from collections.abc import Iterator
from threading import Thread, Timer

import pytest
from steered import Steered, until

from promptdb.client import client as client_module
from promptdb.client import health
from promptdb.client.async_client import AsyncPromptClient
from promptdb.client.client import PromptClient
from promptdb.domain.delivery import ClientChange, Reason, Status
from promptdb.errors import ConfigError, StorageError

REF = "a/one:production"
DOWN = StorageError("the registry is down")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FIRST_RETRY", 0.01)
    monkeypatch.setattr(health, "LAST_RETRY", 0.02)


@pytest.fixture
def source() -> Steered:
    return Steered()


@pytest.fixture
def client(source: Steered) -> Iterator[PromptClient]:
    with PromptClient(source, ttl=60) as client:
        yield client


# Starting before the server


def test_a_start_waits_for_a_server_that_starts_later(client: PromptClient, source: Steered) -> None:
    source.error = DOWN
    with pytest.raises(StorageError, match="the registry is down"):
        client.get(REF)
    assert client.status() is Status.ERROR
    timer = Timer(0.1, lambda: setattr(source, "error", None))
    timer.start()
    client.wait_ready(60)
    timer.join()
    assert client.status() is Status.READY


def test_a_start_does_not_wait_for_what_no_time_repairs(client: PromptClient, source: Steered) -> None:
    source.error = DOWN
    with pytest.raises(StorageError):
        client.get(REF)
    source.error = ConfigError("the token is revoked")  # type: ignore[assignment]
    with pytest.raises(ConfigError, match="the token is revoked"):
        client.wait_ready(60)


# Errors that no source should raise


def test_an_unexpected_error_of_the_source_does_not_end_the_thread(
    client: PromptClient, source: Steered, caplog: pytest.LogCaptureFixture
) -> None:
    client.get(REF)
    before = client._lookups._thread

    def fail(what: str) -> None:
        if what == "changes":
            raise KeyError(what)

    source.gate = fail
    source.move("production", 2)
    until(lambda: client.status() is Status.STALE)
    assert client.get(REF).render_text() == "1"
    source.gate = lambda what: None
    until(lambda: client.get(REF).render_text() == "2")
    assert client._lookups._thread is before
    until(lambda: client.status() is Status.READY)
    assert [record.message for record in caplog.records if record.levelno == logging.ERROR] == [
        "the source 'steered' failed in an unexpected way"
    ]
    assert "KeyError: 'changes'" in caplog.text


def test_without_a_thread_to_be_had_memory_still_answers(
    client: PromptClient, source: Steered, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(Thread, "start", refuse)
        assert client.get(REF).reason is Reason.STATIC
        client._lookups._lease.until = 0
        assert client.get(REF).render_text() == "1"
    client.get(REF)
    source.move("production", 2)
    until(lambda: client.get(REF).render_text() == "2")


def test_the_log_of_a_failed_listener_has_only_its_own_errors(
    client: PromptClient, source: Steered, caplog: pytest.LogCaptureFixture
) -> None:
    def listener(change: ClientChange) -> None:
        try:
            raise KeyError("of the listener")
        except KeyError:
            raise ValueError("the second") from None

    client.get(REF)
    client.on_change(listener)
    source.error = DOWN
    until(lambda: "a listener for changes failed" in caplog.messages)
    (failed,) = [record for record in caplog.records if record.message == "a listener for changes failed"]
    assert failed.exc_info is not None
    error = failed.exc_info[1]
    assert isinstance(error, ValueError)
    assert isinstance(error.__context__, KeyError)
    assert error.__context__.__context__ is None
    source.error = None


# Arguments


def test_one_text_is_not_several_references(client: PromptClient) -> None:
    with pytest.raises(TypeError, match="several references are a list"):
        client.get_many(REF)


async def _many(client: PromptClient) -> None:
    await AsyncPromptClient(client).get_many(REF)


def test_one_text_is_not_several_references_for_asyncio_either(client: PromptClient) -> None:
    with pytest.raises(TypeError, match="several references are a list"):
        _many(client).send(None)


def test_a_fallback_of_another_type_is_named(client: PromptClient) -> None:
    with pytest.raises(TypeError, match="a prompt is a PromptSpec or the fields of a prompt file, not 5"):
        client.get("a/none", fallback=5)  # type: ignore[arg-type]


def test_a_fallback_that_its_caller_changes_is_made_again(client: PromptClient) -> None:
    fields = {"template": "first"}
    assert client.get("a/none:production", fallback=fields).render_text() == "first"
    fields["template"] = "second"
    assert client.get("a/none:production", fallback=fields).render_text() == "second"


def test_fallbacks_for_any_number_of_references_take_bounded_memory(
    client: PromptClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "_MAX_DEFAULTS", 5)
    for number in range(20):
        assert client.get(f"a/none{number}", fallback="x").reason is Reason.DEFAULT
    assert len(client._defaults) <= 5
