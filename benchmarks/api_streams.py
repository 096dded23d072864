"""Idle event streams on one worker of the API: memory of each, and the time until a promotion has reached all of them.

    python benchmarks/api_streams.py [--streams 10000] [--seconds 20]

Everything is on the loopback interface. The server and the clients need one open file for each stream.
"""

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from api_server import processor, serving

from promptdb import AppSettings, PromptService

REQUEST = b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"
AT_ONCE = 200
"""Connections that are opened at the same time."""


class Clients:
    """Clients that only read."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.writers: list[asyncio.StreamWriter] = []
        self.readers: list[asyncio.StreamReader] = []

    async def connect(self, count: int) -> None:
        gate = asyncio.Semaphore(AT_ONCE)

        async def one() -> None:
            async with gate:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=4096)
                writer.write(REQUEST)
                head = await reader.readuntil(b"\r\n\r\n")
                if b" 200 " not in head.splitlines()[0]:
                    raise SystemExit(f"a stream was refused: {head.splitlines()[0].decode()}")
                await reader.readuntil(b'"prompts":')
                self.readers.append(reader)
                self.writers.append(writer)

        await asyncio.gather(*(one() for _ in range(count)))

    async def hear(self) -> list[float]:
        """Wait for a change. Return the moment at which each hears of it."""

        async def one(reader: asyncio.StreamReader) -> float:
            await reader.readuntil(b'"everything":false')
            return time.monotonic()

        return await asyncio.gather(*map(one, self.readers))


async def measure(port: int, pid: int, service: PromptService, count: int, seconds: float) -> None:
    clients = Clients(port)
    before, started = memory(pid), time.monotonic()
    await clients.connect(count)
    print(f"{count} streams opened in {time.monotonic() - started:.1f} s")
    print(
        f"memory of the server: {before:.0f} MB -> {memory(pid):.0f} MB, "
        f"{(memory(pid) - before) * 1000 / count:.1f} kB a stream"
    )
    used, started = processor(pid), time.monotonic()
    await asyncio.sleep(seconds)
    share = (processor(pid) - used) / (time.monotonic() - started)
    print(f"idle for {seconds:.0f} s: {share:.0%} of one processor for pings; memory {memory(pid):.0f} MB")
    for number in range(5):
        hearing = asyncio.create_task(clients.hear())
        await asyncio.sleep(0.5)
        started = time.monotonic()
        await asyncio.to_thread(service.promote, f"bench/prompt:rev:{2 - number % 2}", "production")
        moved = time.monotonic()
        heard = sorted(await asyncio.wait_for(hearing, 30))
        print(
            f"promotion {number + 1}: written in {moved - started:.3f} s; then the first stream heard after "
            f"{heard[0] - moved:.3f} s, the median after {heard[count // 2] - moved:.3f} s, "
            f"the last after {heard[-1] - moved:.3f} s"
        )
    print(f"memory of the server: {memory(pid):.0f} MB")
    for writer in clients.writers:
        writer.transport.abort()


def memory(pid: int) -> float:
    """Resident memory in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long the streams are idle")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most < options.streams + 500:
        sys.exit(f"a process may open {most} files only: give fewer --streams")
    with tempfile.TemporaryDirectory() as name:
        settings = AppSettings(base=Path(name))
        with PromptService(settings) as service:
            service.register_text("bench/prompt", "One {name}", alias="production")
            service.register_text("bench/prompt", "Two {name}")
            with serving(settings) as server:
                asyncio.run(measure(server.port, server.pid, service, options.streams, options.seconds))


if __name__ == "__main__":
    main()
