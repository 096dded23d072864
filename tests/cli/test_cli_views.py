"""`--worktree`, `--staged` and `--rev` of the commands that read files."""

import json
from pathlib import Path

import pytest
from clitools import GREET, Run
from registries import write
from repositories import Git, commit_all

COMMANDS = ["check", "plan", "sync", "diff greet", "render greet"]


@pytest.fixture
def edited(project: Path, git: Git) -> Path:
    """Three greetings: a committed one, a staged one and one on disk."""
    write(project, {"prompts/greet.txt": "committed {name}"})
    commit_all(git)
    write(project, {"prompts/greet.txt": "staged {name}"})
    git("add", "--all")
    write(project, {"prompts/greet.txt": "on disk {name}"})
    return project


VIEWS = [("", "on disk"), ("--worktree", "on disk"), ("--staged", "staged"), ("--rev HEAD", "committed")]


@pytest.mark.parametrize(("view", "text"), VIEWS[1:])
def test_render_takes_the_file_of_the_view(run: Run, edited: Path, view: str, text: str):
    for what in (["greet"], ["--file", "prompts/greet.txt"]):
        ran = run("render", *what, *view.split(), "-v", "name=Ann")
        assert (ran.code, ran.out) == (0, f"{text} Ann\n")


@pytest.mark.parametrize(("view", "text"), VIEWS)
@pytest.mark.slow
def test_sync_writes_what_the_view_has(run: Run, edited: Path, git: Git, view: str, text: str):
    assert run("sync", *view.split()).code == 0
    assert run("render", "greet", "-v", "name=Ann").out == f"{text} Ann\n"
    [entry] = json.loads(run("log", "greet", "--json").out)
    assert entry["source"]["is_dirty"] is (text != "committed")
    assert entry["source"]["commit_id"] == git("rev-parse", "HEAD")


@pytest.mark.parametrize(("view", "text"), VIEWS)
@pytest.mark.slow
def test_diff_and_plan_compare_with_the_view(run: Run, edited: Path, view: str, text: str):
    assert run("sync", "--rev", "HEAD").code == 0
    differs = text != "committed"
    ran = run("diff", "greet", "--exit-code", *view.split())
    assert (ran.code, f"+{text} {{name}}" in ran.out) == (3 if differs else 0, differs)
    assert run("plan", "--exit-code", *view.split()).code == (3 if differs else 0)


def test_check_sees_the_mistake_only_where_it_is(run: Run, edited: Path, git: Git):
    write(edited, {"prompts/greet.txt": "{"})
    assert [run("check", *view.split()).code for view, _ in VIEWS] == [4, 4, 0, 0]
    git("add", "--all")
    write(edited, {"prompts/greet.txt": GREET})
    assert [run("check", *view.split()).code for view, _ in VIEWS] == [0, 0, 4, 0]
    data = json.loads(run("check", "--staged", "--json").out)
    assert [problem["path"] for problem in data["problems"]] == ["greet.txt"]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("views", ["--staged --rev HEAD", "--worktree --staged", "--worktree --rev HEAD"])
def test_views_exclude_one_another(run: Run, edited: Path, command: str, views: str):
    ran = run(*command.split(), *views.split())
    assert (ran.code, "cannot be combined" in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("check --staged --update-tests", "cannot be combined with --staged or --rev"),
        ("diff greet :rev:1 --staged", "OTHER cannot be combined with"),
        ("sync --history --staged", "can be combined only with --rev"),
        ("sync --history --prune", "can be combined only with --rev"),
    ],
)
def test_options_that_contradict_a_view_are_refused(run: Run, edited: Path, command: str, message: str):
    ran = run(*command.split())
    assert (ran.code, message in ran.err) == (2, True)


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_commit_is_one_line_with_a_hint(run: Run, edited: Path, command: str):
    if command.startswith("diff"):
        assert run("sync").code == 0
    ran = run(*command.split(), "--rev", "nope")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.splitlines() == [
        "error: there is no commit, tag or branch 'nope'",
        "hint: 'git fetch --tags' gets what is new",
    ]


def test_a_reference_with_a_selector_is_no_name_of_a_file(run: Run, edited: Path):
    ran = run("render", "greet:production", "--staged")
    assert (ran.code, "omit :production" in ran.err) == (1, True)


