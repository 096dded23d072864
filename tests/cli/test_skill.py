"""The skill for coding agents: its commands do what it says, in the order in which it has them."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from clitools import Run, commands
from registries import write
from repositories import Git, commit_all

SKILL = Path(__file__).parents[2] / "skills" / "promptdb" / "SKILL.md"
GREETING = "You greet customers of {company}. One sentence.\n"


def fields_and_text() -> tuple[dict[str, str], str]:
    _, front, text = SKILL.read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(front), text


def blocks() -> Iterator[tuple[str, str, str]]:
    """Give the section, the language and the code of each block."""
    for section in fields_and_text()[1].split("\n## ")[1:]:
        title = section.partition("\n")[0]
        for language, code in re.findall(r"^```(\w*)\n(.*?)^```", section, re.DOTALL | re.MULTILINE):
            yield title, language, code


def released_twice(git: Git, folder: Path) -> None:
    write(folder, {"prompts/support/greeting.txt": GREETING})
    commit_all(git)
    commands("sync", "promote support/greeting production")
    write(folder, {"prompts/support/greeting.txt": GREETING.replace("One sentence", "Two sentences")})
    commit_all(git)
    commands("sync", "promote support/greeting production")


def test_an_agent_can_follow_it(
    git: Git, project: Path, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PROMPTDB_ACTOR", "an agent")
    done = []
    for title, language, code in blocks():
        if language == "sh":
            for line in code.splitlines():
                program, *arguments = shlex.split(line)
                if program == "promptdb":
                    ran = run(*arguments)
                    assert ran.code == 0, f"{line}: {ran.err}"
                else:
                    subprocess.run([program, *arguments], check=True)
            if title.startswith("Adopt"):
                released_twice(git, project)
        elif language == "yaml":
            name = code.partition("\n")[0].removeprefix("# ")
            write(project, {name: code})
        else:
            assert language == "python"
            names: dict[str, object] = {}
            exec(code, names)
            assert "You answer customers of Acme." in str(names["messages"])
            names["client"].close()  # type: ignore[attr-defined]
        done.append((title, language))
    assert len(done) == 7
    assert run("show", "support/greeting:production", "--json").json["revision"] == 1


def test_its_head_is_what_agents_read() -> None:
    """As https://agentskills.io/specification limits it."""
    fields, text = fields_and_text()
    assert fields["name"] == SKILL.parent.name
    assert fields.keys() == {"name", "description"}
    assert len(fields["description"]) <= 1024
    assert len(text.splitlines()) < 500
