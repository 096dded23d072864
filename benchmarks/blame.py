"""How long `PromptService.blame` takes in a registry with many moves of aliases, on SQLite and PostgreSQL.

    python benchmarks/blame.py [--moves 100000] [--prompts 1000] [--rounds 5]

Moves are spread over the prompts and two aliases of each, a second apart. Times are those of the best round: what all aliases
pointed at in the middle of the moves, what they point at now, and the same for one prompt. `log only` is one SELECT that counts
the moves of each alias: about the least that a look at all of them costs.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))

from postgres import running

from promptdb.db.columns import events, versions
from promptdb.db.engine import make_engine, writing
from promptdb.db.migrate import upgrade
from promptdb.domain.plan import Policy
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.settings import AppSettings
from promptdb.sync.sync_tree import sync_tree

ALIASES = ("production", "staging")
START = datetime(2026, 1, 1, tzinfo=UTC)
CHUNK = 5_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moves", type=int, default=100_000)
    parser.add_argument("--prompts", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as opened:
        folder = Path(name)
        for number in range(options.prompts):
            file = folder / f"prompts/many/p{number}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"Answer number {number}: {{question}}\n")
        server = opened.enter_context(running(Path(opened.enter_context(tempfile.TemporaryDirectory())) / "server"))
        urls = {"SQLite": f"sqlite:///{folder}/registry.sqlite3", "PostgreSQL": server.url(server.create_database())}
        for kind, url in urls.items():
            with PromptService(AppSettings(base=folder, database_url=url)) as service:
                fill(service, options.moves)
                measure(kind, service, options.moves, options.rounds)


def fill(service: PromptService, moves: int) -> None:
    upgrade(service.engine)
    sync_tree(service.registry, load_tree(service.settings), Policy())
    with writing(service.engine) as connection:
        heads = connection.execute(sa.select(versions.c.prompt_id, versions.c.id)).all()
        rows = []
        for number in range(moves):
            prompt_id, version_id = heads[number % len(heads)]
            rows.append(
                {
                    "prompt_id": prompt_id,
                    "alias": ALIASES[number // len(heads) % 2],
                    "action": "promote",
                    "from_version_id": version_id,
                    "to_version_id": version_id,
                    "generation": number,
                    "actor": "Ann",
                    "reason": "because it was time",
                    "created_at": START + timedelta(seconds=number),
                }
            )
        for start in range(0, moves, CHUNK):
            connection.execute(sa.insert(events), rows[start : start + CHUNK])
    if service.engine.dialect.name == "postgresql":
        with make_engine(service.settings.database_url.get_secret_value(), Path()).connect() as connection:
            connection.exec_driver_sql("ANALYZE")


def measure(kind: str, service: PromptService, moves: int, rounds: int) -> None:
    def count() -> None:
        with service.engine.connect() as connection:
            connection.execute(sa.select(sa.func.max(events.c.id)).group_by(events.c.prompt_id, events.c.alias)).all()

    middle = START + timedelta(seconds=moves // 2)
    sides: dict[str, Callable[[], object]] = {
        "log only": count,
        "in the past": lambda: service.blame(middle),
        "now": service.blame,
        "one prompt": lambda: service.blame(middle, "many/p0"),
    }
    for name, side in sides.items():
        found = min(seconds(side) for _ in range(rounds))
        print(f"{kind:<11} {moves:,} moves   {name:<12} {found * 1000:7.1f} ms")


def seconds(side: Callable[[], object]) -> float:
    start = time.perf_counter()
    side()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
