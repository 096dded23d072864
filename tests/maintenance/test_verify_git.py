"""`verify --git`: versions are in git as their provenance says."""

import pytest
from intruder import edit
from registries import on_sqlite, write
from repositories import Git, commit_all

from promptdb.domain.plan import Policy
from promptdb.errors import ConfigError
from promptdb.maintenance.verify import ProvenanceCheck, Verified
from promptdb.maintenance.verify_git import with_provenance
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.sync.sync_tree import sync_tree


def checked(service: PromptService) -> Verified:
    return with_provenance(Verified(full=False), service.registry, service.settings)


def synced(service: PromptService, git: Git, files: dict[str, str | bytes]) -> str:
    write(service.settings.prompts_path, files)
    commit = commit_all(git)
    sync_tree(service.registry, load_tree(service.settings), Policy())
    return commit


@pytest.fixture
def history(service: PromptService, git: Git) -> PromptService:
    synced(service, git, {"a/one.jinja": '{% include "_tone.md" %} One', "_tone.md": "Kind.", "two.txt": "Two"})
    synced(service, git, {"_tone.md": "Kinder."})
    synced(service, git, {"two.txt": "Two again"})
    return service


@pytest.mark.slow
def test_every_version_is_found_in_its_commit(history: PromptService) -> None:
    found = checked(history)
    assert (found.findings, found.provenance) == ((), ProvenanceCheck(4, 0))


def test_a_version_that_only_a_merge_has_is_found_in_the_commit_that_was_synced(
    service: PromptService, git: Git
) -> None:
    """Neither branch had both the file and the fragment as they are."""
    write(service.settings.prompts_path, {"one.jinja": '{% include "_tone.md" %} One', "_tone.md": "Kind."})
    commit_all(git)
    git("checkout", "--quiet", "-b", "side")
    write(service.settings.prompts_path, {"_tone.md": "Kinder."})
    commit_all(git)
    git("checkout", "--quiet", "main")
    write(service.settings.prompts_path, {"one.jinja": '{% include "_tone.md" %} Two'})
    commit_all(git)
    git("merge", "--quiet", "--no-edit", "side")
    sync_tree(service.registry, load_tree(service.settings), Policy())
    assert (checked(service).findings, checked(service).provenance) == ((), ProvenanceCheck(1, 0))


@on_sqlite
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE version_sources SET path = 'prompts/a/one.jinja' WHERE path = 'prompts/two.txt'",
        "UPDATE version_sources SET path = 'prompts/gone.txt' WHERE path = 'prompts/two.txt'",
    ],
)
@pytest.mark.slow
def test_a_source_that_was_edited_is_named(history: PromptService, statement: str) -> None:
    edit(history.engine, statement)
    told = {(found.code.value, found.subject) for found in checked(history).findings}
    assert told == {("V501", "default/two rev:1"), ("V501", "default/two rev:2")}


@on_sqlite
def test_commits_that_are_not_here_are_counted(history: PromptService) -> None:
    edit(history.engine, f"UPDATE version_sources SET commit_id = '{'0' * 40}'")
    found = checked(history)
    assert (found.findings, found.provenance) == ((), ProvenanceCheck(0, 4))


@on_sqlite
def test_without_a_repository_it_is_an_error(service: PromptService) -> None:
    with pytest.raises(ConfigError, match="not in a git repository"):
        checked(service)
