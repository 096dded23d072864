"""`promptdb check --staged` as a hook of real git: it judges exactly the tree that is about to be committed."""

import subprocess
import sys
from pathlib import Path

import pytest
from registries import write
from repositories import Git, commit_all

pytestmark = pytest.mark.slow

GOOD, BAD = "Hi {name}\n", "Hi {\n"
USES = '{% include "_tone.md" %}\n'


@pytest.fixture
def repository(tree: Path, git: Git) -> Path:
    """Three prompts, one with a fragment, all committed; then the hooks."""
    write(tree, {"a.txt": GOOD, "b.txt": GOOD, "use.j2": USES, "_tone.md": "Kind.\n"})
    commit_all(git, "first")
    for name in ("pre-commit", "pre-merge-commit"):
        hook = tree.parent / ".git/hooks" / name
        hook.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m promptdb check --staged\n')
        hook.chmod(0o755)
    return tree


def refused(git: Git, *command: str) -> str:
    """What git says of a commit that the hook refuses, and that makes no commit."""
    head = git("rev-parse", "HEAD")
    with pytest.raises(subprocess.CalledProcessError) as failed:
        git(*command)
    assert git("rev-parse", "HEAD") == head
    return str(failed.value.stdout) + str(failed.value.stderr)


def test_a_bad_file_is_refused_with_its_place(repository: Path, git: Git) -> None:
    write(repository, {"a.txt": BAD})
    git("add", "--all")
    assert "prompts/a.txt:1:4: error [PDB301]" in refused(git, "commit", "-m", "x")


def test_what_is_not_staged_does_not_count(repository: Path, git: Git) -> None:
    write(repository, {"a.txt": "Hello {name}\n"})
    git("add", "--all")
    write(repository, {"a.txt": BAD})
    git("commit", "-m", "x")
    assert git("show", "HEAD:prompts/a.txt") == "Hello {name}"


def test_a_file_that_was_mended_but_not_staged_is_refused(repository: Path, git: Git) -> None:
    write(repository, {"a.txt": BAD})
    git("add", "--all")
    write(repository, {"a.txt": GOOD})
    refused(git, "commit", "-m", "x")


def test_an_untracked_bad_file_does_not_count(repository: Path, git: Git) -> None:
    write(repository, {"new.txt": BAD, "a.txt": "Hello {name}\n"})
    git("add", "prompts/a.txt")
    git("commit", "-m", "x")


def test_an_untracked_fragment_does_not_help(repository: Path, git: Git) -> None:
    write(repository, {"new.j2": '{% include "_new.md" %}\n', "_new.md": "x\n"})
    git("add", "prompts/new.j2")
    assert "PDB401" in refused(git, "commit", "-m", "x")


def test_a_commit_that_only_deletes_a_fragment_is_refused(repository: Path, git: Git) -> None:
    git("rm", "--quiet", "prompts/_tone.md")
    assert "prompts/use.j2:1:" in refused(git, "commit", "-m", "x")


def test_a_commit_that_only_renames_a_fragment_is_refused(repository: Path, git: Git) -> None:
    git("mv", "prompts/_tone.md", "prompts/_voice.md")
    refused(git, "commit", "-m", "x")


@pytest.mark.parametrize("change", [("rm", "--quiet", "prompts/a.txt"), ("mv", "prompts/a.txt", "prompts/c.txt")])
def test_a_prompt_may_be_deleted_or_renamed(repository: Path, git: Git, change: tuple[str, ...]) -> None:
    git(*change)
    # Raises if the hook refuses it.
    git("commit", "-m", "x")


def test_commit_all_takes_what_is_on_disk(repository: Path, git: Git) -> None:
    write(repository, {"a.txt": BAD})
    refused(git, "commit", "--all", "-m", "x")
    write(repository, {"a.txt": "Hello {name}\n"})
    git("commit", "--all", "-m", "x")


def test_a_commit_of_one_path_is_judged_by_that_path(repository: Path, git: Git) -> None:
    """Git gives the hook an index of its own, without what else is staged."""
    write(repository, {"a.txt": BAD, "b.txt": "Hello {name}\n"})
    git("add", "prompts/a.txt")
    refused(git, "commit", "-m", "x", "prompts/a.txt")
    git("commit", "-m", "x", "prompts/b.txt")
    assert git("show", "HEAD:prompts/a.txt") == GOOD.strip()
    assert git("diff", "--cached", "--name-only") == "prompts/a.txt"


def test_an_amended_commit_is_judged_whole(repository: Path, git: Git) -> None:
    write(repository, {"c.txt": GOOD})
    commit_all(git)
    git("rm", "--quiet", "prompts/_tone.md")
    refused(git, "commit", "--amend", "--no-edit")
    git("reset", "--quiet", "--hard")
    git("commit", "--amend", "-m", "y")


def test_a_merge_of_two_good_sides_that_do_not_fit_is_refused(repository: Path, git: Git) -> None:
    git("checkout", "--quiet", "-b", "side")
    write(repository, {"more.j2": USES})
    commit_all(git)
    git("checkout", "--quiet", "main")
    git("rm", "--quiet", "prompts/_tone.md", "prompts/use.j2")
    git("commit", "--quiet", "-m", "no more fragments")
    refused(git, "merge", "--no-edit", "side")


def test_a_commit_from_a_subfolder_and_in_another_work_tree(repository: Path, git: Git) -> None:
    git("worktree", "add", "--quiet", "-b", "other", "other")
    write(repository.parent / "other", {"prompts/a.txt": BAD})
    for folder in ("other", "other/prompts"):
        refused(git, "-C", folder, "commit", "--all", "-m", "x")
    assert git("status", "--porcelain", "--", "prompts") == ""
