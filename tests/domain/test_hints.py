"""Hints without commands: each that callers over HTTP can get has words for them."""

import pytest

from promptdb.domain.hints import without_commands


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (None, None),
        ("did you mean a/one?", "did you mean a/one?"),
        ("'promptdb list' shows all prompts", "the list of prompts has their names"),
        ("the registry is empty; run 'promptdb sync'", "the registry is empty"),
        ("'promptdb alias log a/one production' shows who moved it", "its history shows who moved it"),
        (
            "'promptdb alias log a/one production' lists its moves; 'promptdb promote' goes to any version",
            "its history has its moves; a promotion goes to any version",
        ),
        (
            "compare with 'promptdb diff a/one:rev:1 :rev:2'; if the callers are ready, pass --allow-breaking",
            "compare rev:1 with rev:2; if the callers are ready, allow breaking changes (allow_breaking)",
        ),
        ("'promptdb webhook deliveries 3' lists them", "the list has them"),
    ],
)
def test_a_hint_is_said_without_commands(hint: str | None, words: str | None) -> None:
    assert without_commands(hint) == words
