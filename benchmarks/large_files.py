"""How long `promptdb check` takes for the files of tests/support/large_files.py, each just below the size limit.

    python benchmarks/large_files.py [--seconds 3]

Prints the seconds of CPU that a process takes for each, without imports, and the memory that it needs. On two cores of 2026
that nothing else used, the slowest took 1.6 s. Files above `--seconds` are marked.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from large_files import LARGE, Files

from promptdb.project.load import check_tree
from promptdb.settings import load_settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    for name, files in LARGE.items():
        # Each in a process of its own, so that memory is its own.
        child = os.fork()
        if child == 0:
            measure(name, files(), options.seconds)
            os._exit(0)
        os.waitpid(child, 0)


def measure(name: str, files: Files, most: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            file = Path(folder, "prompts", path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        settings = load_settings(Path(folder))
        start = time.process_time()
        checked = check_tree(settings)
        seconds = time.process_time() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    mark = "  TOO LONG" if seconds > most else ""
    print(f"{seconds:6.2f} s {memory:5} MiB  {len(checked.problems):3} problems  {name}{mark}", flush=True)


if __name__ == "__main__":
    main()
