"""`promptdb watch`: what it prints, and how it ends. What it does is tested in tests/watch."""

import json
import re
import signal
import sqlite3
import subprocess
import threading
from contextlib import closing
from pathlib import Path

import pytest
from clitools import TIMEOUT, Run, failure, keys, process, started
from registries import write
from test_cli_json import PLAN, PROBLEM

from promptdb.problems import Code

pytestmark = pytest.mark.slow

FIELDS = {
    "started": ("root", "database", "mode", "interval", "reason"),
    "waiting": ("reason",),
    "error": ("message", "hint"),
    "resumed": (),
    "warning": ("message", "hint"),
    "stopped": (),
}


def read_until(running: "subprocess.Popen[str]", stream: str, text: str) -> str:
    """What it prints up to a line with some text, times left out."""
    read = ""
    late = threading.Timer(TIMEOUT, running.kill)
    late.start()
    try:
        for line in getattr(running, stream):
            read += re.sub(r"^\d\d:\d\d:\d\d ", "TIME ", line)
            if text in line:
                return read
    finally:
        late.cancel()
    raise AssertionError(f"ended without {text!r}: {read}")


def test_people_read_what_was_written_and_hear_of_the_rest(project: Path) -> None:
    with started("watch") as running:
        assert read_until(running, "stderr", "watching") == (
            f"TIME watching {project}/prompts for sqlite:///{project}/promptdb.sqlite3 (inotify, checking every 5 s)\n"
        )
        assert read_until(running, "stdout", "support/triage").splitlines()[:2] == [
            "TIME 2 created, 0 unchanged",
            "CHANGE   PROMPT          REVISION  DIGEST           WHAT",
        ]
        write(project, {"prompts/greet.txt": "Hello {name\n"})
        assert read_until(running, "stderr", "in 1 file") == (
            "TIME problems:\n"
            "prompts/greet.txt:1:7: error [PDB301] a single '{' that is not part of a variable\n"
            "    hint: write {{ and }} for literal braces, or set 'template_format: plain' if the text has no variables\n"
            "1 error in 1 file\n"
        )
        write(project, {"prompts/greet.txt": "Hello {name}\n"})
        assert read_until(running, "stderr", "problems") == "TIME no problems left\n"
        assert "new version  default/greet" in read_until(running, "stdout", "default/greet")
        running.send_signal(signal.SIGTERM)
        assert running.stderr is not None
        assert re.sub(r"\d\d:\d\d:\d\d", "TIME", running.stderr.read()) == "TIME stopped\n"
        assert running.wait() == 0


def test_it_proposes_renames_as_plan_does(project: Path) -> None:
    with started("watch") as running:
        read_until(running, "stdout", "support/triage")
        (project / "prompts/greet.txt").rename(project / "prompts/hello.txt")
        notice = "default/hello has the content of default/greet, whose file is gone: 'renamed_from: [default/greet]'"
        assert notice in read_until(running, "stderr", "default/hello")


def test_ctrl_c_ends_it_with_130_and_a_second_one_is_refused_meanwhile(project: Path) -> None:
    with started("watch", "--json") as running:
        read_until(running, "stdout", "synced")
        refused = process("watch")
        assert (refused.code, refused.out) == (5, "")
        assert refused.err == failure(
            f"process {running.pid} already watches {project}/prompts",
            "that process syncs this checkout already; stop it to watch from here",
        )
        running.send_signal(signal.SIGINT)
        assert json.loads(read_until(running, "stdout", "stopped"))["event"] == "stopped"
        assert running.stderr is not None
        assert running.stderr.read() == ""
        assert running.wait() == 130


def test_every_line_of_json_is_one_event_with_its_fields(project: Path) -> None:
    (project / "prompts").rename(project / "away")
    with started("watch", "--json") as running:
        text = read_until(running, "stdout", "waiting")
        write(project, {"away/bad.txt": "{"})
        (project / "away").rename(project / "prompts")
        text += read_until(running, "stdout", "resumed")
        running.send_signal(signal.SIGTERM)
        text += read_until(running, "stdout", "stopped")
    events = [json.loads(line) for line in text.splitlines()]
    assert [event["event"] for event in events] == ["started", "waiting", "invalid", "synced", "resumed", "stopped"]
    for event in events:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d", event.pop("time"))
        name = event.pop("event")
        shapes = {"invalid": {"problems": [PROBLEM]}, "synced": {"plan": PLAN, "run_id": None, "confirmed": []}}
        expected = shapes.get(name, dict.fromkeys(FIELDS.get(name, ())))
        assert keys(event) == (
            {**expected, "plan": {**PLAN, "missing": [], "order": None}} if name == "synced" else expected
        )
    assert events[0]["mode"] == "inotify"
    assert events[2]["problems"][0]["code"] == Code.TEMPLATE_SYNTAX


def test_a_registry_that_is_not_local_is_refused(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTDB_DATABASE_URL", "postgresql://ann:secret@db.example/prompts")
    refused = run("watch")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == failure(
        "watch writes only to a local registry, and this one is postgresql://db.example/prompts",
        "set PROMPTDB_DATABASE_URL to a SQLite file in or beside the checkout, or use 'promptdb sync'",
    )


@pytest.mark.parametrize("interval", ["0", "soon", "nan"])
def test_an_interval_that_is_none_is_a_usage_error(interval: str, project: Path) -> None:
    assert process("watch", "--interval", interval).code == 2


def test_a_schema_of_another_release_ends_it(synced: Path) -> None:
    with closing(sqlite3.connect(synced / "promptdb.sqlite3")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert process("watch").code == 1
