"""The commit that last changed each file."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from registries import write
from repositories import Git, commit_all
from worktrees import AUTHOR, commit_of, provenance, state

from promptdb.domain.views import Provenance

# The commit that last changed a file


def test_provenance_tells_the_last_commit_of_the_file_and_not_head(git: Git, tree: Path) -> None:
    write(tree, {"a.txt": "one", "b.txt": "one"})
    commit_all(git)
    write(tree, {"a.txt": "two"})
    git("add", "--all")
    git("commit", "--quiet", "-m", "two", GIT_COMMITTER_DATE="2026-04-01T12:00:00+0200", GIT_AUTHOR_NAME="Böb Bee")
    last = git("rev-parse", "HEAD")
    write(tree, {"b.txt": "two"})
    commit_all(git)
    assert provenance(tree, "a.txt") == Provenance(
        "prompts/a.txt",
        last,
        "main",
        "Böb Bee <ann@example.com>",
        datetime(2026, 4, 1, 10, tzinfo=UTC),
        git("rev-parse", "HEAD:prompts/a.txt"),
    )


@pytest.mark.parametrize("setting", ["log.showRoot=false", "log.showSignature=true", "log.date=raw", "log.follow=true"])
def test_settings_of_the_user_change_nothing(git: Git, tree: Path, setting: str) -> None:
    write(tree, {"a.txt": "one"})
    first = commit_all(git)
    git("config", *setting.split("="))
    found = provenance(tree, "a.txt")
    assert (found.commit_id, found.author) == (first, AUTHOR)


def test_a_dirty_file_tells_the_commit_it_was_edited_on_and_no_author(git: Git, tree: Path) -> None:
    write(tree, {"a.txt": "one"})
    commit_all(git)
    write(tree, {"b.txt": "one"})
    head = commit_all(git)
    write(tree, {"a.txt": "changed"})
    assert provenance(tree, "a.txt") == Provenance("prompts/a.txt", head, "main", is_dirty=True)


def test_the_author_and_not_the_committer_is_told(git: Git, tree: Path) -> None:
    write(tree, {"a.txt": "x"})
    git("add", "--all")
    git("commit", "--quiet", "-m", "x", GIT_COMMITTER_NAME="Merge Bot", GIT_COMMITTER_EMAIL="bot@example.com")
    assert provenance(tree, "a.txt").author == AUTHOR


def test_a_very_long_author_is_cut_to_what_the_database_holds(git: Git, tree: Path) -> None:
    write(tree, {"a.txt": "x"})
    git("add", "--all")
    git("commit", "--quiet", "-m", "x", GIT_AUTHOR_NAME="A" * 400)
    assert provenance(tree, "a.txt").author == "A" * 255


def test_an_author_in_another_encoding_is_told_as_text(git: Git, tree: Path) -> None:
    write(tree, {"a.txt": "x"})
    git("add", "--all")
    git("commit", "--quiet", "-m", "x", GIT_AUTHOR_NAME="Jürgen")
    git("config", "i18n.logOutputEncoding", "ISO-8859-1")
    assert ascii(provenance(tree, "a.txt").author) == ascii("Jürgen <ann@example.com>")


def test_a_file_taken_back_to_old_content_is_of_the_commit_that_took_it_back(git: Git, tree: Path) -> None:
    for text in ("one", "two"):
        write(tree, {"a.txt": text})
        commit_all(git)
    write(tree, {"a.txt": "one"})
    assert commit_all(git) == commit_of(tree, "a.txt")


def test_a_renamed_file_is_of_the_commit_that_renamed_it(git: Git, tree: Path) -> None:
    write(tree, {"a.txt": "x"})
    commit_all(git)
    git("mv", "prompts/a.txt", "prompts/b.txt")
    assert commit_all(git) == commit_of(tree, "b.txt")


def test_a_file_deleted_and_added_again_is_of_the_commit_that_added_it(git: Git, tree: Path) -> None:
    write(tree, {"a.txt": "x", "b.txt": "x"})
    commit_all(git)
    (tree / "a.txt").unlink()
    commit_all(git)
    write(tree, {"a.txt": "x"})
    assert commit_all(git) == commit_of(tree, "a.txt")


def merged(git: Git, tree: Path) -> dict[str, str]:
    """Two branches with a change each, and their merge; the commits by name."""
    write(tree, {"main.txt": "old", "side.txt": "old", "both.txt": "1\n2\n3\n4\n5\n6\n7\n", "still.txt": "x"})
    commits = {"base": commit_all(git)}
    git("checkout", "--quiet", "-b", "side")
    write(tree, {"side.txt": "new", "both.txt": "one\n2\n3\n4\n5\n6\n7\n"})
    commits["side"] = commit_all(git)
    git("checkout", "--quiet", "main")
    write(tree, {"main.txt": "new", "both.txt": "1\n2\n3\n4\n5\n6\nseven\n"})
    commits["main"] = commit_all(git)
    git("merge", "--quiet", "--no-edit", "side", GIT_AUTHOR_NAME="Mia Merger")
    return {**commits, "merge": git("rev-parse", "HEAD")}


@pytest.mark.parametrize(("path", "commit"), [("still.txt", "base"), ("main.txt", "main"), ("both.txt", "merge")])
def test_over_a_merge_each_file_is_of_the_commit_that_gave_it_its_content(
    git: Git, tree: Path, path: str, commit: str
) -> None:
    assert merged(git, tree)[commit] == commit_of(tree, path)


def test_a_change_that_came_by_a_merge_is_of_its_author(git: Git, tree: Path) -> None:
    merged(git, tree)
    assert provenance(tree, "side.txt").author == AUTHOR


def test_the_recorded_commit_holds_the_content_that_the_work_tree_has(git: Git, tree: Path) -> None:
    merged(git, tree)
    for path in ("still.txt", "main.txt", "side.txt", "both.txt"):
        found = provenance(tree, path)
        assert git("rev-parse", f"{found.commit_id}:prompts/{path}") == found.blob_id, path


def test_a_merge_that_took_one_side_whole_does_not_point_at_the_other(git: Git, tree: Path) -> None:
    write(tree, {"a.txt": "base"})
    commit_all(git)
    git("checkout", "--quiet", "-b", "side")
    write(tree, {"a.txt": "side"})
    commit_all(git)
    git("checkout", "--quiet", "main")
    write(tree, {"a.txt": "main"})
    kept = commit_all(git)
    git("merge", "--quiet", "--no-edit", "--strategy=ours", "side")
    assert commit_of(tree, "a.txt") == kept


@pytest.mark.parametrize("folder", [".", "prompts"])
def test_many_files_are_found_as_few_are(git: Git, tmp_path: Path, folder: str) -> None:
    root = tmp_path / folder
    names = [f"n{number}.txt" for number in range(201)]
    write(root, dict.fromkeys(names, "x"))
    first = commit_all(git)
    write(root, {"n7.txt": "changed", "n8.txt": "changed"})
    second = commit_all(git)
    found = state(root).provenance(dict.fromkeys(names, ()))
    assert {name for name, source in found.items() if source.commit_id == second} == {"n7.txt", "n8.txt"}
    assert {source.commit_id for source in found.values()} == {first, second}
    assert all(source.blob_id and source.author == AUTHOR for source in found.values())
