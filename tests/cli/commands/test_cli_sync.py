"""`promptdb sync`."""

import re
import shutil
from pathlib import Path

import pytest
from clitools import Run, failure, steady
from registries import write
from repositories import Git, commit_all, git_in


def test_new_files_are_created(run: Run, project: Path) -> None:
    ran = run("sync")
    assert (ran.code, steady(ran.out), ran.err) == (
        0,
        "CHANGE   PROMPT          REVISION  DIGEST           WHAT\n"
        "created  default/greet   1         sha256:00000000\n"
        "created  support/triage  1         sha256:00000000\n"
        "2 created, 0 unchanged\n",
        "",
    )


def test_a_second_sync_writes_nothing_and_says_so(run: Run, synced: Path) -> None:
    database = (synced / "promptdb.sqlite3").read_bytes()
    assert run("sync") == run("sync") == (0, "2 unchanged\n", "")
    assert (synced / "promptdb.sqlite3").read_bytes() == database


def test_a_changed_file_gets_a_new_version(run: Run, synced: Path) -> None:
    write(synced, {"prompts/greet.txt": "Hi {name} of {place}!"})
    assert steady(run("sync").out) == (
        "CHANGE       PROMPT         REVISION  DIGEST           WHAT\n"
        "new version  default/greet  1 -> 2    sha256:00000000  template\n"
        "1 new version, 1 unchanged\n"
    )
    assert run("render", "greet", "-v", "name=Bo", "-v", "place=Oz").out == "Hi Bo of Oz!\n"


def test_old_text_taken_back_is_a_new_revision(run: Run, two_versions: Path) -> None:
    write(two_versions, {"prompts/greet.txt": "Hello {name}, welcome to {place}!\n"})
    assert "2 -> 3" in run("sync").out
    versions = [entry["version"] for entry in run("log", "greet", "--json").json]
    assert [version["revision"] for version in versions] == [3, 2, 1]
    assert versions[0]["spec_hash"] == versions[2]["spec_hash"] != versions[1]["spec_hash"]


def test_an_invalid_file_stops_everything(run: Run, project: Path) -> None:
    write(project, {"prompts/bad.txt": "{"})
    ran = run("sync")
    assert (ran.code, ran.out) == (4, "")
    assert ran.err.startswith("prompts/bad.txt:1:1: error [PDB301] ")
    assert ran.err.endswith("1 error in 1 file\nnothing was written\n")
    assert run("list").out == ""


def test_keep_going_writes_the_valid_ones_and_leaves_with_4(run: Run, project: Path) -> None:
    write(project, {"prompts/bad.txt": "{"})
    ran = run("sync", "--keep-going")
    assert ran.code == 4
    assert ran.out.endswith("2 created, 0 unchanged\n")
    assert "prompts/bad.txt:1:1: error [PDB301] " in ran.err
    assert [line.split()[0] for line in run("list").out.splitlines()[1:]] == ["default/greet", "support/triage"]


def test_keep_going_does_not_archive_what_is_invalid_now(run: Run, synced: Path) -> None:
    write(synced, {"prompts/greet.txt": "{"})
    assert run("sync", "--keep-going", "--prune", "--max-prune", 100).code == 4
    assert "default/greet" in run("list").out


@pytest.mark.parametrize("command", ["plan", "sync"])
def test_warnings_are_a_line_with_their_count_and_stop_nothing(run: Run, project: Path, command: str) -> None:
    write(project, {"prompts/warn.yaml": "template: x\nvariables: {a: {}}\n"})
    assert run("db", "upgrade").code == 0
    ran = run(command)
    assert (ran.code, ran.err) == (0, "1 warning in 1 file; 'promptdb check' shows them\n")
    assert ran.out.endswith("0 unchanged\n")
    assert "prompts/warn.yaml:2:13: warning [PDB303] " in run("check").out


@pytest.mark.parametrize("command", ["plan", "sync"])
def test_errors_are_told_in_full_and_the_warnings_beside_them_counted(run: Run, project: Path, command: str) -> None:
    write(project, {"prompts/warn.yaml": "template: x\nvariables: {a: {}}\n", "prompts/bad.txt": "{"})
    ran = run(command)
    assert ran.code == 4
    assert "PDB303" not in ran.err
    assert "prompts/bad.txt:1:1: error [PDB301] " in ran.err
    assert "1 error and 1 warning in 2 files; 'promptdb check' shows the warnings\n" in ran.err


