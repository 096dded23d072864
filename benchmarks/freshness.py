"""How soon a promotion is seen: from the end of its transaction to the first lookup with it, in each of eight processes.

    python benchmarks/freshness.py [--promotions 50]

On SQLite a client looks five times a second. On PostgreSQL it gets a notice. The target is p50 at most 200 ms, p99 at most
1 s with notices. All processes look up in a loop with pauses of a millisecond.
"""

import argparse
import sys
import tempfile
from contextlib import ExitStack
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic, sleep

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))

from postgres import running

from promptdb.client.client import PromptClient
from promptdb.db.migrate import upgrade
from promptdb.service import PromptService
from promptdb.settings import AppSettings

REF, PROCESSES = "a/one:production", 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--promotions", type=int, default=50)
    promotions = parser.parse_args().promotions
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        server = opened.enter_context(running(folder / "server"))
        urls = {"SQLite": f"sqlite:///{folder}/registry.sqlite3", "PostgreSQL": server.url(server.create_database())}
        for kind, url in urls.items():
            with PromptService(AppSettings(base=folder, database_url=url)) as service:
                upgrade(service.engine)
                measure(kind, service, url, promotions)


def measure(kind: str, service: PromptService, url: str, promotions: int) -> None:
    for text in ("one", "two"):
        service.register_text("a/one", text, alias="production")
    context = get_context("spawn")
    pipes = [context.Pipe() for _ in range(PROCESSES)]
    workers = [context.Process(target=watch, args=(url, service.settings.base, theirs)) for _, theirs in pipes]
    for worker in workers:
        worker.start()
    for ours, _ in pipes:
        ours.recv()
    # Their connections for notices are there, too.
    sleep(2)
    took = []
    for number in range(promotions):
        revision = 1 + number % 2
        for ours, _ in pipes:
            ours.send(revision)
        # At any moment between two looks.
        sleep(0.3 + number * 0.013 % 0.2)
        service.promote(f"a/one:rev:{revision}", "production")
        moved = monotonic()
        took += [ours.recv() - moved for ours, _ in pipes]
    for (ours, _), worker in zip(pipes, workers, strict=True):
        ours.send(None)
        worker.join()
    took.sort()
    p50, p99 = took[len(took) // 2], took[len(took) * 99 // 100]
    print(f"{kind:<11} p50 {p50 * 1000:4.0f} ms, p99 {p99 * 1000:4.0f} ms, worst {took[-1] * 1000:4.0f} ms", flush=True)


def watch(url: str, folder: Path, pipe: Connection) -> None:
    with PromptClient.from_settings(AppSettings(base=folder, database_url=url)) as client:
        client.get(REF)
        pipe.send(None)
        while (revision := pipe.recv()) is not None:
            while client.get(REF).version.revision != revision:
                sleep(0.001)
            pipe.send(monotonic())


if __name__ == "__main__":
    main()
