"""`promptdb list`."""

from pathlib import Path

import pytest
from clitools import Run, steady
from registries import write


def names(run: Run, *arguments: str) -> list[str]:
    return [line.split()[0] for line in run("list", *arguments).out.splitlines()[1:]]


def test_prompts_are_listed_by_name_with_their_aliases(run: Run, two_versions: Path) -> None:
    ran = run("list")
    assert (ran.code, ran.err) == (0, "")
    assert steady(ran.out) == (
        "PROMPT          REVISION  DIGEST           ALIASES                  UPDATED\n"
        "default/greet   2         sha256:00000000  production=1, staging=2  2026-01-01 00:00\n"
        "support/triage  1         sha256:00000000                           2026-01-01 00:00\n"
    )


PATTERNS = [
    ("support", ["support/triage", "support/eu/triage"]),
    ("support/", ["support/triage", "support/eu/triage"]),
    ("support/*", ["support/triage", "support/eu/triage"]),
    ("support/eu", ["support/eu/triage"]),
    ("*/triage", ["support/triage", "support/eu/triage"]),
    ("default/greet", ["default/greet"]),
    ("*", ["default/greet", "support/triage", "support/eu/triage"]),
    ("Support", []),
    ("sup", []),
    ("support/tri?ge", []),
    ("support/[t]riage", []),
    ("*/tri", []),
]


@pytest.mark.parametrize(("pattern", "found"), PATTERNS, ids=[pattern for pattern, _ in PATTERNS])
def test_a_pattern_is_a_namespace_or_has_stars(run: Run, synced: Path, pattern: str, found: list[str]) -> None:
    write(synced, {"prompts/support/eu/triage.txt": "x"})
    assert run("sync").code == 0
    assert names(run, pattern) == found


def test_a_pattern_that_fits_nothing_says_so(run: Run, synced: Path) -> None:
    assert run("list", "nothing") == (0, "", "no prompts match 'nothing'\n")


def test_an_empty_registry_says_what_to_do(run: Run, project: Path) -> None:
    assert run("db", "upgrade").code == 0
    assert run("list") == (0, "", "no prompts; 'promptdb sync' adds them\n")


def test_archived_prompts_are_listed_when_asked_for(run: Run, synced: Path) -> None:
    (synced / "prompts/greet.txt").unlink()
    assert run("sync", "--prune", "--max-prune", 50).code == 0
    assert names(run) == ["support/triage"]
    listed = run("list", "--archived").out.splitlines()
    assert [line.endswith(" (archived)") for line in listed] == [False, True, False]


def test_json_of_nothing_is_an_empty_list(run: Run, project: Path) -> None:
    assert run("db", "upgrade").code == 0
    assert run("list", "--json") == (0, "[]\n", "")


def test_json_maps_aliases_to_revisions(run: Run, two_versions: Path) -> None:
    found = run("list", "default/greet", "--json").json
    assert [(one["prompt"], one["revision"], one["aliases"]) for one in found] == [
        ("default/greet", 2, {"production": 1, "staging": 2})
    ]
