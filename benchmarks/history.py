"""How long `promptdb sync --history` takes for a history of many commits.

    python benchmarks/history.py [--commits 900] [--prompts 300]

Each commit changes one to six of the prompts; some delete one, a few break one. A second run, and a sync of HEAD, have nothing
left to write. `git log` is what git alone needs for the same history.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PROMPT = """\
messages:
- role: system
  template: You are helper {number} of {{company}}, in its version {version}.
- role: human
  template: "{{question}}"
"""
PROMPTDB = [sys.executable, "-m", "promptdb"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--commits", type=int, default=900)
    parser.add_argument("--prompts", type=int, default=300)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], check=True)
        stream = b"".join(history(options.commits, options.prompts))
        subprocess.run(["git", "fast-import", "--quiet", "--done"], input=stream, check=True)
        subprocess.run(["git", "reset", "--quiet", "--hard"], check=True)
        Path(".git/info/exclude").write_text("promptdb.sqlite3*\n.blobs/\n")
        for title, command in {
            "git log": ["git", "log", "--first-parent", "--raw", "-z", "--", "prompts"],
            "sync --history": [*PROMPTDB, "sync", "--history"],
            "again": [*PROMPTDB, "sync", "--history"],
            "sync --rev HEAD": [*PROMPTDB, "sync", "--rev", "HEAD"],
        }.items():
            start = time.perf_counter()
            done = subprocess.run(command, check=True, capture_output=True)
            told = done.stdout.decode().splitlines()[-1] if command[0] != "git" else ""
            print(f"{title:<16}{time.perf_counter() - start:7.2f} s   {told}".rstrip())


def history(commits: int, prompts: int) -> Iterator[bytes]:
    """Write a stream for `git fast-import`. The last commit writes every prompt, so that all are valid at the end."""
    choose = random.Random(1)
    versions: dict[int, int] = {}
    yield b"feature done\n"
    for commit in range(commits):
        message = f"change {commit}"
        yield f"commit refs/heads/main\ncommitter Ann <ann@example.com> {1_700_000_000 + 60 * commit} +0000\n".encode()
        yield f"data {len(message)}\n{message}\n".encode()
        is_last = commit == commits - 1
        for number in range(prompts) if is_last else choose.sample(range(prompts), choose.randint(1, 6)):
            path = f"prompts/team{number % 7}/p{number}.yaml"
            chance = 1.0 if is_last else choose.random()
            if chance < 0.02 and number in versions:
                del versions[number]
                yield f"D {path}\n".encode()
                continue
            versions[number] = versions.get(number, 0) + 1
            text = "messages: [\n" if chance < 0.03 else PROMPT.format(number=number, version=versions[number])
            yield f"M 644 inline {path}\ndata {len(text)}\n{text}\n".encode()
    yield b"done\n"


if __name__ == "__main__":
    main()