@pytest.mark.slow
def test_history_is_recorded_and_told(run: Run, edited: Path, git: Git):
    git("reset", "--quiet", "--hard")
    write(edited, {"prompts/greet.txt": "{"})
    bad = commit_all(git)
    write(edited, {"prompts/greet.txt": "mended"})
    commit_all(git)
    ran = run("sync", "--history")
    assert (ran.code, ran.out) == (0, "3 commits: 2 prompts created, 1 new version\n")
    assert ran.err.startswith(f"{bad[:12]} prompts/greet.txt:1:1: skipped [PDB301]")
    assert run("sync", "--history").out.splitlines()[-1] == "0 commits: nothing new"
    data = json.loads(run("sync", "--history", "--json").out)
    assert (data["commits"], data["since"], data["problems"]) == (0, git("rev-parse", "HEAD"), [])
    assert run("sync", "--rev", "HEAD").out == "2 unchanged\n"


@pytest.mark.slow
def test_history_says_in_one_line_what_it_cuts_off_and_how_to_follow_it(run: Run, project: Path, git: Git):
    commit_all(git)
    git("mv", "prompts", "texts")
    write(project, {"promptdb.toml": 'prompts_root = "texts"\n'})
    moved = commit_all(git)
    ran = run("sync", "--history")
    assert ran.code == 0
    assert ran.err == (
        f"cut off: 1 earlier commit changed prompts/, and 2 files moved from there in {moved[:12]}; "
        'former_roots = ["prompts"] follows them into a new registry\n'
    )
    (project / "promptdb.sqlite3").unlink()
    write(project, {"promptdb.toml": 'prompts_root = "texts"\nformer_roots = ["prompts"]\n'})
    data = json.loads(run("sync", "--history", "--json").out)
    assert (data["commits"], data["cut_off"]) == (2, [])


def test_history_with_a_mistake_in_the_newest_commit_writes_nothing(run: Run, edited: Path, git: Git):
    write(edited, {"prompts/greet.txt": "{"})
    commit_all(git)
    ran = run("sync", "--history")
    assert (ran.code, ran.out) == (4, "")
    assert ran.err.splitlines()[-1] == "nothing was written: HEAD itself has these errors"
    assert json.loads(run("list", "--json").out) == []


@pytest.mark.slow
def test_what_is_not_recorded_is_told_as_such(run: Run, edited: Path, git: Git):
    assert run("sync").code == 0
    note = "note: no sync has recorded default/greet at commit"
    for command in ("show", "render", "diff", "export"):
        values = ["-v", "name=Ann"] if command == "render" else ["-"] if command == "export" else []
        assert run(command, "greet:git:main~0", *values).err.startswith(note)
    assert f"--- default/greet:git:{git('rev-parse', 'HEAD')[:12]}" in run("diff", "greet:git:main~0").out
    ran = run("show", "greet:git:main~0")
    assert (ran.code, ran.out.splitlines()[0]) == (
        0,
        f"default/greet in commit {git('rev-parse', 'HEAD')[:12]}, not recorded",
    )
    assert json.loads(run("show", "greet:git:main~0", "--json").out)["is_recorded"] is False


def test_a_bare_repository_asks_for_a_commit(run: Run, edited: Path, git: Git, monkeypatch: pytest.MonkeyPatch):
    bare = edited.with_name(f"{edited.name}.git")
    git("clone", "--quiet", "--bare", str(edited), str(bare))
    monkeypatch.chdir(bare)
    for command in ("check", "plan", "sync", "status"):
        ran = run(command)
        assert (ran.code, "is a bare repository" in ran.err, "name a commit with --rev" in ran.err) == (1, True, True)
    assert run("sync", "--rev", "main").code == 0


def test_an_author_that_is_not_known_is_not_made_up(run: Run, edited: Path, git: Git, monkeypatch: pytest.MonkeyPatch):
    write(edited, {"prompts/greet.txt": "newer"})
    commit_all(git)
    clone = edited.with_name(f"{edited.name}-clone")
    git("clone", "--quiet", "--depth=1", f"file://{edited}", str(clone))
    monkeypatch.chdir(clone)
    assert run("sync").code == 0
    assert run("log", "greet").out.splitlines()[1].endswith(" unknown")


@pytest.mark.slow
def test_aliases_that_cannot_move_leave_the_history_recorded_and_are_told(run: Run, edited: Path, git: Git):
    git("reset", "--quiet", "--hard")
    write(edited, {"prompts/_aliases.yaml": "production: {greet: rev:9}\n"})
    commit_all(git)
    ran = run("sync", "--history")
    assert (ran.code, ran.out) == (4, "2 commits: 2 prompts created\n")
    assert "has no version 'rev:9'" in ran.err
    assert "nothing was written" not in ran.err
    assert len(json.loads(run("list", "--json").out)) == 2
    write(edited, {"prompts/_aliases.yaml": "production: {greet: rev:1}\n", "prompts/greet.txt": "more"})
    commit_all(git)
    data = json.loads(run("sync", "--history", "--json").out)
    assert (data["commits"], [move["to_revision"] for move in data["alias_moves"]]) == (1, [1])
