"""Compares the behaviour of two checkouts, for changes that must not change any: `python scripts/compare.py OLD NEW`.

Each checkout needs its environment (`make .venv/.dev`). The script compares the help of every command, the output of a
scenario on the example prompts with all the digests in it, and the names of the tests without their paths.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from difflib import unified_diff
from pathlib import Path

SCENARIO = (
    "check --json",
    "plan --json",
    "plan --format markdown",
    "sync --json",
    "sync",
    "status --json",
    "list --json",
    "promote support/triage production --json",
    "promote --write support/triage staging",
    "show support/triage:production --json",
    "show nobody/knows",
    "log support/triage --json",
    "alias list --json",
    "alias log support/triage --json",
    "render translate",
    "mv translate moved --dry-run --json",
    "verify --full --json",
    "gc --json",
    "export --all registry.zip --json",
)
VARYING = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ][0-9:.+]*"), "TIME"),
    (re.compile(r"\b[0-9a-f]{40}\b"), "COMMIT"),
    (re.compile(r"/[^\s\"']*/checkout\b"), "FOLDER"),
)


def main(old: Path, new: Path) -> int:
    before, after = _facts(old.resolve()), _facts(new.resolve())
    different = [title for title in before | after if before.get(title) != after.get(title)]
    for title in different:
        lines = (before.get(title, "").splitlines(), after.get(title, "").splitlines())
        print("\n".join([f"== {title}", *unified_diff(*lines, "before", "after", lineterm="", n=1)]))
    print(f"{len(before | after)} compared, {len(different)} differ")
    return 1 if different else 0


def _facts(checkout: Path) -> dict[str, str]:
    return {
        "help": _run(checkout, "python", str(checkout / "scripts" / "cli_docs.py"), folder=checkout),
        **_outputs(checkout),
        "tests": "\n".join(_tests(checkout)),
    }


def _outputs(checkout: Path) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as base:
        folder = Path(base) / "checkout"
        shutil.copytree(checkout / "prompts", folder / "prompts")
        git = ("git", "-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-C", str(folder))
        for arguments in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-qm", "Prompts")):
            subprocess.run([*git, *arguments], check=True)
        return {
            f"{number} promptdb {words}": _run(checkout, "promptdb", *words.split(), folder=folder)
            for number, words in enumerate(SCENARIO, 1)
        }


def _tests(checkout: Path) -> list[str]:
    listed = _run(checkout, "python", "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", folder=checkout)
    return sorted(line.rpartition(".py::")[2] for line in listed.splitlines() if ".py::" in line)


def _run(checkout: Path, program: str, *arguments: str, folder: Path) -> str:
    environment = {**os.environ, "COLUMNS": "80", "PROMPTDB_ACTOR": "ann", "PYTHONPATH": ""}
    command = [str(checkout / ".venv" / "bin" / program), *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    text = f"{done.stdout}{done.stderr}exit {done.returncode}\n"
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    return text


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
