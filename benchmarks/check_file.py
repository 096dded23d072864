"""How long `promptdb check FILE` takes for an editor, as a ratio to an import of promptdb and its parser.

    python benchmarks/check_file.py [--rounds 15]

Both are processes of their own, in a tree of 1,000 prompts. Each round measures them in turn, as CPU time; what counts is the
median of the rounds' own ratios, since others use the machine too.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from sync_tree import make_tree

PARSER = [sys.executable, "-c", "import promptdb, promptdb.files.reading.parse"]
CHECK = [sys.executable, "-m", "promptdb", "check"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        make_tree(Path("prompts"), 1_000)
        file = min(map(str, Path("prompts").rglob("*.yaml")))
        commands = {"import": PARSER, "check FILE": [*CHECK, file], "check": CHECK}
        for command in commands.values():
            seconds(command)
        measured = [{title: seconds(command) for title, command in commands.items()} for _ in range(rounds)]
    for title in commands:
        ratio = statistics.median(one[title] / one["import"] for one in measured)
        print(f"{title:<12}{min(one[title] for one in measured) * 1000:5.0f} ms   {ratio:.2f} x import")


def seconds(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
