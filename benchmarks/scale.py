"""How commands grow with the number of prompts: what five times as many prompts take, as a ratio to what the fewer take.

    python benchmarks/scale.py [--prompts 10000] [--times 5] [--git]

Makes two trees, and runs each command on one after the other, so that both find the machine in the same state. Seconds are
those of the CPU, of all processes of a command together. A ratio of 5 is linear; a first sync may take 6, and `list` of 50,000
prompts 3 s. `TMPDIR` says where the trees are: /dev/shm needs no disk.

On two busy cores, the first sync of 50,000 prompts took 4.8 times that of 10,000, and their list 1.7 s. 100,000 prompts
took 37 s to check, and 47 s to sync first.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from sync_tree import make_tree

COMMANDS: dict[str, list[str]] = {
    "check": ["check"],
    "first sync": ["sync"],
    "second sync": ["sync"],
    "status": ["status"],
    "list": ["list"],
    "set an alias": ["promote", "--all", "latest", "staging"],
    "alias list": ["alias", "list"],
    "export --all": ["export", "--all", "../registry.zip"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--git", action="store_true", help="the trees are committed in git repositories")
    options = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as name:
        few, many = (
            prepared(Path(name, str(n), "project"), n, in_git=options.git)
            for n in (options.prompts, options.prompts * options.times)
        )
        run(few, ["--version"])
        for command, arguments in COMMANDS.items():
            less, more = run(few, arguments), run(many, arguments)
            print(f"{command:14} {less:7.2f} s {more:7.2f} s   ratio {more / less:5.1f}", flush=True)


def prepared(folder: Path, prompts: int, *, in_git: bool) -> Path:
    make_tree(folder / "prompts", prompts)
    if in_git:
        (folder / ".gitignore").write_text("promptdb.sqlite3*\n.blobs/\n")
        who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
        for command in (["init", "-q"], ["add", "-A"], [*who, "commit", "-q", "-m", "prompts"]):
            subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def run(folder: Path, arguments: list[str]) -> float:
    """Run a command and return the seconds of CPU that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "promptdb", *arguments]
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed: {done.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
