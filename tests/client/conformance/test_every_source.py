"""What every source of prompts does alike, beside the registry that they all come from."""

import os
import threading
from collections.abc import Callable

import pytest
from forks import forked
from waiting import until
from worlds import World

from promptdb.client.client import PromptClient
from promptdb.domain.delivery import ClientChange, Reason, Status
from promptdb.domain.splits import Split
from promptdb.errors import NotFound, PromptDBError, PromptNotFound, StorageError, VersionNotFound
from promptdb.render.resolved import ResolvedPrompt

TRIAGE = "support/triage"
PRODUCTION = f"{TRIAGE}:production"
VALUES = {"ticket": "T", "name": "Ada", "text": "5 or 6?"}

EVERYWHERE = [
    TRIAGE,
    f"{TRIAGE}:latest",
    "support/eu/greet:production",
    "data/sort",
    "short",
    "default/short:production",
]
"""References that files have, too."""

POINTED = [
    *(PRODUCTION, f"{TRIAGE}:rev:1", f"{TRIAGE}:rev:2", f"{TRIAGE}:v1", f"{TRIAGE}:v2", "support/attic:production"),
    *("support/old", "support/old:rev:1", "support/new:production"),
]
"""References to versions that aliases of the registry point at, or `latest`."""


MISSING = ["support/none", "support/triag", f"{TRIAGE}:rev:9", f"{TRIAGE}:sha256:0123456789"]
MISSING_LABELS = [f"{TRIAGE}:nothing", f"{TRIAGE}:v3", "support/old:v3"]
"""Every label means a file as it is."""


def fails(client: PromptClient, ref: str) -> PromptDBError | None:
    try:
        client.get(ref)
    except PromptDBError as error:
        return error
    return None


def sees(client: PromptClient, ref: str, text: str) -> None:
    until(lambda: client.get(ref).render_text() == text)


def values_of(found: ResolvedPrompt) -> dict[str, str]:
    return {name: VALUES[name] for name in found.variables}


def compared(found: ResolvedPrompt, expected: ResolvedPrompt) -> None:
    for value in ("version", "spec_json", "alias", "commit_id", "renamed_to", "ref"):
        assert getattr(found, value) == getattr(expected, value), value
    if not found.spec.assets:
        assert found.render(values_of(found)) == expected.render(values_of(expected))


def test_every_kind_of_selector(world: World, client: PromptClient) -> None:
    second = world.service.get(f"{TRIAGE}:rev:2")
    digest = second.version.spec_hash
    by_content = [f"{TRIAGE}:{one}" for one in (second.version.id, digest, digest[:17], f"git:{second.commit_id}")]
    for ref in [*EVERYWHERE, *([*POINTED, *by_content] if world.has_revisions else [])]:
        found, expected = client.get(ref), world.service.get(ref)
        assert found.spec_json == expected.spec_json, ref
        assert found.source in world.settings.source
        assert (found.reason, client.get(ref).reason) == (Reason.STATIC, Reason.CACHED), ref
        if world.has_revisions:
            compared(found, expected)


def test_an_error_says_what_is_there_as_the_registry_does(world: World, client: PromptClient) -> None:
    for ref in (*MISSING, *(MISSING_LABELS if world.has_revisions else ())):
        caught = fails(client, ref)
        with pytest.raises(NotFound) as expected:
            world.service.get(ref)
        assert type(caught) is type(expected.value), ref
        assert isinstance(caught, NotFound)
        if world.has_all:
            assert (caught.message, caught.hint) == (expected.value.message, expected.value.hint)
    assert client.status() is Status.READY


def test_an_earlier_name(world: World, client: PromptClient, caplog: pytest.LogCaptureFixture) -> None:
    found = client.get("support/old")
    assert str(found.renamed_to) == "support/new"
    client.get("support/old")
    # The app of the API warns too, in threads of its own.
    warnings = [
        one.message for one in caplog.records if "is now" in one.message and one.thread == threading.get_ident()
    ]
    assert warnings == ["prompt support/old is now support/new: use the new name"]


def test_assets_and_examples_from_them(world: World, client: PromptClient) -> None:
    found = client.get("data/sort")
    [asset] = found.assets
    assert (asset.path, asset.byte_size) == ("_d/examples.jsonl", 48)
    with found.asset("_d/examples.jsonl") as stream:
        assert stream.read() == b'{"question": "1 or 2?"}\n{"question": "3 or 4?"}\n'
    assert [message.content for message in found.render_messages(text="5 or 6?")] == ["1 or 2?", "3 or 4?", "5 or 6?"]


