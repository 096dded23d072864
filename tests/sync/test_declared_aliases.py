"""Aliases that syncs move: those of refs, and those that are declared in a file."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from registries import dump, on_sqlite, rows, settings_for, write
from repositories import Git, commit_all

from promptdb.domain.plan import Plan, Policy
from promptdb.errors import Guard, InvalidPrompts
from promptdb.problems import Code
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.sync.apply import Applied
from promptdb.sync.sync_tree import plan_tree, sync_tree

REFS = {"main": ["staging", "canary"], "release/*": ["candidate"]}


@pytest.fixture
def open_with(database_url: str, tmp_path: Path, tree: Path) -> Iterator[Callable[..., PromptService]]:
    opened: list[PromptService] = []

    def make(refs: dict[str, list[str]] | None = None) -> PromptService:
        opened.append(PromptService(settings_for(database_url, tmp_path, refs=refs or {})))
        return opened[-1]

    yield make
    for service in opened:
        service.close()


def sync(service: PromptService, **policy: Any) -> Applied:
    return sync_tree(service.registry, load_tree(service.settings), Policy(**policy))


def planned(service: PromptService) -> Plan:
    return plan_tree(service.registry, load_tree(service.settings), Policy())


def pointing(service: PromptService) -> dict[str, int]:
    return {f"{view.prompt}:{view.alias}": view.revision for view in service.aliases()}


def told(moves: Any) -> list[tuple[str, int | None, int]]:
    return [(f"{move.prompt}:{move.alias}", move.from_revision, move.to_revision) for move in moves]


# Refs


def test_a_listed_ref_moves_its_aliases_to_what_the_commit_has(
    git: Git, tree: Path, open_with: Callable[..., PromptService]
) -> None:
    service = open_with(REFS)
    write(tree, {"a/one.txt": "one", "a/two.txt": "two"})
    commit_all(git)
    sync(service)
    write(tree, {"a/one.txt": "one, edited"})
    commit = commit_all(git)
    before = pointing(service)
    intended = planned(service)
    applied = sync(service)
    assert before == {"a/one:canary": 1, "a/one:staging": 1, "a/two:canary": 1, "a/two:staging": 1}
    assert pointing(service) == {"a/one:canary": 2, "a/one:staging": 2, "a/two:canary": 1, "a/two:staging": 1}
    assert told(applied.plan.moves) == [("a/one:canary", 1, 2), ("a/one:staging", 1, 2)]
    assert (intended.moves, intended.held) == (applied.plan.moves, ())
    event = service.alias_log("a/one", "staging")[0]
    assert (event.action, event.actor, event.run_id) == ("sync", "tester", applied.run_id)
    assert event.reason == f"main at {commit[:12]}"


def test_a_second_sync_moves_nothing(git: Git, tree: Path, open_with: Callable[..., PromptService]) -> None:
    service = open_with(REFS)
    write(tree, {"a/one.txt": "one", "_aliases.yaml": "production: {a/one: rev:1}\n"})
    commit_all(git)
    sync(service)
    before = dump(service.engine)
    assert planned(service).is_empty
    assert sync(service).run_id is None
    assert dump(service.engine) == before


def test_a_dirty_tree_moves_no_alias_and_its_plan_shows_what_the_commit_will(
    git: Git, tree: Path, open_with: Callable[..., PromptService]
) -> None:
    service = open_with(REFS)
    write(tree, {"a/one.txt": "one"})
    commit_all(git)
    write(tree, {"a/one.txt": "edited", "_aliases.yaml": "production: {a/one: latest}\n"})
    assert told(planned(service).moves) == [
        ("a/one:canary", None, 1),
        ("a/one:production", None, 1),
        ("a/one:staging", None, 1),
    ]
    applied = sync(service)
    assert (applied.plan.moves, pointing(service)) == ((), {})
    commit_all(git)
    sync(service)
    assert pointing(service) == {"a/one:canary": 1, "a/one:production": 1, "a/one:staging": 1}


@on_sqlite
def test_only_the_aliases_of_the_own_ref_move(git: Git, tree: Path, open_with: Callable[..., PromptService]) -> None:
    service = open_with(REFS)
    write(tree, {"a/one.txt": "one"})
    commit_all(git)
    git("checkout", "--quiet", "-b", "release/eu/1.2")
    sync(service)
    assert pointing(service) == {"a/one:candidate": 1}
    git("checkout", "--quiet", "-b", "feature")
    with pytest.raises(Guard):
        sync(service)
    assert sync(service, local=True).plan.moves == ()
    assert planned(service).moves == ()


def test_aliases_of_prompts_without_a_file_stay(git: Git, tree: Path, open_with: Callable[..., PromptService]) -> None:
    service = open_with({"main": ["staging"]})
    write(tree, {"a/one.txt": "one", "a/two.txt": "two"})
    commit_all(git)
    sync(service)
    (tree / "a/two.txt").unlink()
    commit_all(git)
    sync(service, prune=True, max_prune=100)
    assert pointing(service) == {"a/one:staging": 1, "a/two:staging": 1}


def test_a_superseded_sync_moves_no_alias(git: Git, tree: Path, open_with: Callable[..., PromptService]) -> None:
    service = open_with({"main": ["staging"]})
    for text in ("one", "two"):
        write(tree, {"a/one.txt": text, "_aliases.yaml": "production: {a/one: latest}\n"})
        commit_all(git)
        sync(service)
    git("reset", "--quiet", "--hard", "HEAD~1")
    sync(service)
    assert pointing(service) == {"a/one:production": 2, "a/one:staging": 2}


# Declared aliases


def declare(tree: Path, text: str) -> None:
    write(tree, {"_aliases.yaml": text})


@pytest.fixture
def two_versions(tree: Path, service: PromptService) -> PromptService:
    """Without git: `a/one` at revision 2, whose first has the label `old` and whose second has `new`; nothing declared."""
    for label, text in (("old", "one"), ("new", "two")):
        write(tree, {"a/one.yaml": f"template: {text}\nmetadata: {{user_version: {label}}}\n", "a/two.txt": "two"})
        sync(service)
    return service


@pytest.mark.parametrize(
    ("selector", "revision"), [("rev:1", 1), ("rev:2", 2), ("latest", 2), ("old", 1), ("new", 2), ("sha256:{old}", 1)]
)
@pytest.mark.slow
def test_a_declared_alias_is_moved_with_an_event(
    tree: Path, two_versions: PromptService, selector: str, revision: int
) -> None:
    service = two_versions
    old = service.list_versions("a/one")[-1].spec_hash.partition(":")[2][:12]
    text = selector.format(old=old)
    declare(tree, f"production: {{a/one: '{text}'}}\n")
    intended = planned(service)
    applied = sync(service)
    assert pointing(service) == {"a/one:production": revision}
    assert intended.moves == applied.plan.moves
    [event] = service.alias_log("a/one")
    assert (event.action, event.reason, event.run_id) == ("sync", f"declared as {text}", applied.run_id)


@pytest.mark.parametrize("selector", ["rev:3", "latest", "newest", "sha256:{digest}"])
@pytest.mark.slow
def test_a_line_may_name_the_version_that_the_same_sync_makes(
    tree: Path, two_versions: PromptService, selector: str
) -> None:
    service = two_versions
    write(tree, {"a/one.yaml": "template: three\nmetadata: {user_version: newest}\n"})
    [item] = [item for item in load_tree(service.settings).desired.items if str(item.prompt) == "a/one"]
    declare(tree, f"production: {{a/one: '{selector.format(digest=item.digest.partition(':')[2])}'}}\n")
    assert told(planned(service).moves) == [("a/one:production", None, 3)]
    sync(service)
    assert pointing(service) == {"a/one:production": 3}
    assert service.get("a/one:production").render_text() == "three"


def test_git_names_the_commit_that_is_synced_too(git: Git, tree: Path, open_with: Callable[..., PromptService]) -> None:
    service = open_with()
    for revision, text in enumerate(("one", "two"), 1):
        write(tree, {"a/one.txt": text, "_aliases.yaml": "production: {a/one: git:main}\n"})
        commit_all(git)
        sync(service)
        assert pointing(service) == {"a/one:production": revision}
        assert planned(service).is_empty


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a/one: rev:9", "a/one has no version 'rev:9'"),
        ("a/one: nothing", "a/one has no version 'nothing'"),
        ("a/gone: rev:1", "there is no prompt a/gone"),
        ("a/one: staging", "'staging' is an alias, not a version"),
    ],
)
@pytest.mark.slow
def test_a_line_that_names_no_version_stops_the_sync_at_its_place(
    tree: Path, two_versions: PromptService, line: str, message: str
) -> None:
    service = two_versions
    service.promote("a/one:rev:1", "staging")
    write(tree, {"a/two.txt": "two, edited"})
    declare(tree, f"production:\n  {line}\n")
    before = dump(service.engine)
    for attempt in (planned, sync):
        with pytest.raises(InvalidPrompts) as caught:
            attempt(service)
        [problem] = caught.value.problems
        assert (problem.path, problem.line, problem.code) == ("_aliases.yaml", 2, Code.ALIAS_VERSION)
        assert problem.column == line.index(" ") + 4
        assert problem.message == message
        assert problem.hint
    assert dump(service.engine) == before


def test_a_declaration_follows_a_renamed_prompt(tree: Path, two_versions: PromptService) -> None:
    service = two_versions
    declare(tree, "production: {a/one: rev:1}\n")
    sync(service)
    (tree / "a/one.yaml").unlink()
    write(tree, {"b/new.yaml": "template: three\nrenamed_from: [a/one]\n"})
    declare(tree, "production: {a/one: rev:3}\ncanary: {b/new: rev:2}\n")
    assert load_tree(service.settings).desired.problems == []
    sync(service)
    assert pointing(service) == {"b/new:canary": 2, "b/new:production": 3}
    declare(tree, "production: {a/one: rev:3, b/new: rev:1}\n")
    with pytest.raises(InvalidPrompts, match="PDB703 b/new is listed twice"):
        sync(service)


def test_a_prompt_without_a_file_can_be_pointed_at_with_a_warning(tree: Path, two_versions: PromptService) -> None:
    service = two_versions
    (tree / "a/two.txt").unlink()
    declare(tree, "production: {a/two: rev:1}\n")
    assert [problem.code for problem in load_tree(service.settings).desired.problems] == [Code.ALIAS_WITHOUT_FILE]
    sync(service, prune=True, max_prune=100)
    assert pointing(service) == {"a/two:production": 1}


def test_taking_a_line_out_leaves_the_alias(tree: Path, two_versions: PromptService) -> None:
    service = two_versions
    declare(tree, "production: {a/one: rev:1, a/two: rev:1}\n")
    sync(service)
    declare(tree, "production: {a/two: rev:1}\n")
    assert sync(service).plan.moves == ()
    assert sync(service).run_id is None
    assert service.promote("a/one:rev:2", "production").git_target is None
    assert (planned(service).is_empty, planned(service).held) == (True, ())
    assert pointing(service) == {"a/one:production": 2, "a/two:production": 1}


def test_an_invalid_file_moves_nothing_even_when_the_rest_is_written(tree: Path, two_versions: PromptService) -> None:
    service = two_versions
    declare(tree, "production: {a/one: rev:1, a/two: rev:0}\n")
    with pytest.raises(InvalidPrompts):
        sync(service)
    write(tree, {"a/two.txt": "two, edited"})
    loaded = load_tree(service.settings)
    applied = sync_tree(service.registry, loaded, Policy(), keep_going=True)
    assert (len(applied.plan.changes), pointing(service)) == (1, {})


BREAKING = "template: '{new}'\nvariables: {new: {type: string}}\n"


@pytest.mark.parametrize("way", ["declared", "ref"])
@pytest.mark.slow
def test_a_protected_alias_is_not_moved_over_a_breaking_change(
    git: Git, tree: Path, open_with: Callable[..., PromptService], way: str
) -> None:
    """Not even where the version is made by the same sync; nothing of it is written then."""
    service = open_with({"main": ["production"]} if way == "ref" else {})
    if way == "declared":
        declare(tree, "production: {a/one: latest}\n")
    write(tree, {"a/one.yaml": "template: one\n"})
    commit_all(git)
    sync(service)
    write(tree, {"a/one.yaml": BREAKING})
    commit_all(git)
    before = dump(service.engine)
    with pytest.raises(Guard, match="this would break callers of a/one:production") as caught:
        sync(service)
    assert "--allow-breaking" in (caught.value.hint or "")
    assert dump(service.engine) == before
    sync(service, allow_breaking=True)
    assert pointing(service) == {"a/one:production": 2}
    event = service.alias_log("a/one", "production")[0]
    assert (event.action, len(event.breaking)) == ("sync", 1)


def test_a_run_is_written_for_moves_alone(tree: Path, two_versions: PromptService) -> None:
    service = two_versions
    number = len(rows(service.engine, "sync_runs"))
    declare(tree, "production: {a/one: rev:1}\n")
    assert sync(service).run_id is not None
    assert len(rows(service.engine, "sync_runs")) == number + 1