def test_json_is_what_was_written(run: Run, project: Path) -> None:
    ran = run("sync", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert [change["prompt"] for change in ran.json["plan"]["changes"]] == ["default/greet", "support/triage"]
    assert ran.json["run_id"] == 1


def test_json_of_a_sync_that_writes_nothing_has_no_run(run: Run, synced: Path) -> None:
    ran = run("sync", "--json")
    assert (ran.json["run_id"], ran.json["plan"]["changes"], ran.json["plan"]["unchanged"]) == (None, [], 2)


# Prune


def test_prune_archives_what_is_gone_and_keeps_it_resolvable(run: Run, synced: Path) -> None:
    (synced / "prompts/greet.txt").unlink()
    ran = run("sync", "--prune", "--max-prune", 50)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "CHANGE    PROMPT         REVISION  DIGEST  WHAT\narchived  default/greet\n1 archived, 1 unchanged\n"
    )
    assert "greet" not in run("list").out
    assert run("render", "greet", "-v", "name=Bo", "-v", "place=Oz").code == 0


@pytest.mark.parametrize(("percent", "code"), [(None, 5), (0, 5), (49, 5), (50, 0), (100, 0)])
def test_max_prune_is_the_share_that_may_go(run: Run, synced: Path, percent: int | None, code: int) -> None:
    (synced / "prompts/greet.txt").unlink()
    limit = [] if percent is None else ["--max-prune", percent]
    assert run("sync", "--prune", *limit).code == code
    assert ("greet" in run("list").out) == (code == 5)


def test_a_refused_prune_tells_the_way_out_and_writes_nothing(run: Run, synced: Path) -> None:
    (synced / "prompts/greet.txt").unlink()
    write(synced, {"prompts/new.txt": "x"})
    ran = run("sync", "--prune")
    assert ran == (
        5,
        "",
        failure(
            "--prune would archive 1 of 2 prompts, more than 20 percent",
            "if you meant to remove these files, raise the limit with --max-prune PERCENT",
        ),
    )
    assert "default/new" not in run("list").out


def test_an_empty_folder_does_not_archive_everything(run: Run, synced: Path) -> None:
    for file in ("greet.txt", "support/triage.yaml"):
        (synced / "prompts" / file).unlink()
    assert run("sync", "--prune").code == 5


def test_the_advice_for_a_folder_whose_last_prompt_is_gone_archives_it(run: Run, synced: Path) -> None:
    shutil.rmtree(synced / "prompts")
    assert "create the empty folder, and 'promptdb sync --prune --max-prune 100'" in run("plan").err
    (synced / "prompts").mkdir()
    assert run("sync", "--prune", "--max-prune", 100).code == 0
    assert run("list", "--json").json == []


def test_one_of_several_roots_that_is_gone_gets_advice_of_its_own(run: Run, project: Path) -> None:
    write(project, {"promptdb.toml": 'prompts_root = ["prompts", "gone"]\n'})
    for command in ("plan", "sync"):
        ran = run(command)
        assert (ran.code, "remove it from prompts_root" in ran.err, "promptdb init" in ran.err) == (1, True, False)


