"""What a release uploads works alone, and the changelog is ready before it is uploaded."""

import re
import runpy
import subprocess
from pathlib import Path

import pytest
import yaml

from promptdb.version import VERSION

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"


@pytest.mark.slow
def test_a_newcomer_gets_from_the_wheel_to_a_prompt_without_a_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Set for these tests by some editors, and a user has neither.
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "VIRTUAL_ENV"):
        monkeypatch.delenv(name, raising=False)
    ran = subprocess.run(["sh", SCRIPTS / "try_release", tmp_path], capture_output=True, encoding="utf-8", check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert {file.name for file in tmp_path.glob("promptdb*")} == {
        f"promptdb_git-{VERSION}-py3-none-any.whl",
        f"promptdb_git-{VERSION}.tar.gz",
    }
    assert re.search(r"^error: this would break callers of support/greeting:production", ran.stdout, re.MULTILINE)
    assert ran.stdout.endswith("\nsnapshot: You greet customers of Acme. One sentence, no emoji.\n")


@pytest.mark.parametrize(
    ("changelog", "faults"),
    [
        pytest.param(
            "## [Unreleased]\n\n## [1.2.0] - 2026-12-01\n\n- New\n\n## [1.1.0] - 2026-11-01\n", [], id="ready"
        ),
        pytest.param("## [1.2.0] - 2026-12-01\n\n- New\n", [], id="nothing since"),
        pytest.param("## [Unreleased]\n\n- New\n", ["there is no section", "is not empty"], id="not begun"),
        pytest.param("## [Unreleased]\n\n- More\n\n## [1.2.0] - 2026-12-01\n", ["is not empty"], id="left behind"),
        pytest.param("## [1.2.0]\n\n- New\n", ["there is no section"], id="without a date"),
        pytest.param("## [1.2.01] - 2026-12-01\n", ["there is no section"], id="another version"),
    ],
)
def test_the_changelog_has_the_version_before_its_release(changelog: str, faults: list[str]) -> None:
    found = runpy.run_path(str(SCRIPTS / "changelog.py"))["faults"](changelog, "1.2.0")
    assert [expected in fault for expected, fault in zip(faults, found, strict=True)] == [True] * len(faults)


def test_the_workflow_uploads_what_was_tried() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/publish.yml").read_text())["jobs"]
    commands = [step["run"] for step in jobs["build"]["steps"] if "run" in step]
    assert commands[-1] == "make release-check"
    [uploaded] = [step["with"]["path"] for step in jobs["build"]["steps"] if "upload" in step.get("uses", "")]
    assert uploaded == "dist/"
    assert re.search(
        r"^release-check:.*\n\trm -rf dist\n\tsh scripts/try_release dist\n", (ROOT / "Makefile").read_text(), re.M
    )
