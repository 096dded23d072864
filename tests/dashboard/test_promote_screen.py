"""The page that moves aliases: what it shows before, the one move that it makes, and what it says when it makes none."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from dashboards import HOSTILE, html_of, links_of, seen, visit
from registries import on_sqlite
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from promptdb import PromptService
from promptdb.dashboard.links import PROMOTE, Link, to_promotion
from promptdb.dashboard.registry.local import LocalRegistry
from promptdb.dashboard.screens.promote import previous_target
from promptdb.domain.prompt_id import PromptId
from promptdb.errors import StorageError, Unauthorized

pytestmark = on_sqlite

ONE = PromptId("a", "one")
BY_HAND = Link(PROMOTE, {"name": "a/one", "alias": "production", "action": "rollback"})


@pytest.fixture
def filled(dashboard: PromptService) -> PromptService:
    """Three versions; production is at the first one, staging at the second one."""
    dashboard.register_text("a/one", "Hello {name}")
    dashboard.register_text("a/one", "Good day {name}", model={"name": "gpt"}, alias="staging")
    dashboard.register_text("a/one", "Good day {name} of {town}")
    dashboard.promote("a/one:rev:1", "production", reason="the first")
    return dashboard


def rollback(service: PromptService) -> Link:
    """The address that the choice of a rollback makes in the present state."""
    (generation,) = [one.generation for one in service.aliases("a/one") if one.alias == "production"]
    return Link(PROMOTE, {**BY_HAND.query, "state": str(generation)})


def as_other(service: PromptService) -> PromptService:
    """The same registry for somebody else."""
    return PromptService(service.settings.model_copy(update={"actor": "ben"}))


def move_button(app: AppTest) -> Button:
    (found,) = [one for one in app.button if one.label.startswith(("Promote", "Roll", "Split"))]
    return found


def press(app: AppTest, label: str) -> AppTest:
    (button,) = [one for one in app.button if one.label.replace("\\", "").startswith(label)]
    return seen(button.click().run())


def labels(app: AppTest) -> list[str]:
    return [button.label.replace("\\", "") for button in app.button]


def boxes(app: AppTest) -> str:
    found = [*app.success, *app.warning, *app.error, *app.info]
    return "\n".join(box.value.replace("\\", "") for box in found)


def text_of(app: AppTest) -> str:
    """The HTML without its tags."""
    return re.sub("<[^>]+>", "", html_of(app))


def at(service: PromptService, alias: str = "production") -> int:
    return service.resolve(f"a/one:{alias}").revision


def test_the_stages_say_where_each_alias_is_since_when_and_why(filled: PromptService) -> None:
    app = visit(to_promotion(ONE))
    found = html_of(app)
    assert '<strong>v1</strong> <span class="pdb-badge">protected</span>' in found
    assert "the first" in found
    assert " UTC</time>" in found
    stages = [address for label, address in links_of(app) if label in ("staging", "production")]
    assert stages == ["promote?name=a%2Fone&alias=staging", "promote?name=a%2Fone&alias=production"]
    # An alias has to be chosen first.
    assert labels(app) == []


def test_what_changes_is_shown_before_the_button(filled: PromptService) -> None:
    app = visit(to_promotion(ONE, "production", "staging"))
    assert app.subheader[-1].value == "Changes from v1 to v2"
    assert "1\u2212Hello {name}1+Good day {name}" in text_of(app)
    assert "+  name: gpt" in text_of(app)
    assert labels(app) == ["Promote production to v2"]


def test_a_move_is_made_once_and_with_its_reason(filled: PromptService) -> None:
    app = visit(to_promotion(ONE, "production", "rev:2"))
    app.text_input(key="reason").set_value("it is better")
    press(app, "Promote production to v2")
    assert "production moved from v1 to v2" in boxes(app)
    assert ("a/one v2", "prompt?name=a%2Fone&version=rev%3A2") in links_of(app)
    assert "it is better" in html_of(app)
    # The second click of two meets no button that moves anything.
    assert labels(app) == ["Make another move"]
    press(app, "Make another move")
    assert labels(app) == []
    assert app.text_input == []
    (newest, *_), made = filled.alias_log("a/one", "production"), 2
    assert (newest.reason, len(filled.alias_log("a/one", "production"))) == ("it is better", made)


def test_a_link_chooses_and_another_choice_is_in_the_address(filled: PromptService) -> None:
    app = visit(to_promotion(ONE, "staging", "rev:1"))
    assert labels(app) == ["Promote staging to v1"]
    seen(app.selectbox(key="version").set_value("latest").run())
    assert labels(app) == ["Promote staging to v3"]
    assert "version" not in app.query_params
    seen(app.selectbox(key="alias").set_value("production").run())
    assert app.query_params["alias"] == "production"
    assert labels(app) == ["Promote production to v3"]


@pytest.mark.parametrize("shown", ["v2", "2", "rev:2", "staging"])
def test_a_version_has_the_name_that_pages_show(filled: PromptService, shown: str) -> None:
    assert labels(visit(to_promotion(ONE, "production", shown))) == ["Promote production to v2"]


def test_a_new_alias_needs_a_name_and_a_tick(filled: PromptService) -> None:
    app = visit(to_promotion(ONE, "canary"))
    assert move_button(app).disabled
    assert ("a/one v3", "prompt?name=a%2Fone&version=rev%3A3") in links_of(app)
    (create,) = app.checkbox
    assert create.label == "Create the alias canary"
    seen(create.check().run())
    press(app, "Promote canary to v3")
    assert "canary moved from nothing to v3" in boxes(app)


def test_whoever_moved_it_meanwhile_is_named_and_nothing_is_lost(filled: PromptService) -> None:
    app = visit(to_promotion(ONE, "production", "rev:2"))
    app.text_input(key="reason").set_value("it is better")
    as_other(filled).promote("a/one:rev:3", "production", reason="needed now", allow_breaking=True)
    press(app, "Promote production to v2")
    assert "production was not moved" in boxes(app)
    assert "It is at v3 now" in boxes(app)
    assert "v1 → <strong>v3</strong>" in html_of(app)
    assert "by ben</span><br>needed now" in html_of(app)
    assert at(filled) == 3
    assert labels(app) == ["Decide again"]
    # What was harmless from v1 breaks the callers of v3.
    press(app, "Decide again")
    assert move_button(app).disabled
    assert app.text_input(key="reason").value == "it is better"


def test_an_alias_that_left_and_came_back_is_not_as_it_was(filled: PromptService) -> None:
    app = visit(to_promotion(ONE, "production", "rev:2"))
    other = as_other(filled)
    other.promote("a/one:rev:2", "production")
    other.rollback("a/one", "production", reason="it fails")
    press(app, "Promote production to v2")
    assert "production was not moved" in boxes(app)
    assert "it fails" in html_of(app)
    assert at(filled) == 1


def test_breaking_changes_of_a_protected_alias_need_a_tick(filled: PromptService) -> None:
    app = visit(to_promotion(ONE, "production", "rev:3"))
    assert "⚠ breaking new required variable &#x27;town&#x27;" in text_of(app)
    (consent,) = app.checkbox
    assert "new required variable 'town'" in consent.label.replace("\\", "")
    assert move_button(app).disabled
    seen(consent.check().run())
    press(app, "Promote production to v3")
    assert "The history records what this breaks." in boxes(app)
    newest, *_ = filled.alias_log("a/one", "production")
    assert [change.name for change in newest.breaking] == ["town"]
    # staging is not protected.
    assert list(visit(to_promotion(ONE, "staging", "rev:3")).checkbox) == []


def test_a_refusal_that_the_page_did_not_expect_can_be_allowed_too(filled: PromptService) -> None:
    filled.delete_alias("a/one", "production")
    app = visit(to_promotion(ONE, "production", "rev:3"))
    seen(app.checkbox[0].check().run())
    press(app, "Promote production to v3")
    assert "would break callers" in boxes(app)
    (create, consent) = app.checkbox
    assert create.value
    seen(consent.check().run())
    press(app, "Promote production to v3")
    assert at(filled) == 3


def test_a_rollback_shows_where_it_goes_and_goes_one_step(filled: PromptService) -> None:
    filled.promote("a/one:rev:2", "production")
    filled.promote("a/one:rev:3", "production", allow_breaking=True)
    app = visit(rollback(filled))
    assert "Changes from v3 to v2" in [heading.value for heading in app.subheader]
    assert "A rollback is always allowed" in html_of(app)
    app.text_input(key="reason").set_value("too long")
    press(app, "Roll production back to v2")
    assert "production rolled back from v3 to v2" in boxes(app)
    # Otherwise a click too many would go one step further.
    assert labels(app) == ["Make another move"]
    assert '<span class="pdb-badge">↩ rolled back</span>' in html_of(app)
    press(app, "Make another move")
    press(app, "Roll back from v2 instead")
    assert labels(app) == ["Roll production back to v1"]
    assert "This goes back one more step." in boxes(app)


def test_an_address_of_a_rollback_goes_back_from_one_state_only(filled: PromptService) -> None:
    filled.promote("a/one:rev:2", "production")
    app = visit(to_promotion(ONE, "production"))
    seen(app.segmented_control(key="action").set_value("rollback").run())
    assert labels(app) == ["Roll production back to v1"]
    query = {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}
    as_other(filled).rollback("a/one", "production")
    as_other(filled).promote("a/one:rev:2", "production", reason="again")
    as_other(filled).promote("a/one:rev:3", "production", allow_breaking=True)
    app = visit(Link(PROMOTE, query))
    assert "production has moved since this address was made. It is at v3" in boxes(app)
    assert labels(app) == ["Roll back from v3 instead"]
    press(app, "Roll back from v3 instead")
    assert labels(app) == ["Roll production back to v2"]


def test_an_address_of_a_rollback_written_by_hand_proposes_no_move(filled: PromptService) -> None:
    filled.promote("a/one:rev:2", "production")
    app = visit(BY_HAND)
    assert "does not say from which version" in html_of(app)
    assert labels(app) == ["Roll back from v2"]
    press(app, "Roll back from v2")
    assert labels(app) == ["Roll production back to v1"]


SPLIT = Link(PROMOTE, {"name": "a/one", "alias": "production", "action": "split"})


def test_a_split_is_proposed_set_and_ended(filled: PromptService) -> None:
    app = visit(SPLIT)
    assert app.text_input(key="arms").value == "rev:1=90 rev:3=10"
    # Version 3 has one more variable.
    assert move_button(app).disabled
    seen(app.text_input(key="arms").set_value("rev:1=90 staging=10").run())
    assert "v190 %the control: also callers without a keyv210 %" in text_of(app)
    assert app.subheader[-1].value == "Changes from v1 to v2"
    app.text_input(key="reason").set_value("a try")
    press(app, "Split production")
    assert "production moved from v1 to v1=90 v2=10" in boxes(app)
    (newest, *_) = filled.alias_log("a/one", "production")
    assert (newest.action, str(newest.split), newest.reason) == ("split", "rev:1=90 rev:2=10", "a try")
    app = visit(SPLIT)
    assert "split like this already" in html_of(app)
    seen(app.text_input(key="arms").set_value("rev:2=1 rev:1=1").run())
    assert "The sum differs from that of the present split" in boxes(app)
    app = visit(to_promotion(ONE, "production", "rev:2"))
    press(app, "Promote production to v2")
    assert "production moved from v1=90 v2=10 to v2" in boxes(app)
    press(app, "Make another move")
    app = visit(rollback(filled))
    press(app, "Roll production back to v1")
    assert str(filled.get("a/one:production").split) == "rev:1=90 rev:2=10"


@pytest.mark.parametrize(
    ("arms", "said"),
    [
        ("rev:1", "is not an arm of a split"),
        ("rev:1=90", "a split has 2 to 10 arms"),
        ("rev:1=90 rev:1=10", "twice"),
        ("rev:1=90 v9=10", "rev:3"),
        ("rev:1=90 rev:2=0", "whole number"),
        (f"rev:1=90 {HOSTILE}=10", "is not an arm of a split"),
    ],
)
def test_arms_that_are_no_split_are_explained(filled: PromptService, arms: str, said: str) -> None:
    app = visit(Link(PROMOTE, {**SPLIT.query, "arms": arms}))
    assert said in boxes(app)
    assert labels(app) == []


def test_someone_who_moved_it_before_the_split_is_named(filled: PromptService) -> None:
    app = visit(Link(PROMOTE, {**SPLIT.query, "arms": "rev:1=90 rev:2=10"}))
    as_other(filled).promote("a/one:rev:2", "production", reason="all of it")
    press(app, "Split production")
    assert "production was not moved" in boxes(app)
    assert "all of it" in html_of(app)
    assert filled.get("a/one:production").split is None


def test_an_alias_without_a_past_cannot_go_back(filled: PromptService) -> None:
    assert "has no earlier version than v1" in boxes(visit(rollback(filled)))


def test_the_target_of_a_rollback_is_found_on_later_pages_of_the_log(filled: PromptService) -> None:
    for _ in range(30):
        filled.promote("a/one:rev:2", "production")
        filled.rollback("a/one", "production")
    registry = LocalRegistry(filled)
    assert previous_target(registry, ONE, "production") is None
    filled.promote("a/one:rev:3", "production", allow_breaking=True)
    assert previous_target(registry, ONE, "production") == 1


def test_without_the_right_to_move_the_page_shows_why(filled: PromptService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalRegistry, "may_move", lambda *_: False)
    app = visit(to_promotion(ONE, "production", "rev:2"))
    assert "promote:production@a" in boxes(app)
    assert "+Good day {name}" in text_of(app)
    assert labels(app) == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (StorageError("the disk is full", "free some space"), "the disk is full"),
        # The token was replaced since: the page could be read.
        (Unauthorized("expired", "renew"), "nothing was moved"),
    ],
)
def test_a_move_that_fails_says_why(
    filled: PromptService, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(LocalRegistry, "promote", fail)
    app = visit(to_promotion(ONE, "production", "rev:2"))
    press(app, "Promote production to v2")
    assert said in boxes(app)
    assert labels(app) == ["Promote production to v2"]


def test_a_new_alias_is_said_to_be_new(filled: PromptService) -> None:
    app = visit(to_promotion(ONE, "prodction", "rev:2"))
    assert "prodction is a new alias. Did you mean production?" in boxes(app)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({}, "no prompt"),
        ({"name": "a/onw"}, "a/one"),
        ({"name": "a/one", "alias": "Not an alias"}, "cannot be an alias"),
        ({"name": "a/one", "alias": "latest"}, "cannot be an alias"),
        ({"name": "a/one", "alias": "production", "version": "rev:9"}, "rev:3"),
        ({"name": "a/one", "alias": "production", "version": HOSTILE}, "a/one"),
        ({"name": "a/one", "alias": HOSTILE}, "cannot be an alias"),
    ],
)
def test_an_address_that_names_nothing_is_explained(filled: PromptService, query: dict[str, str], said: str) -> None:
    app = visit(Link(PROMOTE, query))
    assert said in boxes(app)
    assert labels(app) == []


def test_reasons_and_names_are_text(filled: PromptService) -> None:
    hostile = PromptService(filled.settings.model_copy(update={"actor": HOSTILE[:60]}))
    hostile.promote("a/one:rev:1", "staging", reason=HOSTILE)
    app = visit(to_promotion(ONE, "production", "rev:2"))
    assert "&lt;script&gt;" in html_of(app)
    hostile.promote("a/one:rev:3", "production", reason=HOSTILE, allow_breaking=True)
    press(app, "Promote production to v2")
    found = html_of(app)
    assert found.count("&lt;script&gt;") > 2
    assert "<script" not in found
    assert "<img" not in found


def test_a_declared_alias_says_how_to_move_it_in_git(
    dashboard: PromptService, tree: Path, sync: Callable[..., object]
) -> None:
    for text in ("Hello", "Good day"):
        (tree / "a").mkdir(exist_ok=True)
        (tree / "a/one.txt").write_text(text)
        sync()
    (tree / "_aliases.yaml").write_text("production:\n  a/one: rev:1\n")
    sync()
    app = visit(to_promotion(ONE, "production"))
    assert "_aliases.yaml:2 declares rev:1" in html_of(app)
    assert "promptdb promote --write a/one:rev:2 production" in html_of(app)
    press(app, "Promote production to v2")
    assert "promptdb alias release a/one production" in html_of(app)
    assert '<span class="pdb-badge">held</span>' in html_of(app)