def test_local_is_refused_for_a_registry_of_others_before_the_dirty_tree(
    run: Run, dirty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (dirty / "../of_others").mkdir()
    monkeypatch.setenv("PROMPTDB_DATABASE_URL", "sqlite:///../of_others/data.sqlite3")
    ran = run("sync", "--local")
    assert (ran.code, ran.err.startswith("error: --local is for a registry of your own")) == (1, True)


# A clean tree


@pytest.fixture
def dirty(git: Git, project: Path) -> Path:
    commit_all(git)
    write(project, {"prompts/greet.txt": "Hi!"})
    return project


REFUSED = failure("there are uncommitted changes: greet.txt", "commit them, or pass --allow-dirty")


HOMES = {
    "in the checkout": ("sqlite:///./data.sqlite3", {}, None),
    "in a folder of the checkout": ("sqlite:///./prompts/data.sqlite3", {}, None),
    "beside the checkout": ("sqlite:///../data.sqlite3", {}, None),
    "elsewhere": (
        "sqlite:///../elsewhere/data.sqlite3",
        {},
        "who reads 'latest' from sqlite:////.*/elsewhere/data.sqlite3",
    ),
    "with a bucket": (
        "sqlite:///./data.sqlite3",
        {"STORAGE_BACKEND": "minio", "MINIO_ENDPOINT": "s3.example", "MINIO_BUCKET": "prompts"},
        "who reads https://s3.example/prompts",
    ),
    "on a server": (
        "postgresql://me:hunter2@127.0.0.1:1/team",
        {},
        "who reads 'latest' from postgresql://127.0.0.1:1/team",
    ),
}


@pytest.mark.parametrize("home", HOMES)
@pytest.mark.parametrize("ci", ["", "true"])
def test_drafts_stay_home(
    run: Run, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str, ci: str
) -> None:
    """A dirty tree goes into a local registry only, in CI as anywhere else."""
    checkout = tmp_path / "src" / "repo"
    write(checkout, {"prompts/greet.txt": "Hi!"})
    (tmp_path / "src" / "elsewhere").mkdir()
    git_in(checkout)("init", "--quiet")
    monkeypatch.chdir(checkout / "prompts")
    url, settings, audience = HOMES[home]
    for name, value in {"DATABASE_URL": url, **settings}.items():
        monkeypatch.setenv(f"PROMPTDB_{name}", value)
    monkeypatch.setenv("CI", ci)
    ran = run("sync")
    if audience is None:
        assert (ran.code, "everyone" in ran.err) == (0, False)
        return
    assert (ran.code, ran.out) == (5, "")
    told = rf"there are uncommitted changes: .*greet\.txt\n.*with --allow-dirty, everyone {audience} gets them\n"
    assert re.search(told, ran.err)
    assert "hunter2" not in ran.err


def test_allow_dirty_says_who_gets_the_drafts(run: Run, dirty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (dirty / "../elsewhere").mkdir()
    monkeypatch.setenv("PROMPTDB_DATABASE_URL", "sqlite:///../elsewhere/data.sqlite3")
    ran = run("sync", "--allow-dirty")
    assert ran.code == 0
    told = r"^note: everyone who reads 'latest' from sqlite:///.*/elsewhere/data.sqlite3 gets uncommitted changes: greet.txt$"
    assert re.search(told, ran.err, re.MULTILINE)
    assert "(dirty)" in run("log", "greet").out
    commit_all(git_in(dirty))
    assert run("sync").code == 0


def test_require_clean_refuses_a_dirty_tree_anywhere(run: Run, dirty: Path) -> None:
    assert run("sync", "--require-clean") == (5, "", REFUSED)


def test_require_clean_names_some_of_many_files(run: Run, dirty: Path) -> None:
    write(dirty, {f"prompts/n{number}.txt": "x" for number in range(4)})
    assert "changes: greet.txt, n0.txt, n1.txt and 2 more\n" in run("sync", "--require-clean").err


def test_dirt_outside_of_the_prompts_does_not_count(run: Run, git: Git, project: Path) -> None:
    commit_all(git)
    write(project, {"README.md": "edited"})
    assert run("sync", "--require-clean").code == 0


def test_a_dirty_fragment_counts(run: Run, git: Git, project: Path) -> None:
    write(project, {"prompts/x.jinja": '{% include "_tone.md" %}', "prompts/_tone.md": "Be kind."})
    commit_all(git)
    write(project, {"prompts/_tone.md": "Be brief."})
    assert "_tone.md" in run("sync", "--require-clean").err


def test_outside_of_git_there_is_nothing_dirty(run: Run, project: Path) -> None:
    assert run("sync", "--require-clean").code == 0


def test_a_dirty_tree_is_recorded_as_dirty(run: Run, dirty: Path) -> None:
    assert run("sync").code == 0
    assert run("log", "greet", "--json").json[0]["source"]["is_dirty"]
    assert not run("log", "support/triage", "--json").json[0]["source"]["is_dirty"]


def test_a_new_commit_without_changes_is_recorded_in_silence(run: Run, git: Git, project: Path) -> None:
    commit_all(git)
    assert run("sync").code == 0
    commit = commit_all(git, "nothing")
    assert run("sync") == (0, "2 unchanged\n", "")
    assert run("show", f"greet:git:{commit}").code == 0


@pytest.mark.slow
def test_a_version_from_before_its_commit_is_told_until_a_sync_has_recorded_the_commit(
    run: Run, project: Path, git: Git
) -> None:
    run("sync")
    waiting = "2 versions unconfirmed: synced before they were committed; commit and sync again\n"
    assert run("plan") == run("sync") == (0, "2 unchanged\n", waiting)
    assert run("status").out.endswith("in sync: 2 unchanged, 2 versions unconfirmed\n")
    commit = commit_all(git)
    ready = "2 versions unconfirmed: synced before they were committed; 'promptdb sync' confirms them\n"
    assert run("plan") == (0, "2 unchanged\n", ready)
    assert run("sync") == (0, "2 unchanged, 2 versions confirmed\n", "")
    assert run("sync") == run("plan") == (0, "2 unchanged\n", "")
    assert commit[:8] in run("log", "greet").out
