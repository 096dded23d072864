"""The group of all commands, and the one place where errors become exit codes."""

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
    "init": ("init", "Find the prompts of a repository and set promptdb up for them."),
    "check": ("check", "Check the prompt files; needs no database."),
    "plan": ("plan", "Show what sync would do."),
    "sync": ("sync", "Make new versions of the prompt files that changed."),
    "watch": ("watch", "Keep a local registry in step with the files."),
    "status": ("status", "Show the settings, the database and what is not synced."),
    "mv": ("mv", "Give a prompt another name, and keep its history."),
    "list": ("list_", "List the prompts."),
    "show": ("show", "Show the version that a reference names."),
    "log": ("log", "Show the versions of a prompt, the newest first."),
    "render": ("render", "Render a prompt with values."),
    "diff": ("diff", "Compare two versions, or a version with its file."),
    "promote": ("promote", "Point an alias at a version."),
    "rollback": ("rollback", "Return an alias to its previous version."),
    "alias": ("alias", "List, set and delete aliases, and show their history."),
    "register-file": ("register_file", "Add a version from a single file."),
    "export": ("export", "Write a version to a file, or the whole registry."),
    "import": ("import_", "Import a file written by 'export'."),
    "copy": ("copy_", "Copy the whole registry to another one."),
    "verify": ("verify", "Check the rows and blobs of the registry against their digests."),
    "gc": ("gc", "Find, and remove, blobs that no version needs."),
    "db": ("db", "Create, update and check the database schema, and find what is wrong."),
}
"""Command -> (module, help). The help stands here so that `--help` loads no command; a test compares the two."""

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
    """Prompts are files in git; promptdb keeps their versions and tells applications which one to use."""


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command and exit with its code."""
    if sys.stdout is None:  # closed by the caller
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a prompt may hold what an old encoding does not
    with collecting_rarely():
        code = run(sys.argv[1:] if arguments is None else arguments)
    # As it exits, the interpreter collects garbage, which takes a fifth of a short command. It passes over frozen objects.
    gc.freeze()
    sys.exit(code)


@guarded_log()
def run(arguments: list[str]) -> int:
    """Run a command.

    Returns:
        The exit code: 0 fine, 1 failed, 2 usage, 3 differences found, 4 invalid prompts, 5 conflict, 6 lock timeout,
        7 integrity failure, 130 interrupted.
    """
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
    except SystemExit:  # how click takes a pipe that was closed early, as by `promptdb check | head`
        return 1
    except OSError as error:
        return _without_output(error)
    return code if isinstance(code, int) else 0


def _without_output(error: OSError) -> int:
    """Nobody reads the output any more, or it cannot be written, as to a full disk."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at the end of the process
    if error.errno == errno.EPIPE:
        return 1  # the command's own code is not known: success would be a lie where a pipeline asks for it
    what = f"cannot use {error.filename}" if error.filename else "cannot write the output"
    click.echo(f"error: {what}: {error.strerror}", err=True)
    return 1
