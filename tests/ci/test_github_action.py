"""action.yml: that GitHub takes it, and that its scripts do what they say."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from registries import write

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
INSTALL, RUN = (
    next(step for step in STEPS if step.get("name") == name) for name in ("Install promptdb", "Run promptdb")
)


class Done(NamedTuple):
    code: int
    log: str
    outputs: dict[str, str]
    summary: str


def run_step(step: dict[str, Any], folder: Path, **environment: str) -> Done:
    """As the runner does: https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax ."""
    runner = folder / "runner"
    runner.mkdir(exist_ok=True)
    output, summary = runner / "output", runner / "summary"
    output.touch()
    summary.touch()
    given = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GITHUB_")},
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_OUTPUT": str(output),
        "GITHUB_STEP_SUMMARY": str(summary),
        "RUNNER_TEMP": str(runner),
        **environment,
    }
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    done = subprocess.run(command, cwd=folder, env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
    return Done(done.returncode, done.stdout, outputs, summary.read_text())


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a prompt, and promptdb where the action installs it."""
    write(tmp_path, {"prompts/greet.txt": "Hi {name}!\n"})
    folder = tmp_path / "runner/promptdb-venv/bin"
    folder.mkdir(parents=True)
    for name, arguments in (("promptdb", "-m promptdb "), ("python", "")):
        (folder / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments}"$@"\n')
        (folder / name).chmod(0o755)
    return tmp_path


def test_the_action_has_what_github_requires() -> None:
    assert ACTION["name"]
    assert ACTION["description"]
    assert ACTION["runs"]["using"] == "composite"
    assert all(step.get("shell") == "bash" for step in STEPS if "run" in step)
    assert all(("run" in step) != ("uses" in step) for step in STEPS)
    assert all(found["description"] for found in (*ACTION["inputs"].values(), *ACTION["outputs"].values()))


def test_inputs_and_outputs_that_are_used_are_declared() -> None:
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == ACTION["inputs"].keys()
    assert set(re.findall(r"steps\.run\.outputs\.([\w-]+)", text)) == ACTION["outputs"].keys()
    assert all(f'echo "{name}=' in RUN["run"] for name in ACTION["outputs"])


@pytest.mark.parametrize("step", [INSTALL, RUN], ids=["install", "run"])
def test_the_scripts_parse_and_take_inputs_as_variables_only(step: dict[str, Any]) -> None:
    subprocess.run(["bash", "-n", "-c", step["run"]], check=True)
    assert "${{" not in step["run"]


def test_what_is_asked_for_is_installed(tmp_path: Path) -> None:
    wheel = tmp_path / "a folder" / "stub-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("stub.py", "def main(): print('hello')\n")
        archive.writestr("stub-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: stub\nVersion: 1.0\n")
        archive.writestr("stub-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("stub-1.0.dist-info/entry_points.txt", "[console_scripts]\npromptdb = stub:main\n")
        archive.writestr("stub-1.0.dist-info/RECORD", "")
    done = run_step(INSTALL, tmp_path, SPEC=str(wheel))
    assert done.code == 0, done.log
    assert run_step(RUN, tmp_path, COMMAND="check", ARGS="").log == "hello\n"


def test_a_plan_goes_to_the_summary_and_to_a_file(project: Path) -> None:
    done = run_step(RUN, project, COMMAND="plan", ARGS="")
    assert (done.code, done.outputs["changed"]) == (0, "true")
    assert "| create | `default/greet` |" in done.summary
    assert Path(done.outputs["plan-file"]).read_text() == done.summary


def test_nothing_to_sync_is_no_change(project: Path) -> None:
    assert run_step(RUN, project, COMMAND="sync", ARGS="").code == 0
    done = run_step(RUN, project, COMMAND="plan", ARGS="")
    assert (done.code, done.outputs["changed"]) == (0, "false")


def test_a_check_annotates_and_fails(project: Path) -> None:
    write(project, {"prompts/greet.txt": "{"})
    done = run_step(RUN, project, COMMAND="check", ARGS="")
    assert done.code == 4
    assert done.log.startswith("::error file=prompts/greet.txt,line=1,col=1,title=PDB301::")


@pytest.mark.parametrize("command", ["plan", "sync"])
def test_invalid_files_fail_and_their_text_is_no_command(project: Path, command: str) -> None:
    write(project, {"prompts/a.yaml": '"::add-mask::x": 1\ntemplate: x\n'})
    done = run_step(RUN, project, COMMAND=command, ARGS="")
    assert done.code == 4
    first, *told, last = done.log.splitlines()
    assert first == f"::stop-commands::{last.strip(':')}"
    assert len(last) > 30
    assert any("::add-mask::" in line for line in told)


def test_options_are_words_and_no_patterns(project: Path) -> None:
    done = run_step(RUN, project, COMMAND="sync", ARGS="--keep-going   --no*")
    assert done.code == 2
    assert "No such option '--no*'" in done.log.replace("`", "'").replace(": --no*", " '--no*'")


@pytest.mark.parametrize("command", ["", "promote", "plan; touch owned"])
def test_other_commands_are_refused(project: Path, command: str) -> None:
    done = run_step(RUN, project, COMMAND=command, ARGS="; touch owned")
    assert (done.code, done.log) == (2, "::error::the input command must be check, plan or sync\n")
    assert not (project / "owned").exists()
