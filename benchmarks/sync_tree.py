"""How long `promptdb sync` takes for a large tree, as a ratio to what PyYAML's C loader needs to parse the same files.

    python benchmarks/sync_tree.py [--prompts 10000] [--git] [--rounds 3]

Each round makes an empty SQLite database and an empty local blob store, and measures in turn: reading and parsing every file
with `yaml.CSafeLoader` in one process; a first sync; a second sync, which writes nothing. `in process` is the work alone, as
a long-running process does it; `command` is the whole command with the start of Python and its imports. Blob writes, their
flush to disk and the database commit are part of both. `TMPDIR` says where: ext4 takes ten times as long to create a file
for a minute after as many were deleted, and in some folders for good.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

TEMPLATE = """\
# Prompt {number} of the benchmark tree
metadata:
  title: Ticket summary {number}
  tags: [support, summary]
model:
  provider: openai
  temperature: 0.2
variables:
  company: {{type: string, description: Who the support team works for}}
  ticket: {{type: string}}
messages:
  - role: system
    template: |
      You summarize support tickets of {{company}} for team number {number}.
      Name the customer's problem first, then what was tried, in at most three sentences.
  - role: human
    template: "Summarize this ticket: {{ticket}}"
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--git", action="store_true", help="put the tree into a git repository, all committed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_tree(folder / "prompts", options.prompts)
        if options.git:
            for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "prompts"]):
                subprocess.run(["git", *command], cwd=folder, check=True)
        os.chdir(folder)
        rounds = [measure_round(folder, number) for number in range(options.rounds)]
    report(options.prompts, rounds)


def make_tree(root: Path, prompts: int) -> None:
    for number in range(prompts):
        file = root / f"team{number % 100:02}" / f"summary-{number:05}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(TEMPLATE.format(number=number))


def measure_round(folder: Path, number: int) -> dict[str, float]:
    results = {"parse": timed(lambda: parse_all(folder / "prompts"))}
    use_new_stores(folder / f"{number}a")
    results["first, in process"] = timed(sync_in_process)
    results["second, in process"] = timed(sync_in_process)
    use_new_stores(folder / f"{number}b")
    results["first, command"] = timed(sync_command)
    results["second, command"] = timed(sync_command)
    return results


def use_new_stores(folder: Path) -> None:
    """Make new folders, since ext4 is slow to create files for some seconds after as many were deleted."""
    folder.mkdir()
    os.environ["PROMPTDB_DATABASE_URL"] = f"sqlite:///{folder}/promptdb.sqlite3"
    os.environ["PROMPTDB_BLOB_ROOT"] = str(folder / "blobs")
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    os.sync()


def timed(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def parse_all(root: Path) -> None:
    import yaml

    for file in sorted(root.rglob("*.yaml")):
        with open(file, "rb") as stream:  # noqa: PTH123
            yaml.load(stream.read(), Loader=yaml.CSafeLoader)


def sync_in_process() -> None:
    from promptdb.domain.plan import Policy
    from promptdb.project.load import load_tree
    from promptdb.service import PromptService
    from promptdb.sync.sync_tree import sync_tree

    service = PromptService()
    sync_tree(service.reader.created, load_tree(service.settings), Policy())
    service.close()


def sync_command() -> None:
    subprocess.run([sys.executable, "-m", "promptdb", "sync"], check=True, stdout=subprocess.DEVNULL)


def report(prompts: int, rounds: list[dict[str, float]]) -> None:
    """Print the best round of each, as `timeit` does, since other load can only add to it; and the median ratio."""
    best = {name: min(result[name] for result in rounds) for name in rounds[0]}
    print(f"{prompts:,} prompts, best of {len(rounds)} rounds (median in brackets)")
    for name, seconds in best.items():
        median = statistics.median(result[name] / result["parse"] for result in rounds)
        ratio = seconds / best["parse"]
        print(f"{name:<20}{seconds:7.2f} s {seconds / prompts * 1e6:6.0f} us each {ratio:6.2f} x parse ({median:.2f})")
    for kind in ("in process", "command"):
        median = statistics.median(result[f"second, {kind}"] / result[f"first, {kind}"] for result in rounds)
        print(f"second / first, {kind}: {best[f'second, {kind}'] / best[f'first, {kind}']:.2f} ({median:.2f})")


if __name__ == "__main__":
    main()
