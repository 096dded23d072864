"""Both kinds of registry answer the questions of the pages alike: in this process, and over TCP with a token."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from apis import token_of
from pydantic import SecretStr
from registries import on_sqlite, write
from servers import in_thread

from promptdb import PromptService, create_app
from promptdb.dashboard.registry.local import LocalRegistry
from promptdb.dashboard.registry.protocol import PAGE, Listing, News, Registry
from promptdb.dashboard.registry.remote import RemoteRegistry
from promptdb.domain.listing import PromptFilter
from promptdb.domain.prompt_id import PromptId
from promptdb.errors import (
    AliasMoved,
    Conflict,
    Forbidden,
    Guard,
    InvalidRef,
    NotFound,
    PromptDBError,
    PromptNotFound,
    Unauthorized,
)
from promptdb.settings import AppSettings

pytestmark = on_sqlite

TRIAGE = PromptId("support", "triage")
Opened = Callable[..., Registry]


@dataclass
class Both:
    """The two kinds over the registry of one service."""

    service: PromptService
    local: Registry
    remote: Callable[..., RemoteRegistry]


@pytest.fixture
def both(service: PromptService) -> Iterator[Both]:
    filled(service)
    opened: list[RemoteRegistry] = []
    with in_thread(create_app(service.settings)) as port:

        def remote(*scopes: str, token: str | None = None) -> RemoteRegistry:
            given = SecretStr(token or token_of(service, *scopes, name=f"t{len(opened)}"))
            opened.append(RemoteRegistry(AppSettings(url=f"http://127.0.0.1:{port}", token=given)))
            return opened[-1]

        yield Both(service, LocalRegistry(service), remote)
        for one in opened:
            one.close()


def filled(service: PromptService) -> None:
    metadata = {"title": "Sort", "tags": ["de"], "owners": ["ann"], "user_version": "v-one"}
    service.register_text("support/triage", "Sort {ticket}", metadata=metadata, alias="production")
    service.register_text("support/triage", "Sort {ticket} now", metadata={"title": "Sort"})
    service.register_text("support/triage", "Sort {ticket} for {team}")
    service.promote("support/triage:rev:2", "production", reason="as agreed")
    service.register_text("many/p001", "Hello {name}", alias="staging")


def test_they_give_equal_answers(both: Both) -> None:
    one, other = both.local, both.remote("admin")
    for wanted in (
        PromptFilter(),
        PromptFilter("support"),
        PromptFilter(text="SORT"),
        PromptFilter(text="\u017fort"),
        PromptFilter(behind="production"),
        PromptFilter(fragment="none.md"),
        PromptFilter(tag="de", archived=True),
    ):
        assert one.prompts(wanted).items == other.prompts(wanted).items
    assert one.behind("production", 5) == other.behind("production", 5) != []
    assert one.behind("production", 0) == other.behind("production", 0) == []
    assert one.prompt(TRIAGE) == other.prompt(TRIAGE)
    for before, limit in ((None, PAGE), (3, PAGE), (1, PAGE), (None, 1), (None, 0)):
        assert one.standing(TRIAGE, before, limit) == other.standing(TRIAGE, before, limit)
    for ref in ("support/triage", "support/triage:production", "support/triage:rev:1", "support/triage:v-one"):
        assert one.version(ref).version == other.version(ref).version
        assert one.version(ref).spec == other.version(ref).spec
    for registry in (one, other):
        asked = registry.versions(TRIAGE, {1, 3, 9})
        assert {number: found.version.revision for number, found in asked.items()} == {1: 1, 3: 3}
        assert asked[3].spec == registry.version("support/triage:rev:3").spec
        # One question gives what each list gives by itself.
        for most in (0, 1, 50):
            parts = (registry.behind("production", most), registry.moves(limit=max(1, most)), registry.runs())
            news = registry.news("production", most, max(1, most), 50)
            assert news == News(tuple(parts[0]), parts[1].items, parts[2].items)
    assert one.moves().items == other.moves().items
    assert one.moves(TRIAGE, "production").items == other.moves(TRIAGE, "production").items
    first = one.moves(TRIAGE).items[-1].created_at
    for at, prompt in ((None, TRIAGE), (first, None), (first - timedelta(seconds=1), None)):
        assert one.blame(at, prompt).items == other.blame(at, prompt).items
    assert one.runs().items == other.runs().items
    assert [len(one.prompts(PromptFilter(behind="production")).items), one.runs().following] == [1, None]


def test_long_lists_have_everything_once(both: Both, sync: Callable[..., object]) -> None:
    texts = {f"many/p{number:03}.txt": "Hello" for number in range(PAGE + 2)}
    aliases = "\n".join(f"  {name.removesuffix('.txt')}: latest" for name in texts)
    write(both.service.settings.prompts_path, {**texts, "_aliases.yaml": f"staging:\n{aliases}\n"})
    sync()
    for registry in (both.local, both.remote("admin")):
        pages(lambda cursor, registry=registry: registry.prompts(PromptFilter("many"), cursor), 2)
        pages(lambda cursor, registry=registry: registry.moves(alias="staging", cursor=cursor), 3)
        pages(lambda cursor, registry=registry: registry.blame(cursor=cursor), 3)


def pages(ask: Callable[[str | None], Listing[Any]], rest: int) -> None:
    first = ask(None)
    second = ask(first.following)
    assert (len(first.items), len(second.items), second.following) == (PAGE, rest, None)
    assert not {repr(item) for item in first.items} & {repr(item) for item in second.items}


@pytest.mark.parametrize("kind", ["local", "remote"])
def test_they_refuse_alike(both: Both, kind: str) -> None:
    registry = both.local if kind == "local" else both.remote("admin")
    refusals: list[tuple[Callable[[], object], type[PromptDBError], str]] = [
        (lambda: registry.version("support/triagee"), PromptNotFound, "support/triage"),
        (lambda: registry.version("support/triage:rev:9"), NotFound, "rev:3"),
        (lambda: registry.version("a b"), InvalidRef, ""),
        (lambda: registry.moves(PromptId("a", "none")), PromptNotFound, ""),
        (lambda: registry.rollback(TRIAGE, "none", expected="any", reason=None), PromptDBError, ""),
    ]
    for ask, error, hint in refusals:
        with pytest.raises(error) as caught:
            ask()
        assert hint in str(caught.value.hint)


@pytest.mark.parametrize("kind", ["local", "remote"])
def test_moves_are_compared_and_a_lost_race_says_who_won(both: Both, kind: str) -> None:
    registry = both.local if kind == "local" else both.remote("promote:production", "read")
    assert registry.may_move(TRIAGE, "production")
    move = registry.promote(TRIAGE, "production", "rev:3", expected=2, reason="why", allow_breaking=True)
    assert (move.from_revision, move.to_revision, move.is_needed) == (2, 3, True)
    assert [(change.name, change.is_breaking) for change in move.breaking] == [("team", True)]
    newest = registry.moves(TRIAGE).items[0]
    assert (newest.reason, newest.breaking[0].name) == ("why", "team")
    both.service.rollback("support/triage", "production", reason="broken")
    with pytest.raises(AliasMoved) as caught:
        registry.promote(TRIAGE, "production", "rev:1", expected=3, reason=None)
    last = caught.value.last_move
    assert last is not None
    assert (last.action, last.to_revision, last.reason) == ("rollback", 2, "broken")
    with pytest.raises(Guard) as guarded:
        registry.promote(TRIAGE, "production", "rev:3", expected=2, reason=None)
    assert [(change.name, change.kind) for change in guarded.value.breaking] == [("team", "variable_added")]
    assert registry.rollback(TRIAGE, "production", expected=2, reason=None).to_revision == 1
    with pytest.raises(Conflict):
        registry.rollback(TRIAGE, "production", expected=2, reason=None)


@pytest.mark.parametrize("kind", ["local", "remote"])
def test_a_split_is_set_compared_and_ended(both: Both, kind: str) -> None:
    registry = both.local if kind == "local" else both.remote("promote:production", "read")
    arms = [("rev:2", 90), ("rev:1", 10)]
    move = registry.split(TRIAGE, "production", arms, expected=2, reason="a try")
    assert (move.action, str(move.to_split), move.is_needed) == ("split", "rev:2=90 rev:1=10", True)
    [alias] = [alias for alias in registry.standing(TRIAGE).aliases if alias.alias == "production"]
    assert alias.split == move.to_split
    [in_list] = [listed for listed in registry.prompts(PromptFilter()).items if listed.summary.prompt == TRIAGE]
    for listed in (in_list, registry.prompt(TRIAGE)):
        assert listed.summary.splits == {"production": move.to_split}
    with pytest.raises(AliasMoved):
        registry.split(TRIAGE, "production", arms, expected=1, reason=None)
    assert registry.promote(TRIAGE, "production", "rev:2", expected=2, reason=None).to_split is None


def test_a_token_limits_what_one_sees_and_moves(both: Both) -> None:
    reader = both.remote("read@support", "promote:staging@support")
    assert [listed.summary.prompt for listed in reader.prompts(PromptFilter()).items] == [TRIAGE]
    assert {move.prompt for move in reader.moves().items} == {TRIAGE}
    assert reader.may_move(TRIAGE, "staging")
    assert not reader.may_move(TRIAGE, "production")
    assert not reader.may_move(PromptId("many", "p001"), "staging")
    with pytest.raises(Forbidden, match="promote:production@support") as caught:
        reader.promote(TRIAGE, "production", "latest", expected="any", reason=None)
    assert "promptdb token create" in str(caught.value.hint)
    with pytest.raises(Forbidden):
        reader.runs()
    mover = both.remote("promote:production@support")
    mover.promote(TRIAGE, "production", "rev:1", expected=2, reason=None)
    assert both.service.alias_log("support/triage")[0].actor == "token:t1"


def test_a_token_that_ended_is_told_apart(both: Both) -> None:
    with pytest.raises(Unauthorized, match="does not accept the token"):
        both.remote(token="pdb_" + "x" * 36).prompts(PromptFilter())
