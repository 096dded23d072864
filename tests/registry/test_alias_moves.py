"""Moving aliases: where they go, what is written about it, and that nobody's move is lost."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from registries import Fill, dump, on_sqlite, rows, take_name, write
from workers import promote, together

from promptdb.db.engine import writing
from promptdb.db.writer import RegistryWriter
from promptdb.domain.prompt_id import PromptId
from promptdb.errors import Conflict, InvalidRef, NotFound, PromptDBError, PromptNotFound, VersionNotFound
from promptdb.registry import aliases
from promptdb.service import PromptService
from promptdb.sync.apply import Applied

TRIAGE = "support/triage"


def four_revisions(service: PromptService) -> None:
    for text in ("one", "two", "three", "four"):
        service.register_text(TRIAGE, text)


@pytest.fixture
def triage(recorded: Callable[[Fill], PromptService]) -> PromptService:
    """Four revisions and no alias."""
    return recorded(four_revisions)


def target(service: PromptService, alias: str = "production", prompt: str = TRIAGE) -> int | None:
    return next((view.revision for view in service.aliases(prompt) if view.alias == alias), None)


def events(service: PromptService, prompt: str = TRIAGE) -> list[tuple[str, int | None, int | None]]:
    """The oldest first."""
    return [(event.action, event.from_revision, event.to_revision) for event in reversed(service.alias_log(prompt))]


# Promote


@pytest.mark.parametrize(
    ("selector", "expected"), [("", 4), (":latest", 4), (":rev:2", 2), (":staging", 3), (":1.0", 5)]
)
@pytest.mark.slow
def test_an_alias_is_pointed_at_what_a_reference_gives(triage: PromptService, selector: str, expected: int) -> None:
    triage.promote(f"{TRIAGE}:rev:3", "staging")
    if expected == 5:
        triage.register_text(TRIAGE, "five", metadata={"user_version": "1.0"})
    move = triage.promote(f"{TRIAGE}{selector}", "production")
    assert (move.from_revision, move.to_revision, move.is_needed) == (None, expected, True)
    assert target(triage) == expected


def test_every_move_leaves_an_event_with_who_when_and_why(triage: PromptService) -> None:
    triage.promote(f"{TRIAGE}:rev:1", "production", reason="first release")
    triage.promote(f"{TRIAGE}:rev:2", "production")
    second, first = triage.alias_log(TRIAGE, "production")
    assert (first.action, first.from_revision, first.to_revision) == ("promote", None, 1)
    assert (first.actor, first.reason, first.alias) == ("tester", "first release", "production")
    assert (second.from_revision, second.to_revision, second.reason) == (1, 2, None)
    assert first.created_at <= second.created_at
    assert triage.alias_log(TRIAGE, "staging") == []


def test_a_reason_in_no_encoding_is_told_and_no_traceback(triage: PromptService) -> None:
    """As a shell gives it that speaks something else than UTF-8."""
    before = dump(triage.engine)
    with pytest.raises(PromptDBError):
        triage.promote(TRIAGE, "production", reason="fa\udce7on")
    assert dump(triage.engine) == before


def test_an_alias_stays_where_it_is_when_a_new_version_comes(triage: PromptService) -> None:
    triage.promote(TRIAGE, "production")
    triage.register_text(TRIAGE, "five")
    assert target(triage) == 4


def test_a_move_to_where_the_alias_is_already_writes_nothing(triage: PromptService) -> None:
    triage.promote(f"{TRIAGE}:rev:2", "production")
    before = dump(triage.engine)
    move = triage.promote(f"{TRIAGE}:rev:2", "production", reason="again")
    assert not move.is_needed
    assert dump(triage.engine) == before


def test_a_dry_run_says_what_would_move_and_moves_nothing(triage: PromptService) -> None:
    triage.promote(f"{TRIAGE}:rev:2", "production")
    before = dump(triage.engine)
    dry = triage.promote(f"{TRIAGE}:rev:3", "production", dry_run=True)
    assert dump(triage.engine) == before
    assert triage.promote(f"{TRIAGE}:rev:3", "production") == dry


@on_sqlite
@pytest.mark.parametrize("name", ["production", "a", "v1.2_x-y", "x" * 128, "sha256", "rev", "git"])
def test_names_that_can_be_aliases(triage: PromptService, name: str) -> None:
    triage.promote(f"{TRIAGE}:rev:2", name)
    assert triage.get(f"{TRIAGE}:{name}").version.revision == 2


@on_sqlite
@pytest.mark.parametrize(
    "name",
    [
        "", "latest", "Production", "1.0", "-x", "_x", ".x", "rev:3", "sha256:abcdef12", "git:main", "with space", "a/b",
        "größe", "x" * 129, "x\n", "a%", "abcdef12-0000-4000-8000-000000000000",
    ],
)  # fmt: skip
def test_names_that_cannot(triage: PromptService, name: str) -> None:
    before = dump(triage.engine)
    with pytest.raises(InvalidRef, match="cannot be an alias"):
        triage.promote(TRIAGE, name)
    with pytest.raises(InvalidRef, match="cannot be an alias"):
        triage.promote_all("latest", name)
    assert dump(triage.engine) == before


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (lambda service: service.promote("no/such", "production"), PromptNotFound),
        (lambda service: service.promote(f"{TRIAGE}:rev:9", "production"), VersionNotFound),
        (lambda service: service.promote(f"{TRIAGE}:staging", "production"), VersionNotFound),
        (lambda service: service.promote(f"{TRIAGE}:", "production"), InvalidRef),
        (lambda service: service.rollback("no/such", "production"), PromptNotFound),
        (lambda service: service.rollback(TRIAGE, "production"), NotFound),
        (lambda service: service.delete_alias("no/such", "production"), PromptNotFound),
        (lambda service: service.delete_alias(TRIAGE, "production"), NotFound),
        (lambda service: service.promote_all("staging", "production"), NotFound),
    ],
)
def test_what_is_not_there_cannot_be_moved(
    triage: PromptService, act: Callable[[PromptService], object], error: type[PromptDBError]
) -> None:
    before = dump(triage.engine)
    with pytest.raises(error) as caught:
        act(triage)
    assert caught.value.hint
    assert dump(triage.engine) == before


# Rollback and delete


def test_rollback_returns_to_the_target_before(triage: PromptService) -> None:
    triage.promote(f"{TRIAGE}:rev:1", "production")
    triage.promote(f"{TRIAGE}:rev:3", "production")
    move = triage.rollback(TRIAGE, "production", reason="bad answers")
    assert (move.from_revision, move.to_revision) == (3, 1)
    assert target(triage) == 1
    assert events(triage)[-1] == ("rollback", 3, 1)
    assert triage.alias_log(TRIAGE)[0].reason == "bad answers"


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([1, 2, 3, "back"], 2),
        ([1, 2, 3, "back", "back"], 1),
        ([1, 2, 3, "back", 4, "back"], 2),
        ([1, 2, 3, "back", "back", 4, "back"], 1),
        ([1, 2, 1, 2, "back", "back"], 2),
        ([1, 2, 1, "back", "back"], 1),
        ([1, 2, "back", 2, "back"], 1),
        ([1, 2, "back", 3, 4, "back", "back"], 1),
        ([1, 2, "delete", 3, 4, "back"], 3),
    ],
    ids=str,
)
def test_repeated_rollbacks_walk_back(triage: PromptService, steps: list[Any], expected: int) -> None:
    for step in steps:
        if step == "back":
            triage.rollback(TRIAGE, "production")
        elif step == "delete":
            triage.delete_alias(TRIAGE, "production")
        else:
            triage.promote(f"{TRIAGE}:rev:{step}", "production")
    assert target(triage) == expected


@pytest.mark.parametrize("steps", [[1], [1, 2, "back"], [1, 2, 3, "back", "back"]], ids=str)
def test_there_is_nothing_before_the_first_target(triage: PromptService, steps: list[Any]) -> None:
    for step in steps:
        if step == "back":
            triage.rollback(TRIAGE, "production")
        else:
            triage.promote(f"{TRIAGE}:rev:{step}", "production")
    with pytest.raises(NotFound) as caught:
        triage.rollback(TRIAGE, "production")
    assert "has no target before rev:1" in caught.value.message


def test_each_alias_has_a_history_of_its_own(triage: PromptService) -> None:
    for number in (1, 2):
        triage.promote(f"{TRIAGE}:rev:{number}", "production")
        triage.promote(f"{TRIAGE}:rev:{number + 2}", "staging")
    triage.rollback(TRIAGE, "production")
    assert (target(triage), target(triage, "staging")) == (1, 4)


def test_a_deleted_alias_is_gone_and_its_history_stays(triage: PromptService) -> None:
    triage.promote(f"{TRIAGE}:rev:1", "production")
    triage.delete_alias(TRIAGE, "production", reason="not needed")
    with pytest.raises(VersionNotFound):
        triage.get(f"{TRIAGE}:production")
    assert events(triage) == [("promote", None, 1), ("delete", 1, None)]
    assert triage.aliases() == []
    triage.promote(f"{TRIAGE}:rev:2", "production")
    assert events(triage)[-1] == ("promote", None, 2)


def test_the_alias_of_a_renamed_prompt_moves_under_either_name(
    service: PromptService, tree: Path, sync: Callable[..., Applied]
) -> None:
    write(tree, {"a/one.txt": "one"})
    sync()
    (tree / "a/one.txt").unlink()
    write(tree, {"b/two.txt": "---\nrenamed_from: [a/one]\n---\ntwo\n"})
    sync()
    for name, revision in (("a/one", 1), ("b/two", 2)):
        move = service.promote(f"{name}:rev:{revision}", "production")
        assert str(move.prompt) == "b/two"
    service.rollback("a/one", "production")
    assert target(service, prompt="b/two") == 1
    service.delete_alias("a/one", "production")
    assert service.aliases() == []


# Compare and set


@pytest.mark.parametrize(
    ("expected", "succeeds"), [(2, True), ("any", True), (1, False), (3, False), (None, False)], ids=str
)
def test_a_move_happens_only_where_the_alias_points_as_expected(
    triage: PromptService, expected: Any, succeeds: bool
) -> None:
    triage.promote(f"{TRIAGE}:rev:1", "production")
    triage.promote(f"{TRIAGE}:rev:2", "production")
    for act in (
        lambda: triage.promote(f"{TRIAGE}:rev:3", "production", expected=expected, dry_run=True),
        lambda: triage.promote(f"{TRIAGE}:rev:3", "production", expected=expected),
    ):
        if succeeds:
            act()
            continue
        with pytest.raises(Conflict, match=f"{TRIAGE}:production points at rev:2, not at") as caught:
            act()
        assert caught.value.hint
    assert target(triage) == (3 if succeeds else 2)


def test_a_rollback_and_a_deletion_compare_too(triage: PromptService) -> None:
    triage.promote(f"{TRIAGE}:rev:1", "production")
    triage.promote(f"{TRIAGE}:rev:2", "production")
    with pytest.raises(Conflict):
        triage.rollback(TRIAGE, "production", expected=1)
    with pytest.raises(Conflict):
        triage.delete_alias(TRIAGE, "production", expected=1)
    triage.rollback(TRIAGE, "production", expected=2)
    triage.delete_alias(TRIAGE, "production", expected=1)


def test_an_alias_can_be_expected_not_to_be_there(triage: PromptService) -> None:
    triage.promote(f"{TRIAGE}:rev:1", "production", expected=None)
    with pytest.raises(Conflict, match=r"points at rev:1, not at nothing"):
        triage.promote(f"{TRIAGE}:rev:2", "production", expected=None)


def stale(service: PromptService, *meanwhile: Callable[[], object]) -> None:
    """A promotion to revision 4 that was decided before something else happened is refused, and nothing is written."""
    move = service.promote(f"{TRIAGE}:rev:4", "production", dry_run=True)
    for act in meanwhile:
        act()
    before = dump(service.engine)
    with pytest.raises(Conflict, match="in the meantime") as caught:
        aliases.perform(service.registry, [move])
    assert caught.value.hint
    assert dump(service.engine) == before


def test_a_move_that_was_decided_before_another_is_refused(triage: PromptService) -> None:
    triage.promote(f"{TRIAGE}:rev:1", "production")
    stale(triage, lambda: triage.promote(f"{TRIAGE}:rev:2", "production"))


def test_a_move_that_was_decided_before_the_alias_was_made_is_refused(triage: PromptService) -> None:
    stale(triage, lambda: triage.promote(f"{TRIAGE}:rev:2", "production"))


def test_a_move_that_was_decided_before_the_alias_was_deleted_is_refused(triage: PromptService) -> None:
    triage.promote(f"{TRIAGE}:rev:1", "production")
    stale(triage, lambda: triage.delete_alias(TRIAGE, "production"))


def test_a_move_is_refused_though_the_alias_came_back_to_where_it_was(triage: PromptService) -> None:
    triage.promote(f"{TRIAGE}:rev:1", "production")
    stale(
        triage,
        lambda: triage.promote(f"{TRIAGE}:rev:2", "production"),
        lambda: triage.promote(f"{TRIAGE}:rev:1", "production"),
    )


@pytest.mark.parametrize("revision", [1, 2], ids=["at the same target", "at another target"])
def test_a_move_is_refused_though_the_alias_was_deleted_and_made_again(triage: PromptService, revision: int) -> None:
    triage.promote(f"{TRIAGE}:rev:1", "production")
    stale(
        triage,
        lambda: triage.delete_alias(TRIAGE, "production"),
        lambda: triage.promote(f"{TRIAGE}:rev:{revision}", "production"),
    )


def rename(service: PromptService, new: str) -> None:
    with writing(service.engine) as connection:
        [row] = rows(service.engine, "prompts")
        RegistryWriter(connection, row["created_at"]).rename(row["id"], PromptId.parse(TRIAGE), PromptId.parse(new))


def test_a_move_that_was_decided_before_the_prompt_was_renamed_is_refused(triage: PromptService) -> None:
    stale(triage, lambda: rename(triage, "b/two"))


def test_a_move_that_was_decided_before_another_prompt_took_the_name_is_refused(triage: PromptService) -> None:
    stale(triage, lambda: rename(triage, "b/two"), lambda: take_name(triage, TRIAGE, "another"))


def test_a_deletion_never_hits_another_prompt_that_took_the_name(triage: PromptService) -> None:
    triage.promote(TRIAGE, "production")
    move = aliases.decide_deletion(triage.registry, PromptId.parse(TRIAGE), "production")
    rename(triage, "b/two")
    take_name(triage, TRIAGE, "another")
    triage.promote(TRIAGE, "production")
    before = dump(triage.engine)
    with pytest.raises(Conflict):
        aliases.perform(triage.registry, [move])
    assert dump(triage.engine) == before


def test_generations_of_an_alias_only_grow(triage: PromptService) -> None:
    triage.promote(f"{TRIAGE}:rev:1", "production")
    triage.promote(f"{TRIAGE}:rev:2", "production")
    triage.delete_alias(TRIAGE, "production")
    triage.promote(f"{TRIAGE}:rev:3", "production")
    generations = [row["generation"] for row in rows(triage.engine, "alias_events")]
    assert generations == sorted(set(generations))


@pytest.mark.parametrize("round_", range(3))
def test_of_two_threads_that_move_an_alias_from_the_same_place_one_wins(triage: PromptService, round_: int) -> None:
    triage.promote(f"{TRIAGE}:rev:1", "production")
    barrier = threading.Barrier(2)
    results: list[str] = []

    def race(revision: int) -> None:
        barrier.wait(120)
        try:
            triage.promote(f"{TRIAGE}:rev:{revision}", "production", expected=1)
            results.append("moved")
        except Conflict:
            results.append("conflict")

    threads = [threading.Thread(target=race, args=(revision,)) for revision in (2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["conflict", "moved"]
    assert len(events(triage)) == 2


@pytest.mark.slow
def test_of_eight_processes_that_make_the_same_alias_one_wins(triage: PromptService, tmp_path: Path) -> None:
    url = triage.settings.database_url.get_secret_value()
    calls = [(url, tmp_path, f"{TRIAGE}:rev:{number % 4 + 1}", "production", None) for number in range(8)]
    answers = together(promote, calls)
    assert answers.count("moved") == 1
    assert [answer for answer in answers if not answer.startswith(("moved", "AliasMoved"))] == []
    winner = answers.index("moved") % 4 + 1
    assert target(triage) == winner
    assert events(triage) == [("promote", None, winner)]


# All at once


def three_prompts(service: PromptService) -> None:
    for name in ("a/one", "a/two", "b/three"):
        for text in ("first", "second"):
            service.register_text(name, f"{text} {name}")
    service.promote("a/one:rev:2", "staging")
    service.promote("a/two:rev:1", "staging")
    service.promote("a/two:rev:1", "production")


@pytest.fixture
def several(recorded: Callable[[Fill], PromptService]) -> PromptService:
    """Three prompts with two revisions; two of them have `staging`, one of these `production`."""
    return recorded(three_prompts)


def test_promote_all_moves_each_prompt_that_has_the_source(several: PromptService) -> None:
    moves = several.promote_all("staging", "production", reason="release 7")
    assert [(str(move.prompt), move.from_revision, move.to_revision) for move in moves] == [("a/one", None, 2)]
    assert {str(view.prompt): view.revision for view in several.aliases() if view.alias == "production"} == {
        "a/one": 2,
        "a/two": 1,
    }
    assert several.alias_log("a/one", "production")[0].reason == "release 7"
    assert several.promote_all("staging", "production") == []


def test_promote_all_latest_moves_every_prompt(several: PromptService) -> None:
    moves = several.promote_all("latest", "staging")
    assert [(str(move.prompt), move.from_revision, move.to_revision) for move in moves] == [
        ("a/two", 1, 2),
        ("b/three", None, 2),
    ]


def test_promote_all_shows_first_what_it_would_do(several: PromptService) -> None:
    before = dump(several.engine)
    dry = several.promote_all("staging", "production", dry_run=True)
    assert dump(several.engine) == before
    assert several.promote_all("staging", "production") == dry


@pytest.mark.parametrize("source", ["rev:1", "sha256:abcdef12", "git:main", "Staging", ""])
def test_the_source_of_promote_all_is_an_alias_or_latest(several: PromptService, source: str) -> None:
    with pytest.raises(InvalidRef):
        several.promote_all(source, "production")


def test_promote_all_is_all_or_nothing(several: PromptService) -> None:
    moves = aliases.decide_all(several.registry, "latest", "production")
    several.promote("b/three:rev:1", "production")
    before = dump(several.engine)
    with pytest.raises(Conflict, match="b/three:production was moved in the meantime, to rev:1"):
        aliases.perform(several.registry, moves)
    assert dump(several.engine) == before


def test_promote_all_latest_leaves_archived_prompts_alone(
    service: PromptService, tree: Path, sync: Callable[..., Applied]
) -> None:
    write(tree, {f"a/p{number}.txt": "text" for number in range(5)})
    sync()
    (tree / "a/p0.txt").unlink()
    sync(prune=True)
    moves = service.promote_all("latest", "production")
    assert [move.prompt.name for move in moves] == ["p1", "p2", "p3", "p4"]


@pytest.mark.slow
def test_promote_all_of_two_thousand_prompts_is_a_handful_of_statements(service: PromptService) -> None:
    now = datetime.now(UTC)
    prompts = {uuid4(): PromptId("many", f"p{number}") for number in range(2000)}
    common = {"revision": 1, "user_version": None, "spec_json": "{}", "spec_hash": "sha256:" + "0" * 64}
    with writing(service.engine) as connection:
        writer = RegistryWriter(connection, now)
        writer.insert_prompts(prompts)
        writer.insert_versions(
            [{**common, "id": uuid4(), "prompt_id": key, "created_by": "tester", "created_at": now} for key in prompts]
        )
    statements: list[str] = []
    sa.event.listen(service.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    assert len(service.promote_all("latest", "staging")) == 2000
    assert len(service.promote_all("staging", "production")) == 2000
    assert len(service.promote_all("latest", "staging")) == 0
    assert len(statements) < 60, statements
    written = [text for text in statements if text.startswith(("INSERT", "UPDATE"))]
    # The generation of each transaction, and its rows: PostgreSQL copies them, outside of statements.
    assert len(written) == (6 if service.engine.dialect.name == "sqlite" else 2)
    assert len(rows(service.engine, "alias_events")) == 4000
