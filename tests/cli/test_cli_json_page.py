"""docs/json-output.md and the commands whose keys are not frozen elsewhere: each key is on the page, and nothing else."""

import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from clitools import Make, Run, commands
from registries import write
from repositories import commit_all, new_repository
from test_cli_json import DOCS, SHAPES

PAGE = DOCS.read_text(encoding="utf-8")
OTHERS = {
    "alias release": "alias release greet production",
    "blame": "blame",
    "check": "check",
    "copy": "copy other.toml",
    "db doctor": "db doctor",
    "export --to": "export --to langfuse greet out.json",
    "fmt": "fmt --check",
    "gc": "gc",
    "import": "-C empty import ../all.zip",
    "import --from": "-C empty import --from langfuse ../langfuse.json",
    "show --assets": "show greet --assets",
    "snapshot diff": "snapshot diff a.snapshot a.snapshot",
    "snapshot verify": "snapshot verify a.snapshot",
    "sync --history": "-C cloned sync --history",
    "token check": "token check",
    "verify": "verify",
}
"""By their rows."""


def first_keys(cell: str) -> set[str]:
    """Read the keys of the first braces, without those of values inside."""
    start = cell.index("{")
    depth, own = 0, ""
    for letter in cell[start:]:
        depth += (letter in "{[") - (letter in "}]")
        own += letter if depth == 1 else ""
        if depth == 0:
            break
    return set(re.findall(r"\w+", own))


def documented() -> Iterator[tuple[list[str], str]]:
    """Give the commands and the value of each row."""
    for line in PAGE.partition("\n## ")[0].splitlines():
        if line.startswith("| `"):
            names, value = line.strip("| ").split(" | ", 1)
            yield re.findall(r"`([^`]+)`", names), value


ROWS = {name: value for names, value in documented() for name in names}


def make_a_bit_of_everything(folder: Path) -> None:
    git = new_repository(folder)
    commit_all(git)
    commands("sync", "promote greet production")
    write(
        folder, {"prompts/_aliases.yaml": "production: {greet: rev:1}\n", "prompts/greet.txt": "Hi {name}, {place}!\n"}
    )
    commit_all(git)
    commands("sync", "promote greet production")
    commands(
        "export --all all.zip", "export --to langfuse greet langfuse.json", "snapshot --alias production -o a.snapshot"
    )
    write(
        folder,
        {"other.toml": 'database_url = "sqlite:///other.sqlite3"\nblob_root = ".other"\n'},
    )
    (folder / "empty" / "prompts").mkdir(parents=True)
    write(folder, {"empty/promptdb.toml": ""})
    git("clone", "--quiet", ".", "cloned")


@pytest.mark.parametrize("name", OTHERS)
def test_the_keys_of_a_command_are_those_on_the_page(
    run: Run, copied: Callable[[Make], Path], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied(make_a_bit_of_everything)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"pdb_x")))
    ran = run(*OTHERS[name].split(), "--json")
    given: Any = json.loads(ran.out or pytest.fail(ran.err))
    assert set(given[0] if isinstance(given, list) else given) == first_keys(ROWS[name])


def test_each_row_is_compared_with_its_command() -> None:
    elsewhere = {"watch"}  # events, in the tests of that command
    compared = {name for name in ROWS if any(command.startswith(f"{name} ") or command == name for command in SHAPES)}
    missing = [names for names, _ in documented() if not compared.union(elsewhere, OTHERS).intersection(names)]
    assert missing == []
