"""The remedies under errors: what the person at the dashboard can do, and not what its operator can."""

import pytest

from promptdb.dashboard.showing.remedies import remedy, ways_on
from promptdb.errors import Forbidden, Guard, NotFound, PromptDBError, PromptNotFound, StorageError, VersionNotFound


@pytest.mark.parametrize(
    ("error", "here", "elsewhere"),
    [
        (StorageError("x", "check PROMPTDB_URL"), "check PROMPTDB_URL", "Try again later"),
        (Forbidden("x", "set PROMPTDB_TOKEN to a token"), "set PROMPTDB_TOKEN", "Use another token, or ask the person"),
        (NotFound("x", "see: promptdb verify"), "see: promptdb verify", "Ask the person who runs this dashboard."),
        (NotFound("x", "'promptdb list' shows all prompts"), "the list of prompts", "the list of prompts"),
        (Guard("x", "choose another version"), "choose another version", "choose another version"),
        (NotFound("x"), "None", "None"),
    ],
)
def test_a_hint_is_for_whoever_reads_it(error: PromptDBError, here: str, elsewhere: str) -> None:
    assert str(remedy(error, is_remote=False)).startswith(here)
    assert str(remedy(error, is_remote=True)).startswith(elsewhere)


@pytest.mark.parametrize(
    ("error", "name", "labels"),
    [
        (PromptNotFound("x", "did you mean a/one or b/two?"), "a/onw", ["a/one", "b/two", "All prompts"]),
        (PromptNotFound("x", "did you mean <b>?"), "a/onw", ["All prompts"]),
        (PromptNotFound("x"), None, ["All prompts"]),
        (VersionNotFound("x", "did you mean rev:3?"), "a/one", ["a/one, newest version"]),
        (NotFound("x"), "not a/ name", ["All prompts"]),
        (StorageError("x"), "a/one", []),
    ],
)
def test_an_error_has_a_way_on(error: PromptDBError, name: str | None, labels: list[str]) -> None:
    assert [label for label, _ in ways_on(error, name)] == labels
