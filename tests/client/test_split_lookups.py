"""Lookups of a split: the source is asked once for all keys, on asyncio and in outages too, and each lookup counts once."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest
from steered import ONE, Steered, until, version

from promptdb.client import health, telemetry
from promptdb.client.async_client import AsyncPromptClient
from promptdb.client.client import PromptClient
from promptdb.domain.delivery import Reason
from promptdb.domain.refs import ByLabel, PromptRef
from promptdb.domain.splits import Arm, Split
from promptdb.domain.views import StoredVersion
from promptdb.errors import StorageError

REF = "a/one:production"
KEYS = [f"user-{number}" for number in range(50)]


class SplitSource(Steered):
    """A source whose aliases have a split between their revision and the next."""

    weights = (50, 50)

    @property
    def split(self) -> Split:
        return Split.of([Arm(1, self.weights[0]), Arm(2, self.weights[1])])

    def find(self, ref: PromptRef) -> StoredVersion:
        found = super().find(ref)
        if not isinstance(ref.selector, ByLabel):
            return found
        return replace(found, alias=ref.selector.label, split=self.split, arms=(version(ref.prompt, 2),))


@pytest.fixture
def source() -> SplitSource:
    return SplitSource(name=f"split-{next(_NUMBERS)}")


_NUMBERS = count()


@pytest.fixture
def client(source: SplitSource) -> Iterator[PromptClient]:
    with PromptClient(source, ttl=60) as client:
        yield client


def expected(source: SplitSource) -> list[str]:
    return [str(source.split.arm_of(ONE, key)) for key in KEYS]


def test_one_question_answers_all_keys(client: PromptClient, source: SplitSource) -> None:
    assert [client.get(REF, key=key).render_text() for key in KEYS] == expected(source)
    assert client.get(REF).render_text() == "1"
    assert client.get_many([REF], key=KEYS[0])[REF].reason is Reason.SPLIT
    assert [asked for asked in source.asked if asked.startswith("find")] == [f"find {REF}"]
    # The same object each time, as without a key.
    assert client.get(REF, key="user-1") is client.get(REF, key="user-1")
    assert client.get(REF, key="\ud800").reason is Reason.SPLIT


def test_a_change_of_the_weights_alone_is_a_change(client: PromptClient, source: SplitSource) -> None:
    before = client.get(REF, key=KEYS[0])
    source.weights = (1, 99)
    source.move("production", 1)
    until(lambda: [client.get(REF, key=key).render_text() for key in KEYS] == expected(source))
    assert str(before.split) == "rev:1=50 rev:2=50"


def test_keys_on_asyncio_do_not_wait(client: PromptClient, source: SplitSource) -> None:
    async def use() -> list[str]:
        asynchronous = AsyncPromptClient(client)
        found = [(await asynchronous.get(REF, key=key)).render_text() for key in KEYS]
        assert (await asynchronous.get_many([REF], key=KEYS[0]))[REF].render_text() == found[0]
        with pytest.raises(TypeError, match="a key is text"):
            await asynchronous.get(REF, key=1)  # type: ignore[arg-type]
        return found

    assert asyncio.run(use()) == expected(source)
    assert source.asked.count(f"find {REF}") == 1


def test_an_outage_is_said_and_changes_no_arm(source: SplitSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FIRST_RETRY", 0.01)
    with PromptClient(source, ttl=0.05) as client:
        client.get(REF)
        source.error = StorageError("the registry is down")
        until(lambda: client.get(REF, key="user-1").reason is Reason.STALE)
        assert [client.get(REF, key=key).render_text() for key in KEYS] == expected(source)
        assert client.get("a/other:production", key="user-1", fallback="x").reason is Reason.DEFAULT


def test_a_lookup_with_a_key_counts_once(source: SplitSource) -> None:
    with PromptClient(source, ttl=60, enable_otel=True) as client:
        for key in KEYS:
            client.get(REF, key=key)
        client.get_many([REF], key=KEYS[0])
        assert client.at_hand(REF, KEYS[0]) is not None
    counted = {key[1]: number for key, [number] in telemetry._counts.items() if key[0] == source.name}
    assert counted["SPLIT"] == len(KEYS) + 2
    assert counted.get("CACHED", 0) == counted.get("STATIC", 0) == 0
