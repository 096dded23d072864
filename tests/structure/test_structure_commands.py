"""The table of commands against the commands themselves."""

from importlib import import_module

import click
import pytest
from command_tree import EVERY, command, options
from sources import MODULES

from promptdb.cli.app import COMMANDS, SYNONYMS

SHARED = {
    *(
        "alias_moves",
        "app",
        "assets",
        "bars",
        "changes",
        "doctor",
        "exit_codes",
        "history",
        "hook",
        "markdown",
        "opening",
        "options",
    ),
    *(
        "output",
        "problems",
        "prompt_diff",
        "received",
        "rendered",
        "text",
        "watched",
        "workflow",
    ),
}
"""Modules of the command line that are not a command."""

JSON_OPTION = {
    *("status", "list", "show", "log", "render", "diff", "alias list", "alias log", "db current", "db doctor"),
    *(
        "sync",
        "watch",
        "promote",
        "rollback",
        "alias set",
        "alias delete",
        "register-file",
        "export",
        "mv",
        "verify",
        "gc",
        "import",
        "copy",
    ),
}
"""`check` and `plan` have JSON among their formats."""


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_loads_under_its_name(name: str) -> None:
    module, _ = COMMANDS[name]
    loaded = import_module(f"promptdb.cli.{module}").command
    assert isinstance(loaded, click.Command)
    assert loaded.name == name
    assert loaded is command(name)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_has_the_first_sentence_of_the_command_s_own_help(name: str) -> None:
    assert command(name).get_short_help_str(limit=1000) == COMMANDS[name][1]


def test_each_module_of_the_command_line_is_a_command_or_shared() -> None:
    modules = {name.rpartition(".")[2] for name in MODULES if name.startswith("promptdb.cli.")}
    assert modules >= SHARED
    assert modules - SHARED == {module for module, _ in COMMANDS.values()} & modules


@pytest.mark.parametrize(("synonym", "name"), SYNONYMS.items())
def test_a_synonym_is_the_command_it_stands_for(synonym: str, name: str) -> None:
    assert synonym not in COMMANDS
    assert command(synonym) is command(name)


@pytest.mark.parametrize("words", EVERY)
def test_each_option_and_command_says_what_it_does(words: str) -> None:
    assert EVERY[words].help
    assert [option.name for option in options(words) if not option.help] == []


@pytest.mark.parametrize("words", EVERY)
def test_help_texts_end_like_sentences(words: str) -> None:
    texts = [EVERY[words].get_short_help_str(limit=1000), *(option.help for option in options(words) if option.help)]
    assert [text for text in texts if not text.endswith(".")] == []


@pytest.mark.parametrize("words", [words for words, found in EVERY.items() if isinstance(found, click.Group)])
def test_the_list_of_a_group_cuts_no_help_at_80_columns(words: str) -> None:
    shown = EVERY[words].get_help(click.Context(EVERY[words], info_name=f"promptdb {words}", terminal_width=80))
    assert "..." not in shown.partition("Commands:")[2]


@pytest.mark.parametrize("words", EVERY)
def test_json_is_offered_under_one_name(words: str) -> None:
    names = {name for option in options(words) for name in option.opts}
    assert ("--json" in names) == (words in JSON_OPTION)
    formats = [option.type.choices for option in options(words) if isinstance(option.type, click.Choice)]
    assert any("json" in choices for choices in formats) == (words in ("check", "plan"))
