"""Whatever happens to the files, the registry comes to say what they say."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from registries import write
from repositories import Git, commit_all
from watchtools import Heads, converges, fresh, heads, wait_for, watching

pytestmark = pytest.mark.slow

GREET = "prompts/greet.txt"


@pytest.fixture(params=[(), ("--polling", "--interval", "0.2")], ids=["events", "polling"])
def arguments(request: pytest.FixtureRequest) -> tuple[str, ...]:
    found: tuple[str, ...] = request.param
    return found


def test_what_is_there_at_the_start_is_synced(project: Path, arguments: tuple[str, ...]) -> None:
    with watching(*arguments, folder=project):
        converges(project)


def save_like_vim(file: Path, text: str) -> None:
    """With 'backup' and 'nowritebackup' off: the old file becomes the backup, a new one is written."""
    backup = file.with_name(f"{file.name}~")
    file.rename(backup)
    file.write_text(text)
    backup.unlink()


def save_atomically(file: Path, text: str) -> None:
    temporary = file.with_name(f".{file.name}.tmp")
    temporary.write_text(text)
    temporary.replace(file)


def save_from_outside(file: Path, text: str) -> None:
    """By a move from a folder that nobody observes."""
    temporary = file.parents[3] / "elsewhere.txt"
    temporary.write_text(text)
    temporary.replace(file)


def truncate_and_write(file: Path, text: str) -> None:
    file.write_text(text)


@pytest.mark.parametrize("save", [save_like_vim, save_atomically, save_from_outside, truncate_and_write])
def test_every_way_of_saving_is_noticed_at_once(save: Callable[[Path, str], None], project: Path) -> None:
    """The interval is so long that only events can tell."""
    (project / "prompts/deep/er").mkdir(parents=True)
    with watching("--interval", "3600", folder=project):
        converges(project)
        file = project / "prompts/deep/note.txt"
        for text in ("One {a}.\n", "Two {a}.\n"):
            if not file.exists():
                file.write_text("")
            save(file, text)
            converges(project)


def test_a_file_that_was_written_in_two_halves_ends_as_a_whole(project: Path, arguments: tuple[str, ...]) -> None:
    with watching(*arguments, folder=project) as running:
        converges(project)
        with (project / GREET).open("w") as file:
            file.write("Hello {na")
            file.flush()
            running.wait_for("invalid")
            file.write("me}, and")
            file.flush()
            converges(project)
            file.write(" welcome!\n")
        converges(project)
        assert running.told("invalid")[-1]["problems"] == []


def test_an_edit_of_a_fragment_makes_versions_of_its_users(project: Path, arguments: tuple[str, ...]) -> None:
    with watching(*arguments, folder=project):
        converges(project)
        before = heads(project)
        write(project, {"prompts/_shared/tone.md": "Be brief.\n"})
        converges(project)
        changed = {prompt for prompt, digest in heads(project).items() if before[prompt] != digest}
        assert changed == {"support/tone"}


def test_folders_may_be_renamed_and_their_files_edited_afterwards(project: Path) -> None:
    with watching("--interval", "3600", folder=project):
        converges(project)
        (project / "prompts/support").rename(project / "prompts/care")
        converges(project)
        write(project, {"prompts/care/triage.yaml": "template: Look at {ticket}.\n"})
        converges(project)


def test_the_prompts_folder_may_go_and_come_back(project: Path) -> None:
    with watching(folder=project) as running:
        converges(project)
        (project / "prompts").rename(project / "away")
        running.wait_for("waiting")
        write(project, {"away/greet.txt": "Away {name}.\n"})
        (project / "away").rename(project / "prompts")
        running.wait_for("resumed")
        converges(project)
        write(project, {GREET: "Back {name}.\n"})
        converges(project)


def test_a_prompts_folder_that_another_took_the_place_of_is_observed(project: Path) -> None:
    with watching(folder=project):
        converges(project)
        (project / "prompts").rename(project / "away")
        write(project, {GREET: "Another {name}.\n"})
        converges(project)
        write(project, {GREET: "Another {name}!\n"})
        converges(project)


# With git


def test_a_commit_confirms_what_was_synced_before_it(project: Path, repository: Git) -> None:
    with watching("--interval", "3600", folder=project) as running:
        converges(project)
        write(project, {GREET: "Hi {name}!\n"})
        converges(project)
        commit_all(repository)
        running.wait_for("synced", confirmed=["default/greet"])


def test_a_rebase_and_a_stash_end_with_what_is_checked_out(project: Path, repository: Git) -> None:
    repository("checkout", "--quiet", "-b", "topic")
    for number in range(3):
        write(project, {f"prompts/topic/t{number}.txt": f"Topic {number}.\n"})
        commit_all(repository)
    repository("checkout", "--quiet", "main")
    write(project, {GREET: "Main {name}.\n"})
    commit_all(repository)
    with watching(folder=project):
        converges(project)
        repository("checkout", "--quiet", "topic")
        converges(project)
        repository("rebase", "--quiet", "main")
        converges(project)
        write(project, {GREET: "Edited {name}.\n"})
        converges(project)
        repository("stash")
        converges(project)
        repository("stash", "pop")
        converges(project)


def test_conflict_markers_are_not_synced(project: Path, repository: Git) -> None:
    repository("checkout", "--quiet", "-b", "topic")
    write(project, {GREET: "Topic {name}.\n"})
    commit_all(repository)
    repository("checkout", "--quiet", "main")
    write(project, {GREET: "Main {name}.\n"})
    commit_all(repository)
    with watching(folder=project) as running:
        converges(project)
        with pytest.raises(Exception, match="merge"):
            repository("merge", "topic")
        running.wait_for("waiting", reason="a merge is in progress")
        repository("merge", "--abort")
        write(project, {"prompts/new.txt": "New.\n"})
        converges(project)
        assert running.told("invalid") == []
        changes = [change for event in running.told("synced") for change in event["plan"]["changes"]]
        assert [change["revision"] for change in changes if change["prompt"] == "default/greet"] == [1]


def test_the_conflict_of_a_stash_is_waited_for(project: Path, repository: Git) -> None:
    write(project, {GREET: "Stashed {name}.\n"})
    repository("stash")
    write(project, {GREET: "Main {name}.\n"})
    commit_all(repository)
    with watching(folder=project) as running:
        converges(project)
        with pytest.raises(Exception, match="stash"):
            repository("stash", "pop")
        running.wait_for("waiting", reason="greet.txt has a conflict; 'git add' marks it as resolved")
        write(project, {GREET: "Both {name}.\n"})
        repository("add", GREET)
        converges(project)
        [change] = wait_for(lambda: running.told("synced")[1:])[-1]["plan"]["changes"]
        assert (change["digest"], change["revision"]) == (heads(project)["default/greet"], 2)


@pytest.fixture(params=[300, pytest.param(5_000, marks=pytest.mark.soak)])
def two_branches(project: Path, repository: Git, request: pytest.FixtureRequest) -> Callable[[str], Heads]:
    """Branches in which every prompt differs; gives what a branch is to end as."""
    expected = {}
    for branch in ("one", "two"):
        repository("checkout", "--quiet", "-B", branch)
        files = {f"prompts/many{n % 5}/p{n}.txt": f"Branch {branch}.\n" for n in range(request.param)}
        write(project, files)
        commit_all(repository)
        write(project.parent / branch, {"prompts/p.txt": f"Branch {branch}.\n"})
        (digest,) = fresh(project.parent / branch).values()
        expected[branch] = {path.removeprefix("prompts/").removesuffix(".txt"): digest for path in files}
    return expected.__getitem__


def test_a_checkout_of_many_files(project: Path, repository: Git, two_branches: Callable[[str], Heads]) -> None:
    repository("checkout", "--quiet", "one")
    with watching(folder=project) as running:
        converges(project, two_branches("one"))
        repository("checkout", "--quiet", "two")
        converges(project, two_branches("two"))
        assert running.told("error") == []


# Lost events


def rename_often(project: Path) -> None:
    """Fill the queue of inotify: it holds 16,384 events, and a rename makes two."""
    one, other = project / "prompts/_one", project / "prompts/_other"
    one.touch()
    for _ in range(9_000):
        one.rename(other)
        one, other = other, one


def write_nothing(project: Path) -> None:
    """Leave it to the prompts to fill the queue: a file makes three events."""


@pytest.mark.parametrize(
    ("fill", "count", "in_each"),
    [(rename_often, 6, 1), pytest.param(write_nothing, 12_000, 2_000, marks=pytest.mark.soak)],
)
def test_events_that_the_kernel_dropped_cost_time_only(
    project: Path, fill: Callable[[Path], None], count: int, in_each: int
) -> None:
    """The last folders are new, and nobody was told of them."""
    files = {f"prompts/lost/f{n // in_each}/p{n}.txt": "Lost.\n" for n in range(count)}
    write(project.parent / "one", {"prompts/p.txt": "Lost.\n"})
    (digest,) = fresh(project.parent / "one").values()
    expected = fresh(project) | {path[len("prompts/") : -len(".txt")]: digest for path in files}
    with watching("--interval", "1", folder=project) as running:
        running.wait_for("synced")
        running.send(signal.SIGSTOP)
        fill(project)
        write(project, files)
        running.send(signal.SIGCONT)
        converges(project, expected)
        write(project, {"prompts/lost/f5/last.txt": "Last.\n"})
        wait_for(lambda: "lost/f5/last" in heads(project))
        assert running.err.read_text() == ""
