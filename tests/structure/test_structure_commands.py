"""The table of commands against the commands themselves."""

from importlib import import_module

import click
from command_tree import EVERY, command, options
from sources import MODULES

from promptdb.cli.app import COMMANDS, SYNONYMS

TEXT_ONLY = {
    "completion",
    "explain",
    "schema",
    "init",
    "db upgrade",
    "db check",
    "serve",
    "dashboard",
    "mcp",
    "codegen",
}
"""Commands that have nothing to print as JSON, or print nothing else."""


def test_each_command_loads_under_its_name() -> None:
    for name, (module, _) in COMMANDS.items():
        loaded = import_module(f"promptdb.cli.commands.{module}").command
        assert isinstance(loaded, click.Command)
        assert loaded.name == name
        assert loaded is command(name)


def test_the_table_has_the_first_sentence_of_the_command_s_own_help() -> None:
    assert {name: command(name).get_short_help_str(limit=1000) for name in COMMANDS} == {
        name: sentence for name, (_, sentence) in COMMANDS.items()
    }


def test_each_command_that_a_module_has_can_be_called() -> None:
    modules = [import_module(name) for name in MODULES if name.startswith("promptdb.cli.")]
    found = {module.__name__: module.command for module in modules if hasattr(module, "command")}
    assert len(found) >= len(COMMANDS)
    assert [name for name, command in found.items() if command not in EVERY.values()] == []


def test_a_synonym_is_the_command_it_stands_for() -> None:
    for synonym, name in SYNONYMS.items():
        assert synonym not in COMMANDS
        assert command(synonym) is command(name)


def test_each_command_and_option_says_what_it_does_in_sentences() -> None:
    texts = {words: found.get_short_help_str(limit=1000) for words, found in EVERY.items()}
    texts |= {f"{words} {option.name}": option.help or "" for words in EVERY for option in options(words)}
    assert {name: text for name, text in texts.items() if not text.endswith(".") or len(text) < 2} == {}


def test_the_list_of_a_group_cuts_no_help_at_80_columns() -> None:
    groups = {words: found for words, found in EVERY.items() if isinstance(found, click.Group)}
    assert groups
    for words, group in groups.items():
        shown = group.get_help(click.Context(group, info_name=f"promptdb {words}", terminal_width=80))
        assert "..." not in shown.partition("Commands:")[2]


def test_each_command_that_prints_data_offers_json_in_one_way() -> None:
    ways = {}
    for words in EVERY:
        if not isinstance(EVERY[words], click.Group):
            names = {name for option in options(words) for name in option.opts}
            formats = [option.type.choices for option in options(words) if isinstance(option.type, click.Choice)]
            ways[words] = ("--json" in names) + any("json" in choices for choices in formats if words != "render")
    assert ways == {words: 0 if words in TEXT_ONLY else 1 for words in ways}
