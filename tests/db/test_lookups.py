"""From a reference to a version: every kind of selector, which comes first, and what is said where there is none."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from uuid import UUID

import pytest
import sqlalchemy as sa
from registries import BACKENDS, Fill, rows, settings_for, take_name

from promptdb.db.engine import reading, writing
from promptdb.db.lookup import find_version
from promptdb.db.repository import PromptRepository
from promptdb.db.writer import RegistryWriter
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import PromptRef
from promptdb.domain.spec import PromptSpec
from promptdb.errors import InvalidRef, NotFound, PromptNotFound, VersionNotFound
from promptdb.service import PromptService

TRIAGE = "support/triage"


@pytest.fixture
def triage(recorded: Callable[[Fill], PromptService]) -> PromptService:
    """A registry to change."""
    return recorded(four_revisions)


@pytest.fixture(scope="module", params=BACKENDS)
def registry(
    request: pytest.FixtureRequest,
    migrated_database: Callable[..., str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[PromptService]:
    """The same registry, only to read: made once."""
    folder = tmp_path_factory.mktemp("recorded")
    service = PromptService(settings_for(migrated_database(request.param, folder), folder))
    four_revisions(service)
    yield service
    service.close()


def four_revisions(service: PromptService) -> None:
    """Four revisions, the third with the text of the first; aliases on two of them, labels on two."""
    service.register_text(TRIAGE, "one")
    service.register_text(TRIAGE, "two", metadata={"user_version": "1.0"})
    service.register_text(TRIAGE, "one")
    service.register_text(TRIAGE, "four", metadata={"user_version": "2.0-beta"})
    service.promote(f"{TRIAGE}:rev:2", "production")
    service.promote(f"{TRIAGE}:rev:4", "staging")
    run = {"root": "prompts", "git_ref": "main", "commit_id": "ab" * 20, "is_dirty": False, "outcome": "applied"}
    now = datetime.now(UTC)
    with writing(service.engine) as connection:
        writer = RegistryWriter(connection, now)
        times = {"started_at": now, "finished_at": now}
        number = writer.insert_run({**run, "counts_json": "{}", "created_by": "tester", **times})
        [_, _, second, _] = PromptRepository(connection).versions(PromptId.parse(TRIAGE))
        where = {
            "path": "prompts/support/triage.txt",
            "branch": "main",
            "commit_id": run["commit_id"],
            "is_dirty": False,
        }
        more = {"author": None, "committed_at": None, "blob_id": None}
        writer.insert_sources([{**where, **more, "version_id": second.id, "run_id": number}])


def revision(service: PromptService, ref: str) -> int:
    return service.get(ref).version.revision


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("", 4),
        (":latest", 4),
        (":rev:1", 1),
        (":rev:3", 3),
        (":rev:0004", 4),
        (":production", 2),
        (":staging", 4),
        (":1.0", 2),
        (":2.0-beta", 4),
        (":git:main", 2),
        (f":git:{'ab' * 20}", 2),
        (":git:abab", 2),
        (":git:ABABAB", 2),
    ],
)
def test_a_selector_gives_its_version(registry: PromptService, selector: str, expected: int) -> None:
    assert revision(registry, TRIAGE + selector) == expected


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_versions_uuid_gives_that_version_in_any_spelling(registry: PromptService, number: int) -> None:
    version = registry.get(f"{TRIAGE}:rev:{number}").version
    assert registry.get(f"{TRIAGE}:{version.id}").version == version
    assert registry.get(f"{TRIAGE}:{str(version.id).upper()}").version == version


@pytest.mark.parametrize("length", [8, 9, 63, 64])
def test_a_digest_gives_the_newest_revision_that_has_it(registry: PromptService, length: int) -> None:
    digest = registry.get(f"{TRIAGE}:rev:1").version.spec_hash
    assert revision(registry, f"{TRIAGE}:{digest[: len('sha256:') + length]}") == 3
    assert revision(registry, f"{TRIAGE}:sha256:{digest.partition(':')[2][:length].upper()}") == 3


def test_an_abbreviated_digest_that_fits_two_is_an_error_that_gives_more_digits(service: PromptService) -> None:
    texts, prefix = _texts_with_the_same_prefix()
    digests = sorted(service.register_text(TRIAGE, text).version.spec_hash for text in texts)
    with pytest.raises(VersionNotFound, match=f"sha256:{prefix} matches 2 digests of {TRIAGE}") as caught:
        service.get(f"{TRIAGE}:sha256:{prefix}")
    assert caught.value.hint == f"give more digits: {digests[0][:19]}, {digests[1][:19]}"
    for digest in digests:
        assert service.get(f"{TRIAGE}:{digest}").version.spec_hash == digest


def test_a_digest_counts_within_its_prompt_only(service: PromptService) -> None:
    texts, prefix = _texts_with_the_same_prefix()
    for name, text in zip(("a/one", "a/two"), texts, strict=True):
        service.register_text(name, text)
    assert service.get(f"a/one:sha256:{prefix}").render_text() == texts[0]


def test_the_same_digest_twice_is_not_ambiguous(registry: PromptService) -> None:
    digest = registry.get(f"{TRIAGE}:rev:1").version.spec_hash
    assert revision(registry, f"{TRIAGE}:{digest[:15]}") == 3


def test_an_alias_comes_before_a_user_version(service: PromptService) -> None:
    for text, label in (("one", "v1"), ("two", "v2"), ("three", "v3")):
        service.register_text(TRIAGE, text, metadata={"user_version": label})
    assert revision(service, f"{TRIAGE}:v2") == 2
    service.promote(f"{TRIAGE}:rev:1", "v2")
    assert revision(service, f"{TRIAGE}:v2") == 1
    service.promote(f"{TRIAGE}:rev:3", "v2")
    assert revision(service, f"{TRIAGE}:v2") == 3
    service.delete_alias(TRIAGE, "v2")
    assert revision(service, f"{TRIAGE}:v2") == 2


def test_a_user_version_that_came_back_gives_the_newest_revision(service: PromptService) -> None:
    for text, label in (("one", "v1"), ("two", "v2"), ("one", "v1")):
        service.register_text(TRIAGE, text, metadata={"user_version": label})
    assert revision(service, f"{TRIAGE}:v1") == 3


@pytest.mark.slow
def test_a_user_version_may_look_like_a_number_or_a_digest(service: PromptService) -> None:
    for number, label in enumerate(("1", "deadbeef", "rev", "Größe", "LATEST"), 1):
        service.register_text(TRIAGE, f"text {number}", metadata={"user_version": label})
        assert revision(service, f"{TRIAGE}:{label}") == number


def test_case_counts_in_names_and_labels(service: PromptService) -> None:
    """LIKE and SQLite's own comparisons are not all of one mind."""
    service.register_text("a/one", "lower", metadata={"user_version": "beta"})
    service.register_text("A/One", "upper", metadata={"user_version": "Beta"})
    assert service.get("a/one").render_text() == "lower"
    assert service.get("A/One").render_text() == "upper"
    with pytest.raises(VersionNotFound):
        service.get("a/one:Beta")


