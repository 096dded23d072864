"""Lookups from memory, as a ratio to a dictionary with a time to live; a preload; and how soon a promotion is seen.

    python benchmarks/client_get.py [--rounds 7]

A preload reads 1,000 prompts. Freshness is the time from the end of a promotion in one process to the first lookup in another
process that sees it, on SQLite.
"""

import argparse
import statistics
import tempfile
import timeit
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic, sleep

from promptdb.client.client import PromptClient
from promptdb.domain.plan import Policy
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.settings import AppSettings
from promptdb.sync.sync_tree import sync_tree

REF = "many/p0:production"
CALLS, PROMPTS, PROMOTIONS, PROCESSES = 100_000, 1_000, 20, 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        settings = AppSettings(base=Path(name))
        for number in range(PROMPTS):
            file = Path(name) / f"prompts/many/p{number}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"Answer number {number}: {{question}}\n")
        with PromptService(settings) as service:
            sync_tree(service.reader.created, load_tree(settings), Policy())
            service.promote_all("latest", "production")
            lookups(settings, rounds)
            preloads(settings, rounds)
            freshness(service, settings)


def lookups(settings: AppSettings, rounds: int) -> None:
    kept = {REF: (monotonic() + 3600, object())}

    def floor() -> object:
        until, value = kept[REF]
        return value if monotonic() < until else None

    with PromptClient.from_settings(settings) as client:
        client.get(REF)

        def nanoseconds(call: Callable[[], object]) -> float:
            return timeit.timeit(call, number=CALLS) / CALLS * 1e9

        measured = [(nanoseconds(floor), nanoseconds(lambda: client.get(REF))) for _ in range(rounds)]
    ratio = statistics.median(get / dictionary for dictionary, get in measured)
    print(
        f"get from memory      {min(get for _, get in measured):6.0f} ns   {ratio:.2f} x a dictionary with a time to live"
    )


def preloads(settings: AppSettings, rounds: int) -> None:
    took = []
    for _ in range(rounds):
        with PromptClient.from_settings(settings) as client:
            client.get(REF)
            start = monotonic()
            assert client.preload("production") == PROMPTS
            took.append((monotonic() - start) / PROMPTS)
    print(f"preload of {PROMPTS:,}     {min(took) * 1e6:6.1f} us each")


def freshness(service: PromptService, settings: AppSettings) -> None:
    service.register_text("many/p0", "Reply: {question}")
    context = get_context("spawn")
    pipes = [context.Pipe() for _ in range(PROCESSES)]
    workers = [context.Process(target=watch, args=(settings.base, theirs)) for _, theirs in pipes]
    for worker in workers:
        worker.start()
    took = []
    for _, (ours, _) in zip(workers, pipes, strict=True):
        ours.recv()
    for number in range(PROMOTIONS):
        revision = 2 - number % 2
        service.promote(f"many/p0:rev:{revision}", "production", allow_breaking=True)
        moved = monotonic()
        for ours, _ in pipes:
            ours.send(revision)
        took += [ours.recv() - moved for ours, _ in pipes]
    for (ours, _), worker in zip(pipes, workers, strict=True):
        ours.send(None)
        worker.join()
    took.sort()
    p50, p99 = took[len(took) // 2], took[len(took) * 99 // 100]
    print(f"seen by {PROCESSES} processes  p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms")


def watch(folder: Path, pipe: Connection) -> None:
    with PromptClient.from_settings(AppSettings(base=folder)) as client:
        client.get(REF)
        pipe.send(None)
        while (revision := pipe.recv()) is not None:
            while client.get(REF).version.revision != revision:
                sleep(0.001)
            pipe.send(monotonic())


if __name__ == "__main__":
    main()
