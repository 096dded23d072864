"""How long a shell waits for a completion, beyond the start of Python.

    python benchmarks/completion.py [--rounds 25]

All are processes of their own, in a project whose cache knows 10,000 prompts. Each round measures them in turn; what counts is
the median of the rounds' own differences, since others use the machine too.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from promptdb.cli.completion import REQUEST, cache_file

PROMPTDB = [sys.executable, "-c", "from promptdb.cli import main; main()"]
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "a command": [*PROMPTDB, "pro"],
    "an option": [*PROMPTDB, "promote", "--ex"],
    "a reference": [*PROMPTDB, "promote", "team-7/prompt-12"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=25)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ.update({"XDG_CACHE_HOME": f"{name}/cache", REQUEST: "1"})
        Path("promptdb.toml").touch()
        names = {f"team-{i % 10}/prompt-{i}": ["production", "staging"] for i in range(10_000)}
        file = cache_file(Path.cwd())
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(names))
        for command in COMMANDS.values():
            seconds(command, file)
        measured = [{title: seconds(command, file) for title, command in COMMANDS.items()} for _ in range(rounds)]
    for title in COMMANDS:
        start = [one["python -c pass"] for one in measured]
        more = statistics.median(one[title] - begin for one, begin in zip(measured, start, strict=True))
        ratio = statistics.median(one[title] / begin for one, begin in zip(measured, start, strict=True))
        print(f"{title:<15}{more * 1000:5.0f} ms beyond Python's start   {ratio:.2f} x")


def seconds(command: list[str], file: Path) -> float:
    # A fresh file, or the first completion would start a process that reads the names again.
    os.utime(file)
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