def test_the_version_of_another_prompt_is_not_found_by_its_uuid(triage: PromptService) -> None:
    other = triage.register_text("support/other", "one").version
    with pytest.raises(VersionNotFound):
        triage.get(f"{TRIAGE}:{other.id}")


# Nothing found


@pytest.mark.parametrize(
    ("selector", "shown"),
    [
        ("rev:5", "rev:5"),
        ("canary", "canary"),
        ("3.0", "3.0"),
        ("sha256:00000000", "sha256:00000000"),
        ("git:0000000", "git:0000000"),
        ("git:feature/x", "git:feature/x"),
        ("00000000-0000-4000-8000-000000000000", "00000000-0000-4000-8000-000000000000"),
        ("rev:2147483647", "rev:2147483647"),
    ],
)
def test_a_version_that_is_not_there_is_told_with_the_aliases_and_the_newest_revisions(
    registry: PromptService, selector: str, shown: str
) -> None:
    with pytest.raises(VersionNotFound) as caught:
        registry.get(f"{TRIAGE}:{selector}")
    assert caught.value.message == f"{TRIAGE} has no version {shown!r}"
    why = "no sync has recorded that commit; " if selector.startswith("git:") else ""
    assert caught.value.hint == (
        f"{why}aliases: production -> rev:2, staging -> rev:4; newest revisions: rev:4, rev:3, rev:2, rev:1"
    )