def test_versions(world: World, client: PromptClient) -> None:
    found = client.list_versions(TRIAGE)
    if world.has_revisions:
        assert found == world.service.list_versions(TRIAGE)
    assert client.list_versions(TRIAGE, 1) == found[:1]
    with pytest.raises(PromptNotFound):
        client.list_versions("support/none")


def test_a_preload_in_a_namespace(world: World, client: PromptClient) -> None:
    count = client.preload("production", "support")
    assert count == (len(world.service.reader.find_all("production", "support")) if world.has_revisions else 3)
    assert client.preload("production", "supp") == 0
    assert client.get("support/eu/greet:production").reason is Reason.CACHED


def test_many_of_which_one_is_missing(world: World, client: PromptClient) -> None:
    found = client.get_many([TRIAGE, "support/new", TRIAGE, "short"])
    assert list(found) == [TRIAGE, "support/new", "short"]
    assert found["support/new"].render_text() == "N"
    with pytest.raises(PromptNotFound, match="support/none"):
        client.get_many(["support/eu/greet", "support/none", "data/sort"])
    assert client.status() is Status.READY


# Changes


@pytest.fixture
def promote(world: World) -> Callable[[str], None]:
    """Give `production` of a prompt a version with this text, wherever the source reads."""

    def move(text: str) -> None:
        if world.has_revisions:
            world.service.register_text("short", text, alias="production")
            world.publish()
        else:
            # At once, as editors save: half a file would be another prompt.
            staged = world.settings.base / "staged"
            staged.write_text(text)
            staged.replace(world.settings.prompts_path / "short.txt")

    return move


def test_a_promotion_is_seen_without_a_call(world: World, client: PromptClient, promote: Callable[[str], None]) -> None:
    heard: list[ClientChange] = []
    client.on_change(heard.append)
    before = client.get("short:production")
    for text in ("second", "third"):
        promote(text)
        sees(client, "short:production", text)
    assert before.render_text() == "S"
    assert {ref for change in heard for ref in change.refs} == {"short:production"}
    assert client.status() is Status.READY


def test_an_alias_that_is_deleted_is_gone(world: World, client: PromptClient) -> None:
    if not world.has_revisions:
        pytest.skip("files have no aliases")
    client.get(PRODUCTION), client.get("short:production")
    world.service.delete_alias(TRIAGE, "production")
    world.publish()
    until(lambda: isinstance(fails(client, PRODUCTION), VersionNotFound))
    assert fails(client, "short:production") is None


def test_what_was_not_there_is_found_when_it_is(world: World, client: PromptClient) -> None:
    assert isinstance(fails(client, "later/one"), PromptNotFound)
    if world.has_revisions:
        world.service.register_text("later/one", "L")
        world.publish()
    else:
        (world.settings.prompts_path / "later").mkdir()
        (world.settings.prompts_path / "later/one.txt").write_text("L")
    until(lambda: fails(client, "later/one") is None)
    assert client.get("later/one").render_text() == "L"


def test_an_outage_and_the_return(world: World, client: PromptClient, promote: Callable[[str], None]) -> None:
    if world.down is None:
        pytest.skip("it has no outage here")
    client.get("short:production")
    client.get(TRIAGE)
    world.down()
    until(lambda: client.status() is Status.STALE)
    assert client.get("short:production").render_text() == "S"
    assert fails(client, "short:production") is None
    world.up()
    promote("back")
    sees(client, "short:production", "back")
    until(lambda: client.status() is Status.READY)
    assert client.get(TRIAGE).render_text(ticket="T") == "Second T"


def test_without_the_source_a_start_says_what_is_missing(world: World) -> None:
    if world.down is None or world.settings.source == ("http", "snapshot"):
        pytest.skip("it has no outage here, or starts in one")
    world.down()
    client = world.client()
    with pytest.raises(PromptDBError) as caught:
        client.get(PRODUCTION)
    assert not isinstance(caught.value, NotFound)
    with pytest.raises(PromptDBError):
        client.wait_ready(0.01)
    assert client.status() is Status.ERROR
    assert client.get(PRODUCTION, fallback="x").reason is Reason.DEFAULT
    world.up()
    until(lambda: fails(client, PRODUCTION) is None)


# Processes and the end


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_sees_promotions_and_so_does_its_parent(
    world: World, client: PromptClient, promote: Callable[[str], None]
) -> None:
    client.get("short:production")
    reader, writer = os.pipe()

    def follow() -> str:
        os.write(writer, client.get("short:production").render_text().encode())
        sees(client, "short:production", "after")
        return client.get(TRIAGE).render_text(ticket="T")

    child = forked(follow)
    assert os.read(reader, 1) == b"S"
    promote("after")
    sees(client, "short:production", "after")
    assert child.answer() == "Second T"
    os.close(reader)
    os.close(writer)
    promote("later")
    sees(client, "short:production", "later")


