"""`promptdb sync --keep-going`: what invalid files mean for their prompts."""

from pathlib import Path

from clitools import Run
from registries import write
from repositories import Git, commit_all


def test_of_files_that_clash_neither_is_written(run: Run, project: Path) -> None:
    write(project, {f"prompts/{name}": "Hi" for name in ("same.txt", "same.md", "UP.txt", "up.md", "fine.txt")})
    for _ in range(2):
        assert run("sync", "--keep-going").code == 4
    names = [line.split()[0] for line in run("list").out.splitlines()[1:]]
    assert names == ["default/fine", "default/greet", "support/triage"]


def test_files_that_clash_with_one_that_was_synced_leave_its_prompt_alone(run: Run, synced: Path) -> None:
    write(synced, {"prompts/greet.md": "Hi"})
    ran = run("sync", "--keep-going")
    assert (ran.code, ran.out) == (4, "1 unchanged\n")
    assert "without a file" not in ran.err


def test_a_prompt_whose_file_is_invalid_is_left_alone(run: Run, synced: Path, git: Git) -> None:
    """It is not gone, and a file that names it as its earlier name does not take it over."""
    assert run("promote", "greet", "production").code == 0
    write(synced, {"prompts/greet.txt": "Hello {", "prompts/new.yaml": "template: x\nrenamed_from: [greet]\n"})
    commit = commit_all(git)
    ran = run("sync", "--keep-going", "--prune", "--max-prune", 100)
    assert (ran.code, ran.out.splitlines()[1].split()[:2]) == (4, ["created", "default/new"])
    assert "without a file" not in ran.err + run("status").out
    assert run("show", "greet:production").out.startswith("default/greet revision 1\n")
    assert "there was no valid file in that commit" in run("show", f"greet:git:{commit}").err
