"""How long `promptdb plan` takes where nothing changed, as a ratio to what it cannot do without.

    python benchmarks/plan_unchanged.py [--prompts 10000] [--rounds 9]

The tree lies in a git repository, is committed and synced. The bound is an import of SQLModel, as a process of its own, and
eight times `git status`. Each round measures all in turn; what counts is the median of the rounds' own ratios, since others
use the machine too. `status, ours` is the command as promptdb runs it, which lists ignored files as well; `status, plain` is
what a user types. `plan, cold` has an empty cache. Compile first: `python -m compileall -q promptdb alembic`; libraries are
compiled by the first round of warming up, whatever PYTHONDONTWRITEBYTECODE says.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sync_tree import make_tree

SQLMODEL = [sys.executable, "-c", "import sqlmodel"]
PLAN = [sys.executable, "-m", "promptdb", "plan"]
STATUS = ["git", "status"]
OUR_STATUS = [
    *("git", "--no-optional-locks", "--literal-pathspecs", "status", "--porcelain=v2", "--branch"),
    *("--no-ahead-behind", "--no-renames", "-z", "--untracked-files=all", "--ignored=matching", "--", "prompts"),
]
GIT_TIMES = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, options.prompts)
        report([measure_round(folder) for _ in range(options.rounds)])


def prepare(folder: Path, prompts: int) -> None:
    """Make a committed and synced tree."""
    make_tree(folder / "prompts", prompts)
    (folder / ".gitignore").write_text("promptdb.sqlite3*\n.blobs/\n")
    os.chdir(folder)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
    for command in (["init", "-q"], ["add", "-A"], [*who, "commit", "-q", "-m", "prompts"]):
        subprocess.run(["git", *command], check=True)
    subprocess.run([sys.executable, "-m", "promptdb", "sync"], check=True, stdout=subprocess.DEVNULL)
    for command in (STATUS, SQLMODEL, PLAN, PLAN):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def measure_round(folder: Path) -> dict[str, float]:
    times = {
        "import sqlmodel": timed(SQLMODEL),
        "git status, ours": timed(OUR_STATUS),
        "git status, plain": timed(STATUS),
        "plan": timed(PLAN),
    }
    shutil.rmtree(folder / ".git" / "promptdb")
    times["plan, cold"] = timed(PLAN)
    timed(PLAN)
    return times


def timed(command: list[str]) -> float:
    """Seconds of a whole process."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def report(rounds: list[dict[str, float]]) -> None:
    for name in rounds[0]:
        times = [times[name] for times in rounds]
        print(f"{name:<20}{statistics.median(times) * 1000:8.0f} ms   (best {min(times) * 1000:.0f})")
    for status in ("ours", "plain"):
        ratios = [
            times["plan"] / (times["import sqlmodel"] + GIT_TIMES * times[f"git status, {status}"]) for times in rounds
        ]
        print(
            f"plan / bound with git status, {status}: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