def test_the_hint_lists_five_revisions_at_most_and_says_where_there_are_no_aliases(service: PromptService) -> None:
    for number in range(7):
        service.register_text(TRIAGE, str(number))
    with pytest.raises(VersionNotFound) as caught:
        service.get(f"{TRIAGE}:nothing")
    assert caught.value.hint == "aliases: none; newest revisions: rev:7, rev:6, rev:5, rev:4, rev:3"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("support/triag", "did you mean support/triage?"),
        ("suport/triage", "did you mean support/triage?"),
        ("support/Triage", "did you mean support/triage?"),
        ("zzz/qqq", "'promptdb list' shows all prompts"),
    ],
)
def test_a_prompt_that_is_not_there_is_told_with_those_that_are_near(
    registry: PromptService, name: str, hint: str
) -> None:
    with pytest.raises(PromptNotFound, match=f"there is no prompt {name}") as caught:
        registry.get(f"{name}:production")
    assert caught.value.hint == hint


def test_an_empty_registry_asks_for_a_sync(service: PromptService) -> None:
    with pytest.raises(PromptNotFound) as caught:
        service.get(TRIAGE)
    assert caught.value.hint == "the registry is empty; run 'promptdb sync'"


@pytest.mark.parametrize("act", ["list_versions", "log", "aliases", "alias_log"])
def test_every_question_about_an_unknown_prompt_is_a_not_found(service: PromptService, act: str) -> None:
    with pytest.raises(PromptNotFound, match="there is no prompt a/b"):
        getattr(service, act)("a/b")


# Wildcards of SQL


@pytest.mark.parametrize(
    "ref",
    [
        "support/triage:%",
        "support/triage:_._",
        "support/triage:p%",
        "support/triage:producti_n",
        "support/triage:1%",
        "support/triage:git:%",
        "support/triage:git:_",
        "support/triage:git:ma%",
        "support/triage:git:mai_",
        "support/triag_:latest",
    ],
)
def test_wildcards_of_sql_find_nothing(registry: PromptService, ref: str) -> None:
    with pytest.raises((NotFound, InvalidRef)):
        registry.get(ref)


@pytest.mark.parametrize("pattern", ["support/triag_", "support/%", "%", "supp%", "SUPPORT/*", "upport/*"])
def test_a_pattern_knows_no_wildcard_but_the_star(registry: PromptService, pattern: str) -> None:
    assert registry.list_prompts(pattern) == []


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        (None, ["default/hello", "support/triage", "support/eu/triage"]),
        ("support", ["support/triage", "support/eu/triage"]),
        ("support/", ["support/triage", "support/eu/triage"]),
        ("support/eu", ["support/eu/triage"]),
        ("support/triage", ["support/triage"]),
        ("*/triage", ["support/triage", "support/eu/triage"]),
        ("*", ["default/hello", "support/triage", "support/eu/triage"]),
        ("sup", []),
    ],
)
def test_a_pattern_is_a_namespace_or_a_name_with_stars(
    triage: PromptService, pattern: str | None, names: list[str]
) -> None:
    triage.register_text("support/eu/triage", "text")
    triage.register_text("hello", "text")
    assert [str(summary.prompt) for summary in triage.list_prompts(pattern)] == names


# Earlier names


def rename(service: PromptService, old: str, new: str) -> None:
    """As a sync does it."""
    with writing(service.registry.engine) as connection:
        ids = PromptRepository(connection).ids([PromptId.parse(old)])
        writer = RegistryWriter(connection, datetime.now(UTC))
        writer.rename(ids[PromptId.parse(old)], PromptId.parse(old), PromptId.parse(new))


@pytest.mark.parametrize("selector", ["", ":rev:2", ":production", ":1.0"])
def test_a_renamed_prompt_answers_to_its_old_name(triage: PromptService, selector: str) -> None:
    before = triage.get(f"{TRIAGE}{selector}").version
    rename(triage, TRIAGE, "desk/sort")
    for name in (TRIAGE, "desk/sort"):
        found = triage.get(f"{name}{selector}").version
        assert (found.id, found.revision, str(found.prompt)) == (before.id, before.revision, "desk/sort")


def test_every_earlier_name_of_a_prompt_goes_on_to_answer(triage: PromptService) -> None:
    for old, new in ((TRIAGE, "b/two"), ("b/two", "c/three"), ("c/three", "d/four")):
        rename(triage, old, new)
    for name in (TRIAGE, "b/two", "c/three", "d/four"):
        assert str(triage.get(name).version.prompt) == "d/four"


