"""`promote --write`: the file of aliases is edited, and the registry is left alone."""

from pathlib import Path

import pytest
from registries import dump, on_sqlite, settings_for, write

from promptdb.domain.aliases import AliasMove
from promptdb.errors import ConfigError, InvalidPrompts, StorageError
from promptdb.project.edits.declare_aliases import declare
from promptdb.registry.aliases import decide_all
from promptdb.service import PromptService

pytestmark = on_sqlite


@pytest.fixture
def registry(service: PromptService, tree: Path) -> PromptService:
    for text in ("one", "two"):
        service.register_text("a/one", text)
    service.register_text("greet", "hello")
    return service


def declared(service: PromptService, ref: str, alias: str) -> list[AliasMove]:
    return declare(service.settings, [service.promote(ref, alias, dry_run=True)])


EDITS = [
    ("no file yet", None, "production:\n  a/one: rev:1\n"),
    ("an empty file", "", "production:\n  a/one: rev:1\n"),
    ("only a comment", "# who moves what", "# who moves what\nproduction:\n  a/one: rev:1\n"),
    (
        "another alias",
        "canary:   {a/one: rev:2}  # keep\n",
        "canary:   {a/one: rev:2}  # keep\nproduction:\n  a/one: rev:1\n",
    ),
    (
        "another prompt",
        "production:\n  greet: rev:1  # hi\n",
        "production:\n  greet: rev:1  # hi\n  a/one: rev:1\n",
    ),
    (
        "the same prompt",
        "production:\n  # Monday\n  a/one:   rev:2   # two\n  greet: latest\n",
        "production:\n  # Monday\n  a/one: rev:1     # two\n  greet: latest\n",
    ),
    ("another selector", "production: {a/one: latest}\n", "production: {a/one: rev:1}\n"),
]


@pytest.mark.parametrize(("before", "after"), [case[1:] for case in EDITS], ids=[case[0] for case in EDITS])
@pytest.mark.slow
def test_the_line_is_written_and_the_others_stay(
    registry: PromptService, tree: Path, before: str | None, after: str
) -> None:
    if before is not None:
        write(tree, {"_aliases.yaml": before})
    recorded = dump(registry.engine)
    [move] = declared(registry, "a/one:rev:1", "production")
    assert (move.alias, move.to_revision) == ("production", 1)
    assert (tree / "_aliases.yaml").read_text() == after
    assert dump(registry.engine) == recorded
    assert declared(registry, "a/one:rev:1", "production") == []
    assert (tree / "_aliases.yaml").read_text() == after
    assert [file.name for file in tree.iterdir()] == ["_aliases.yaml"]


def test_a_prompt_is_found_however_the_file_spells_it(registry: PromptService, tree: Path) -> None:
    write(tree, {"_aliases.yaml": "production: {greet: latest}\n"})
    declared(registry, "default/greet", "production")
    assert (tree / "_aliases.yaml").read_text() == "production: {greet: rev:1}\n"


def test_every_prompt_can_be_declared_at_once(registry: PromptService, tree: Path) -> None:
    registry.promote("a/one:rev:1", "staging")
    assert len(declare(registry.settings, decide_all(registry.registry, "staging", "production"))) == 1
    assert len(declare(registry.settings, decide_all(registry.registry, "latest", "canary"))) == 2
    assert (tree / "_aliases.yaml").read_text() == (
        "production:\n  a/one: rev:1\ncanary:\n  a/one: rev:2\n  default/greet: rev:1\n"
    )


def test_an_alias_that_refs_move_is_not_declared(database_url: str, tmp_path: Path, registry: PromptService) -> None:
    service = PromptService(settings_for(database_url, tmp_path, refs={"main": ["staging"]}))
    with pytest.raises(ConfigError, match="'staging' is moved by syncs of 'main' already"):
        declared(service, "a/one", "staging")
    service.close()


def test_a_file_with_mistakes_is_not_edited(registry: PromptService, tree: Path) -> None:
    write(tree, {"_aliases.yaml": "production: {a/one: rev:0}\n"})
    with pytest.raises(InvalidPrompts, match="PDB702"):
        declared(registry, "a/one", "production")


def test_a_file_that_cannot_be_written_is_told(registry: PromptService, tree: Path) -> None:
    tree.rmdir()
    with pytest.raises(StorageError, match=r"_aliases\.yaml cannot be written"):
        declared(registry, "a/one", "production")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "production:\n  a/one:\n    rev:1: 90\n    rev:2: 10\n"),
        ("# who\nproduction:\n  greet: rev:1  # hi\n  a/one: rev:1\n", "# who\nproduction:\n  greet: rev:1  # hi\n  a/one:\n    rev:1: 90\n    rev:2: 10\n"),
        ("production:\n  a/one:\n    rev:1: 80  # the old one\n    rev:2: 20\n", "production:\n  a/one:\n    rev:1: 90  # the old one\n    rev:2: 10\n"),
    ],
    ids=["no file", "a revision", "other weights"],
)  # fmt: skip
def test_a_split_is_written_with_its_arms(registry: PromptService, tree: Path, before: str, after: str) -> None:
    write(tree, {"_aliases.yaml": before})
    move = registry.split("a/one", "production", [("rev:1", 90), ("rev:2", 10)], dry_run=True)
    assert declare(registry.settings, [move]) == [move]
    assert (tree / "_aliases.yaml").read_text() == after
    assert declare(registry.settings, [move]) == []
    declared(registry, "a/one:rev:2", "production")
    assert "a/one: rev:2" in (tree / "_aliases.yaml").read_text()
