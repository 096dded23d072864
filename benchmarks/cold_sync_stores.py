"""Compares a first sync to PostgreSQL and S3 with one to SQLite and a folder, in time and memory, on this machine.

    python benchmarks/cold_sync_stores.py [--prompts 10000] [--rounds 3]

The whole command, in a git repository with everything committed, in turn to the one and to the other, each time to stores with
nothing in them. The servers are those of the tests, started here. Memory is that of the command's largest process: files are
read in several, the rest is done in one. `TMPDIR` says where the files are: see `sync_tree.py`. Exits with 1 where the
servers take more than `AT_MOST` times as long.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

import postgres
import s3
from sync_tree import make_tree

MEASURE = """\
import resource, subprocess, sys
code = subprocess.call([sys.executable, "-m", "promptdb", *sys.argv[1:]], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


AT_MOST = 6.0
"""The servers' time in times of the local stores'. Each of 10,000 bundles is a request of its own."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        tree = folder / "tree"
        make_tree(tree / "prompts", options.prompts)
        for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "prompts"]):
            subprocess.run(["git", *command], cwd=tree, check=True)
        os.chdir(tree)
        databases = stack.enter_context(postgres.running(folder / "postgres", options=()))
        blobs = stack.enter_context(running_s3(folder))
        measured: dict[str, list[tuple[float, int]]] = {"SQLite, folder": [], "PostgreSQL, S3": []}
        for number in range(options.rounds):
            measured["SQLite, folder"].append(cold_sync(local_stores(folder / f"local-{number}")))
            measured["PostgreSQL, S3"].append(cold_sync(server_stores(databases, blobs, folder / f"cache-{number}")))
    ratio = report(options.prompts, measured)
    sys.exit(ratio > AT_MOST)


def local_stores(folder: Path) -> dict[str, str]:
    folder.mkdir()
    return {
        "PROMPTDB_DATABASE_URL": f"sqlite:///{folder}/promptdb.sqlite3",
        "PROMPTDB_BLOB_ROOT": f"{folder}/blobs",
    }


def server_stores(databases: postgres.PostgresServer, blobs: s3.S3Server, folder: Path) -> dict[str, str]:
    folder.mkdir()
    found = {
        "PROMPTDB_DATABASE_URL": databases.url(databases.create_database()),
        "PROMPTDB_STORAGE_BACKEND": "minio",
        "PROMPTDB_MINIO_ENDPOINT": blobs.endpoint,
        "PROMPTDB_MINIO_BUCKET": blobs.new_bucket_name(),
        "PROMPTDB_MINIO_ACCESS_KEY": s3.ACCESS_KEY,
        "PROMPTDB_MINIO_SECRET_KEY": s3.SECRET_KEY,
        "PROMPTDB_MINIO_SECURE": "false",
    }
    upgrade = [sys.executable, "-m", "promptdb", "db", "upgrade"]
    subprocess.run(upgrade, env=os.environ | found, check=True, stdout=subprocess.DEVNULL)
    return found


def cold_sync(settings: dict[str, str]) -> tuple[float, int]:
    """Seconds, and bytes. What is remembered of the files is forgotten first."""
    shutil.rmtree(".git/promptdb", ignore_errors=True)
    os.sync()
    start = time.perf_counter()
    command = [sys.executable, "-c", MEASURE, "sync"]
    done = subprocess.run(command, env=os.environ | settings, check=True, stdout=subprocess.PIPE)
    return time.perf_counter() - start, int(done.stdout) * 1024


@contextmanager
def running_s3(folder: Path) -> Iterator[s3.S3Server]:
    server = s3.new_server(folder / "s3")
    try:
        server.start()
        yield server
    finally:
        server.stop()


def report(prompts: int, measured: dict[str, list[tuple[float, int]]]) -> float:
    print(f"{prompts:,} prompts, best of {len(measured['PostgreSQL, S3'])} rounds")
    for name, runs in measured.items():
        seconds, size = min(run[0] for run in runs), max(run[1] for run in runs)
        print(f"{name:<16}{seconds:7.2f} s {size / 1024**2:6.0f} MiB")
    pairs = list(zip(measured["PostgreSQL, S3"], measured["SQLite, folder"], strict=True))
    best = min(run[0][0] for run in pairs) / min(run[1][0] for run in pairs)
    print(f"ratio {best:.2f} (median {statistics.median(a[0] / b[0] for a, b in pairs):.2f}), at most {AT_MOST:.0f}")
    return best


if __name__ == "__main__":
    main()
