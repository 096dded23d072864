"""The group of all commands. Turns errors into exit codes."""

import errno
import gc
import io
import os
import sys
from contextlib import chdir, suppress
from importlib import import_module
from typing import Any, NoReturn

import click

from promptdb.cli.github_log import guarded_log
from promptdb.cli.jobs import COMMANDS, JOBS, SYNONYMS
from promptdb.cli.quiet import HeldOutput, prints_data
from promptdb.errors import PromptDBError, StorageError
from promptdb.python_gc import collecting_rarely
from promptdb.version import VERSION

_ADVICE = {("sync", "--dry-run"): "'promptdb plan' shows what sync would do"}
"""(command, option that it does not have) -> the way to do it."""


_WIDEST = max(map(len, COMMANDS))


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        name = SYNONYMS.get(cmd_name, cmd_name)
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f"promptdb.cli.commands.{COMMANDS[name][0]}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = SYNONYMS.get(args[0], args[0])
        if name not in COMMANDS and not name.startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(name, [*COMMANDS, *SYNONYMS], 1)
            guess = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"No such command {name!r}.{guess}", ctx)
        if getattr(sys.stdout, "name", "") == os.devnull and prints_data(name, args[1:]):
            raise StorageError("cannot write the output: standard output is closed")
        if ctx.params["quiet"] and name not in ("watch", "serve", "dashboard"):  # which run until they are stopped
            ctx.obj = HeldOutput(keep_output=prints_data(name, args[1:]))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        code = 1
        try:
            code = super().invoke(ctx)
        except PromptDBError as error:  # here, where the context still knows about colors
            from promptdb.cli.exit_codes import exit_code
            from promptdb.cli.present.problems import print_error

            _release(ctx, show=True)
            print_error(error)
            return exit_code(error)
        finally:
            _release(ctx, show=bool(code))
        return code

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        for job, commands in JOBS.items():
            with formatter.section(job):
                formatter.write_dl([(name.ljust(_WIDEST), help_text) for name, (_, help_text) in commands.items()])


@click.command(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\n'promptdb COMMAND --help' explains a command.\nDocumentation: https://pypi.org/project/promptdb-git/",
)
@click.option(
    "-C",
    "folder",
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False),
    help="Run as if started in this folder.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but data and errors.")
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="Use colors on terminals (the default, unless NO_COLOR is set), always or never.",
)
@click.version_option(VERSION, message="promptdb %(version)s", help="Show the version.")
@click.pass_context
def cli(context: click.Context, folder: str | None, quiet: bool, color: str) -> None:  # noqa: ARG001
    """Keep prompts as files in git, record their versions and serve them to applications.

    First steps: 'promptdb init' finds your prompts, 'check' checks them, 'sync' records them, and 'render NAME' shows one.
    """
    if folder is not None:
        context.with_resource(chdir(folder))
    if color != "auto" or os.environ.get("NO_COLOR"):
        context.color = color == "always"


def _release(context: click.Context, *, show: bool) -> None:
    if isinstance(context.obj, HeldOutput):
        context.obj.release(show=show)
        context.obj = None


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
    except click.NoSuchOption as error:
        advice = _ADVICE.get((error.ctx.command.name or "", error.option_name)) if error.ctx else None
        (click.UsageError(f"{error.message} {advice}", error.ctx) if advice else error).show()
        return error.exit_code
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
