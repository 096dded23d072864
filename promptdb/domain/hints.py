"""Hints of errors for callers who have no command line here: those of the HTTP API, and visitors of the dashboard."""

import re

_WORDS = (
    (r"'promptdb list' shows all prompts", "the list of prompts has their names"),
    (r"; run 'promptdb sync'", ""),
    (r"'promptdb alias log [^']+' shows who moved it", "its history shows who moved it"),
    (
        r"'promptdb alias log [^']+' lists its moves; 'promptdb promote' goes",
        "its history has its moves; a promotion goes",
    ),
    (r"compare with 'promptdb diff (?:[^':]+):([^']+) :([^']+)'", r"compare \1 with \2"),
    (r"pass --allow-breaking", "allow breaking changes (allow_breaking)"),
    (r"see: promptdb alias list", "the list of aliases has their names"),
    (r"sync that commit first, with 'promptdb sync --rev'", "sync that commit first"),
    (r"'promptdb webhook \w+(?: \d+)?' lists them", "the list has them"),
)
"""Patterns of commands with their purpose, and the words for it."""


def without_commands(hint: str | None) -> str | None:
    """Say a hint without the commands of a terminal."""
    if hint is None or ("promptdb " not in hint and "--" not in hint):
        return hint
    for command, words in _WORDS:
        hint = re.sub(command, words, hint)
    return hint