def test_a_prompt_that_is_renamed_back_has_its_name_for_itself(triage: PromptService) -> None:
    rename(triage, TRIAGE, "b/two")
    rename(triage, "b/two", TRIAGE)
    assert [row["name"] for row in rows(triage.engine, "prompt_redirects")] == ["two"]
    assert str(triage.get("b/two").version.prompt) == TRIAGE
    assert str(triage.get(TRIAGE).version.prompt) == TRIAGE


def test_an_old_name_that_a_new_prompt_took_means_the_new_one(triage: PromptService) -> None:
    rename(triage, TRIAGE, "b/two")
    take_name(triage, TRIAGE, "something else")
    assert rows(triage.engine, "prompt_redirects") == []
    assert triage.get(TRIAGE).render_text() == "something else"
    assert [version.revision for version in triage.list_versions(TRIAGE)] == [1]
    assert revision(triage, "b/two") == 4
    with pytest.raises(VersionNotFound, match=f"{TRIAGE} has no version 'production'"):
        triage.get(f"{TRIAGE}:production")


def test_the_versions_of_a_new_prompt_with_an_old_name_have_ids_of_their_own(triage: PromptService) -> None:
    old = triage.get(f"{TRIAGE}:rev:1").version
    rename(triage, TRIAGE, "b/two")
    take_name(triage, TRIAGE, "one")
    new = triage.get(TRIAGE).version
    assert new.spec_hash == old.spec_hash
    assert new.id != old.id


def test_a_version_that_a_renamed_prompt_does_not_have_is_told_under_its_new_name(triage: PromptService) -> None:
    rename(triage, TRIAGE, "b/two")
    with pytest.raises(VersionNotFound, match="b/two has no version 'rev:9'") as caught:
        triage.get(f"{TRIAGE}:rev:9")
    assert "production -> rev:2" in str(caught.value.hint)


@pytest.mark.parametrize("act", ["list_versions", "log", "aliases", "alias_log"])
def test_questions_about_an_old_name_are_answered_for_the_new_one(triage: PromptService, act: str) -> None:
    before = len(getattr(triage, act)(TRIAGE))
    rename(triage, TRIAGE, "b/two")
    assert len(getattr(triage, act)(TRIAGE)) == before > 0


# What comes back


def test_a_found_version_has_the_spec_as_it_was_stored(registry: PromptService) -> None:
    with reading(registry.engine) as connection:
        stored = find_version(connection, PromptRef.parse(f"{TRIAGE}:rev:2"))
    spec = PromptSpec.from_canonical(stored.spec_json)
    assert (spec.template, spec.metadata.user_version) == ("two", "1.0")
    assert spec.digest() == stored.view.spec_hash
    assert stored.view.created_by == "tester"
    assert not stored.archived


def test_a_lookup_by_alias_or_revision_is_one_statement(registry: PromptService) -> None:
    statements: list[str] = []
    if registry.engine.dialect.name == "sqlite":
        # SQLAlchemy does not see what the driver does alone.
        with closing(registry.engine.raw_connection()) as connection:
            connection.driver_connection.set_trace_callback(statements.append)
    else:
        sa.event.listen(registry.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    for selector in ("", ":rev:2", ":production"):
        statements.clear()
        registry.get(TRIAGE + selector)
        assert len([text for text in statements if text.startswith("SELECT")]) == 1, selector


def test_ids_are_the_same_for_the_same_history_everywhere(registry: PromptService) -> None:
    """Written down here: ids that change would break every reference by UUID."""
    ids = {version.revision: version.id for version in registry.list_versions(TRIAGE)}
    assert ids[1] == UUID("3a7b630c-7557-5ef0-b084-51921bc3ee39")
    assert ids[3] == UUID("1ff2570c-32a1-5bf5-add4-257023e62c9c")


def _texts_with_the_same_prefix() -> tuple[tuple[str, str], str]:
    """Two texts whose digests start with the same eight digits: some 80,000 tries find a pair."""
    before, after = PromptSpec(kind="string", template="@@").canonical().split(b"@@")
    seen: dict[bytes, int] = {}
    for number in count():
        digest = hashlib.sha256(b"%btext %d%b" % (before, number, after)).digest()[:4]
        if digest in seen:
            return (f"text {seen[digest]}", f"text {number}"), digest.hex()
        seen[digest] = number
    raise AssertionError
