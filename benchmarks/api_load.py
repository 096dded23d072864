"""Requests per second of lookups over HTTP, as a share of those of a FastAPI route that returns a constant of the same size.

    python benchmarks/api_load.py [--seconds 20] [--connections 64] [--rounds 3] [--postgresql]

One worker on the loopback interface, while another process promotes five times a second. The clients are in a process of their
own, and send the next request when they have the last answer. The yardstick is the least that a route of FastAPI does: it
returns the same bytes, behind the same uvicorn without any log. The API looks the alias up, checks access, and logs each
request. Rounds alternate, because the machine may be busy with other things.
"""

import argparse
import asyncio
import multiprocessing
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from api_server import processor, serving

from promptdb import AppSettings, PromptService

TEXT = "You are helper {name}. Answer briefly, in the language of the question, and name your sources. " * 8
PATH = "/api/v1/prompts/bench/prompt/resolve?selector=production"


@dataclass(frozen=True)
class Load:
    """The answers of one round. Times in seconds."""

    times: list[float]
    seconds: float
    errors: int
    processor: float = 0.0
    """Seconds of the server's processor."""

    @property
    def rate(self) -> float:
        return len(self.times) / self.seconds

    def quantile(self, share: float) -> float:
        return sorted(self.times)[int(len(self.times) * share)]


def clients(port: int, connections: int, seconds: float, conditional: bool) -> Load:  # noqa: FBT001
    """Send requests from this process."""
    return asyncio.run(_clients(port, connections, seconds, conditional=conditional))


async def _clients(port: int, connections: int, seconds: float, *, conditional: bool) -> Load:
    times: list[float] = []
    errors = 0
    ends_at = time.perf_counter() + seconds

    async def one() -> None:
        nonlocal errors
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        etag = b""
        while (began := time.perf_counter()) < ends_at:
            more = b"If-None-Match: " + etag + b"\r\n" if etag else b""
            writer.write(b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n" % (PATH.encode(), more))
            head = await reader.readuntil(b"\r\n\r\n")
            status, length, found = _read(head)
            if length:
                await reader.readexactly(length)
            times.append(time.perf_counter() - began)
            etag = found if conditional else b""
            errors += status not in (200, 304)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(connections)))
    return Load(times, time.perf_counter() - began, errors)


def _read(head: bytes) -> tuple[int, int, bytes]:
    status, length, etag = int(head[9:12]), 0, b""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b": ")
        if name == b"content-length" and status != 304:
            length = int(value)
        elif name == b"etag":
            etag = value
    return status, length, etag


@contextmanager
def promoting(service: PromptService) -> Iterator[None]:
    """Move the alias to and fro."""
    ended = threading.Event()

    def run() -> None:
        number = 0
        while not ended.wait(0.2):
            service.promote(f"bench/prompt:rev:{1 + number % 2}", "production")
            number += 1

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def measure(settings: AppSettings, connections: int, seconds: float, rounds: int) -> None:
    with PromptService(settings) as service:
        service.register_text("bench/prompt", TEXT, alias="production")
        service.register_text("bench/prompt", TEXT + "!")
        with (
            serving(settings) as ours,
            serving(settings, (str(Path(__file__).with_name("api_constant.py")),)) as constant,
        ):
            ports = {"constant": (constant.port, False), "lookup": (ours.port, False), "with ETag": (ours.port, True)}
            found: dict[str, list[Load]] = {name: [] for name in ports}
            with promoting(service), multiprocessing.get_context("spawn").Pool(1) as pool:
                for _ in range(rounds):
                    for name, (port, conditional) in ports.items():
                        pid = constant.pid if name == "constant" else ours.pid
                        before = processor(pid)
                        load = pool.apply(clients, (port, connections, seconds, conditional))
                        found[name].append(replace(load, processor=processor(pid) - before))
    base = statistics.median(load.rate for load in found["constant"])
    kind = settings.database_url.get_secret_value().partition(":")[0]
    print(f"{kind}, {connections} connections, {rounds} rounds of {seconds:g} s")
    for name, loads in found.items():
        rate = statistics.median(load.rate for load in loads)
        p50 = statistics.median(load.quantile(0.5) for load in loads)
        p99 = statistics.median(load.quantile(0.99) for load in loads)
        worst = max(max(load.times) for load in loads)
        cost = statistics.median(load.processor / len(load.times) for load in loads)
        print(
            f"{name:10} {rate:6.0f} requests/s {rate / base:5.0%}   {cost * 1e6:4.0f} us of the processor each   "
            f"p50 {p50 * 1000:5.1f} ms   p99 {p99 * 1000:6.1f} ms ({p99 / p50:.1f} x)   worst {worst * 1000:.0f} ms   "
            f"{sum(load.errors for load in loads)} errors"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=20.0, help="the length of a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL of its own, as in the tests")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not options.postgresql:
            measure(AppSettings(base=folder), options.connections, options.seconds, options.rounds)
            return
        sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))
        from postgres import running

        from promptdb.db.engine import make_engine
        from promptdb.db.migrate import upgrade

        with running(folder / "postgres") as server:
            url = server.url(server.create_database())
            engine = make_engine(url, folder)
            upgrade(engine)
            engine.dispose()
            measure(AppSettings(base=folder, database_url=url), options.connections, options.seconds, options.rounds)


if __name__ == "__main__":
    main()
