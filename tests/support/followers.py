"""Processes whose threads look up one prompt while another process promotes it again and again."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from workers import TIMEOUT, opened, together

from promptdb.client.client import PromptClient
from promptdb.domain.digest import digest_of
from promptdb.registry import change_feed
from promptdb.settings import AppSettings

REF = "a/one:production"


@dataclass(frozen=True)
class Following:
    """`pause` is in seconds, between two lookups of a thread."""

    url: str
    base: Path
    processes: int
    threads: int
    promotions: int
    pause: float


def promote_before(what: Following) -> None:
    """What the threads of all processes see of promotions is whole and in order, up to the last."""
    service = opened(what.url, what.base)
    service.register_text("a/one", _text(1), alias="production")
    service.close()
    answers = together(_play, [(what, False), *[(what, True)] * what.processes])
    assert answers == ["promoted", *["saw the last"] * what.processes]


def _text(revision: int) -> str:
    return f"{revision} " * 300


def _play(what: Following, is_follower: bool) -> str:
    return _follow(what) if is_follower else _promote(what)


def _promote(what: Following) -> str:
    service = opened(what.url, what.base)
    for number in range(2, what.promotions + 1):
        service.register_text("a/one", _text(number), alias="production")
    service.close()
    return "promoted"


def _follow(what: Following) -> str:
    change_feed.LOOK = 0.01  # in this process, so that it sees most of them on SQLite too
    settings = AppSettings(base=what.base, database_url=what.url)
    with PromptClient.from_settings(settings) as client, ThreadPoolExecutor(what.threads) as pool:
        for reader in [pool.submit(_read, client, what) for _ in range(what.threads)]:
            reader.result()
    return "saw the last"


def _read(client: PromptClient, what: Following) -> None:
    before, deadline = 1, time.monotonic() + TIMEOUT
    while before < what.promotions:
        found = client.get(REF)
        now = found.version.revision
        assert now >= before, f"revision {now} after {before}"
        assert found.render_text() == _text(now)
        assert digest_of(found.spec_json.encode()) == found.version.spec_hash
        assert time.monotonic() < deadline, f"revision {now} is the last that was seen"
        before = now
        time.sleep(what.pause)
