"""How commits relate, in real repositories: whole, shallow and partial clones."""

from pathlib import Path

import pytest
from repositories import Git, commit_all, git_in

from promptdb.domain.commit_order import Relation
from promptdb.errors import StorageError
from promptdb.git.ancestry import Ancestry
from promptdb.git.repository import Repository


@pytest.fixture
def history(git: Git) -> dict[str, str]:
    """one - two - merge - four on main, two's side branch is merged; `beside` starts at one; `orphan` has no parent."""
    found = {"one": commit_all(git)}
    git("checkout", "--quiet", "-b", "beside")
    found["beside"] = commit_all(git, "beside")
    git("checkout", "--quiet", "-b", "side", "main")
    found["side"] = commit_all(git, "side")
    git("checkout", "--quiet", "main")
    found["two"] = commit_all(git, "two")
    git("merge", "--quiet", "--no-ff", "--no-edit", "side")
    found["merge"] = git("rev-parse", "HEAD")
    found["four"] = commit_all(git, "four")
    git("checkout", "--quiet", "--orphan", "orphan")
    found["orphan"] = commit_all(git, "orphan")
    git("checkout", "--quiet", "main")
    git("config", "uploadpack.allowFilter", "true")
    git("config", "uploadpack.allowAnySHA1InWant", "true")
    return found


def ancestry(folder: Path) -> Ancestry:
    return Ancestry(Repository(folder))


def clone(source: Path, name: str, *options: str) -> Path:
    folder = source / "clones" / name
    git_in(source)("clone", "--quiet", *options, source.as_uri(), str(folder))
    return folder


CASES = [
    ("four", "four", Relation.SAME),
    ("four", "one", Relation.DESCENDS),
    ("merge", "side", Relation.DESCENDS),
    ("merge", "two", Relation.DESCENDS),
    ("side", "four", Relation.PRECEDES),
    ("one", "beside", Relation.PRECEDES),
    ("beside", "four", Relation.DIVERGED),
    ("side", "two", Relation.DIVERGED),
    ("orphan", "four", Relation.DIVERGED),
]


@pytest.mark.parametrize(("commit", "other", "relation"), CASES, ids=[" ".join(case) for case in CASES])
@pytest.mark.slow
def test_two_commits_of_a_whole_history(
    history: dict[str, str], tmp_path: Path, commit: str, other: str, relation: Relation
) -> None:
    assert ancestry(tmp_path).relation(history[commit], history[other]) is relation


SHALLOW = [
    (1, "four", Relation.SAME),
    (1, "merge", Relation.UNKNOWN),
    (2, "merge", Relation.DESCENDS),
    (2, "two", Relation.UNKNOWN),
    (3, "two", Relation.DESCENDS),
]


@pytest.mark.parametrize(("depth", "other", "relation"), SHALLOW)
@pytest.mark.slow
def test_in_a_shallow_clone_a_no_is_not_known(
    history: dict[str, str], tmp_path: Path, depth: int, other: str, relation: Relation
) -> None:
    shallow = ancestry(clone(tmp_path, "shallow", f"--depth={depth}"))
    assert shallow.relation(history["four"], history[other]) is relation


def test_a_commit_that_is_here_without_its_history_is_not_known_to_be_older(
    history: dict[str, str], tmp_path: Path
) -> None:
    """`git merge-base` says that they have nothing in common."""
    folder = clone(tmp_path, "shallow", "--depth=1")
    git_in(folder)("fetch", "--quiet", "--depth=1", "origin", history["one"])
    assert ancestry(folder).relation(history["four"], history["one"]) is Relation.UNKNOWN
    git_in(folder)("fetch", "--quiet", "--unshallow", "--filter=blob:none")
    assert ancestry(folder).relation(history["four"], history["one"]) is Relation.DESCENDS


def test_nothing_is_fetched_for_an_answer(history: dict[str, str], tmp_path: Path) -> None:
    folder = clone(tmp_path, "partial", "--filter=blob:none", "--single-branch", "--branch=main")
    packs = sorted((folder / ".git/objects/pack").iterdir())
    assert ancestry(folder).relation(history["four"], history["orphan"]) is Relation.UNKNOWN
    assert sorted((folder / ".git/objects/pack").iterdir()) == packs


def test_a_whole_clone_that_lacks_a_commit_does_not_know_it(history: dict[str, str], tmp_path: Path) -> None:
    folder = clone(tmp_path, "single", "--single-branch", "--branch=beside")
    assert ancestry(folder).relation(history["beside"], history["four"]) is Relation.UNKNOWN


# The tip of a branch


def test_without_a_remote_the_local_branch_has_the_tip(git: Git, history: dict[str, str], tmp_path: Path) -> None:
    here = ancestry(tmp_path)
    assert here.is_tip("main", history["four"])
    assert not here.is_tip("main", history["merge"])
    assert not here.is_tip("nowhere", history["four"])


def test_the_remote_is_asked_where_the_branch_is_now(git: Git, history: dict[str, str], tmp_path: Path) -> None:
    there = ancestry(clone(tmp_path, "one"))
    assert there.is_tip("main", history["four"])
    git("checkout", "--quiet", "-b", "x/refs/heads/main", "beside")  # ls-remote matches the end of names
    git("branch", "--force", "main", history["merge"])
    assert there.is_tip("main", history["merge"])
    assert not there.is_tip("main", history["four"])
    assert not there.is_tip("main", history["beside"])
    assert there.is_tip("beside", history["beside"])  # no branch here


def test_a_branch_may_have_another_name_at_its_remote(git: Git, history: dict[str, str], tmp_path: Path) -> None:
    folder = clone(tmp_path, "one")
    git_in(folder)("checkout", "--quiet", "-b", "mine", "--track", "origin/beside")
    assert ancestry(folder).is_tip("mine", history["beside"])


@pytest.mark.parametrize(
    ("remotes", "message"),
    [
        ({"a": ".", "b": "."}, "the branch main belongs to none of the 2 remotes"),
        ({"a": "/nowhere"}, "'git ls-remote'"),
    ],
    ids=["two", "one that is not there"],
)
def test_a_remote_that_cannot_be_asked_is_an_error(
    git: Git, history: dict[str, str], tmp_path: Path, remotes: dict[str, str], message: str
) -> None:
    for name, address in remotes.items():
        git("remote", "add", name, address)
    with pytest.raises(StorageError, match=message):
        ancestry(tmp_path).is_tip("main", history["four"])
