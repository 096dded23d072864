"""The group of all commands. Turns errors into exit codes."""

import errno
import gc
import io
import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import NoReturn

import click

from promptdb.cli.github_log import guarded_log
from promptdb.errors import PromptDBError
from promptdb.python_gc import collecting_rarely
from promptdb.version import VERSION

COMMANDS = {
    "init": ("init", "Find the prompts in a repository and set up promptdb for them."),
    "check": ("check", "Check the prompt files without a database."),
    "plan": ("plan", "Show what sync would do."),
    "sync": ("sync", "Record new versions of changed prompt files."),
    "watch": ("watch", "Sync a local registry whenever prompt files change."),
    "status": ("status", "Show the settings, the database and unsynced changes."),
    "mv": ("mv", "Rename a prompt and keep its history."),
    "list": ("list_", "List prompts."),
    "show": ("show", "Show the version that a reference names."),
    "log": ("log", "List the versions of a prompt, newest first."),
    "render": ("render", "Render a prompt with values."),
    "diff": ("diff", "Compare two versions, or a version with its file."),
    "promote": ("promote", "Point an alias at a version."),
    "rollback": ("rollback", "Move an alias back to its previous version."),
    "alias": ("alias", "List, set, release and delete aliases, and show their history."),
    "register-file": ("register_file", "Add a version from a single file."),
    "export": ("export", "Export a version or the whole registry to a file."),
    "import": ("import_", "Import a file written by 'export'."),
    "copy": ("copy_", "Copy the whole registry to another one."),
    "verify": ("verify", "Check the registry's rows and blobs against their digests."),
    "gc": ("gc", "Find or remove blobs that no version needs."),
    "db": ("db", "Manage the database schema and diagnose problems."),
}
"""Command -> (module, help). The help is repeated here so that `promptdb --help` loads no command; a test compares both."""

SYNONYMS = {"resolve": "show", "export-file": "export"}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        name = SYNONYMS.get(cmd_name, cmd_name)
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f"promptdb.cli.commands.{COMMANDS[name][0]}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_text) for name, (_, help_text) in COMMANDS.items()])


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, message="promptdb %(version)s", help="Show the version.")
def cli() -> None:
    """Keep prompts as files in git, record their versions and serve them to applications."""


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command and exit with its code."""
    if sys.stdout is None:  # closed by the caller
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a prompt may have characters that it lacks
    with collecting_rarely():
        code = run(sys.argv[1:] if arguments is None else arguments)
    # At exit, the interpreter collects garbage, which takes a fifth of a short command's time. It skips frozen objects.
    gc.freeze()
    sys.exit(code)


@guarded_log()
def run(arguments: list[str]) -> int:
    """Run a command and return its exit code; `docs/errors.md` explains each."""
    try:
        code = cli.main(arguments, prog_name="promptdb", standalone_mode=False)
        sys.stdout.flush()
    except PromptDBError as error:
        from promptdb.cli.exit_codes import exit_code
        from promptdb.cli.present.problems import print_error

        print_error(error)
        return exit_code(error)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    except SystemExit:  # click raises it if the pipe was closed early, as in `promptdb check | head`
        return 1
    except OSError as error:
        return _fail_without_output(error)
    return code if isinstance(code, int) else 0


def _fail_without_output(error: OSError) -> int:
    # The interpreter flushes the output once more as it exits, which must not fail again.
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error.errno == errno.EPIPE:
        return 1  # the command was cut short, so 0 would mislead a pipeline that checks it
    what = f"cannot use {error.filename}" if error.filename else "cannot write the output"
    click.echo(f"error: {what}: {error.strerror}", err=True)
    return 1