def test_closing_ends_the_threads_and_keeps_the_answers(world: World) -> None:
    client = world.client()
    client.get("short:production")
    client.wait_ready(60)
    client.close()
    # A server in this process has threads of the first name, too.
    assert not client._lookups._is_running()
    assert "promptdb-events" not in {one.name for one in threading.enumerate()}
    assert client.get("short:production").render_text() == "S"


def test_an_error_of_the_source_is_not_an_answer(world: World, client: PromptClient) -> None:
    if world.down is None or world.settings.source != ("http",):
        pytest.skip("it answers in an outage, or has none here")
    client.get(TRIAGE)
    world.down()
    error = fails(client, "support/none")
    world.up()
    assert isinstance(error, StorageError)


# Splits

SPLIT = [("rev:1", 60), ("rev:2", 40)]
USERS = [f"user-{number}" for number in range(50)]


@pytest.fixture
def is_split(world: World, client: PromptClient) -> Split:
    """`production` of a prompt, split between its two revisions, and seen by the client."""
    if not world.has_revisions:
        pytest.skip("files have no revisions")
    client.get(PRODUCTION)
    world.service.split(TRIAGE, "production", SPLIT)
    world.publish()
    until(lambda: client.get(PRODUCTION).split is not None)
    found = client.get(PRODUCTION).split
    assert found is not None
    return found


def test_a_key_decides_in_a_split_and_the_answers_are_at_hand(
    world: World, client: PromptClient, is_split: Split
) -> None:
    control = client.get(PRODUCTION)
    assert (control.reason, control.version.revision) == (Reason.CACHED, 1)
    for key in USERS:
        found, expected = client.at_hand(PRODUCTION, key), world.service.get(PRODUCTION, key=key)
        assert found is not None
        compared(found, expected)
        assert (found.reason, found.alias, found.split) == (Reason.SPLIT, "production", is_split)
        assert found.variant == f"rev:{is_split.arm_of(found.prompt, key)}"
    assert {client.get(PRODUCTION, key=key).version.revision for key in USERS} == {1, 2}


def test_a_split_is_the_same_for_a_new_client_and_in_a_preload(world: World, is_split: Split) -> None:
    for ask in (lambda client: None, lambda client: client.preload("production")):
        new = world.client()
        new.wait_ready(60)
        ask(new)
        # In a chain, the snapshot starts it with what was before.
        until(lambda new=new: new.get(PRODUCTION).split == is_split)
        expected = [is_split.arm_of(new.get(PRODUCTION).prompt, key) for key in USERS]
        assert [new.get(PRODUCTION, key=key).version.revision for key in USERS] == expected
        assert [new.get_many([PRODUCTION, "short"], key=key)[PRODUCTION].version.revision for key in USERS] == expected


def test_the_end_of_a_split_is_seen(world: World, client: PromptClient, is_split: Split) -> None:
    world.service.end_split(TRIAGE, "production", "rev:2")
    world.publish()
    until(lambda: client.get(PRODUCTION, key="user-1").split is None)
    assert {client.get(PRODUCTION, key=key).version.revision for key in USERS} == {2}
    assert client.get(PRODUCTION, key="user-1").reason is Reason.CACHED


def test_other_weights_are_seen_and_heard_of(world: World, client: PromptClient, is_split: Split) -> None:
    heard: list[ClientChange] = []
    client.on_change(heard.append)
    world.service.split(TRIAGE, "production", [("rev:1", 50), ("rev:2", 50)])
    world.publish()
    until(lambda: any(PRODUCTION in change.refs for change in heard))
    new = client.get(PRODUCTION).split
    assert new is not None
    assert str(new) == "rev:1=50 rev:2=50"


def test_a_split_serves_in_an_outage(world: World, client: PromptClient, is_split: Split) -> None:
    if world.down is None:
        pytest.skip("it has no outage here")
    before = [client.get(PRODUCTION, key=key).version for key in USERS]
    world.down()
    until(lambda: client.status() is Status.STALE)
    assert [client.get(PRODUCTION, key=key).version for key in USERS] == before
    world.up()


def test_a_key_without_a_split_changes_nothing(world: World, client: PromptClient) -> None:
    assert client.get("short:production", key="user-1").reason is Reason.STATIC
    assert client.get("short:production", key="user-1").reason is Reason.CACHED
    with pytest.raises(TypeError, match="a key is text"):
        client.get("short:production", key=1)  # type: ignore[arg-type]
