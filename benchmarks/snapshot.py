"""How long an application needs to open a snapshot and get its first prompt, as a ratio to a look into SQLite.

    python benchmarks/snapshot.py [--prompts 10000] [--rounds 30]

Both files hold the same prompts. The yardstick opens a read-only SQLite file with the module of Python, and selects one spec
by its key: about the least that a file with an index costs. Each round opens the file again and asks for another prompt.
Printed are the best rounds, after the import. `find` is the lookup with all digests that it needs; `client` is
`PromptClient.get`, which also parses the spec, compiles the template and starts the thread that watches the file.
"""

import argparse
import sqlite3
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from promptdb.client.client import PromptClient
from promptdb.client.sources.snapshot import SnapshotSource
from promptdb.domain.delivery import Generation
from promptdb.domain.digest import digest_of
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import PromptRef
from promptdb.domain.snapshot.records import Pointer, PromptRecord, SnapshotVersion
from promptdb.domain.spec import PromptSpec
from promptdb.domain.version_ids import prompt_id, version_id
from promptdb.domain.views import PromptVersionView
from promptdb.settings import AppSettings
from promptdb.transfer.snapshot import pack_snapshot

TEXT = "You are helper {number}. Answer briefly, in the language of the question, and name your sources. " * 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), options.prompts, options.rounds)


def measure(folder: Path, prompts: int, rounds: int) -> None:
    records = [record(number) for number in range(prompts)]
    file, database = folder / "prompts.snapshot", folder / "prompts.sqlite3"
    with file.open("wb") as stream:
        pack_snapshot(stream, Generation(UUID(int=1), 1), ("production",), None, records, {}, None)
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE prompts (name TEXT PRIMARY KEY, spec TEXT) WITHOUT ROWID")
        rows = [(str(each.prompt), each.versions[0].spec_json) for each in records]
        connection.executemany("INSERT INTO prompts VALUES (?, ?)", rows)
    connection.close()
    settings = AppSettings(source="snapshot", snapshot=str(file))
    names = [str(records[number * prompts // (rounds + 1)].prompt) for number in range(1, rounds + 1)]
    clients: list[PromptClient] = []

    def sqlite(name: str) -> None:
        opened = sqlite3.connect(f"file:{database}?mode=ro&immutable=1", uri=True)
        opened.execute("SELECT spec FROM prompts WHERE name = ?", (name,)).fetchone()
        opened.close()

    def find(name: str) -> None:
        SnapshotSource(settings).find(PromptRef.parse(f"{name}:production"))

    def client(name: str) -> None:
        clients.append(PromptClient(SnapshotSource(settings)))
        clients[-1].get(f"{name}:production")

    yardstick = best(sqlite, names)
    print(f"{prompts:,} prompts, {file.stat().st_size / 2**20:.1f} MiB; SQLite: {yardstick * 1e3:.3f} ms")
    for side in (find, client):
        found = best(side, names)
        print(f"{side.__name__:<8}{found * 1e3:8.3f} ms, {found / yardstick:.1f} times SQLite")
    for each in clients:
        each.close()


def best(side: Callable[[str], None], names: list[str]) -> float:
    found = []
    for name in names:
        start = time.perf_counter()
        side(name)
        found.append(time.perf_counter() - start)
    return min(found)


def record(number: int) -> PromptRecord:
    prompt = PromptId(f"team{number % 50}", f"prompt-{number:05}")
    canonical = PromptSpec(kind="string", template=TEXT.replace("{number}", str(number)) + "{question}").canonical()
    digest = digest_of(canonical)
    key = version_id(prompt_id(prompt), 1, digest)
    view = PromptVersionView(key, prompt, 1, digest, None, "benchmark", datetime(2026, 1, 1, tzinfo=UTC))
    return PromptRecord(
        prompt=prompt,
        archived=False,
        aliases={"production": Pointer(1, 1)},
        versions=(SnapshotVersion(view, canonical.decode(), None),),
    )


if __name__ == "__main__":
    main()
