"""Options that several commands have."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

if TYPE_CHECKING:
    from promptdb.service import Expected

_F = TypeVar("_F", bound=Callable[..., Any])
EXPECT_HELP = "Move only if the alias points there now (compare-and-set)."


def _git_ref(_: click.Context, __: click.Parameter, text: str | None) -> str | None:
    from promptdb.domain.git_refs import parse_git_ref
    from promptdb.errors import InvalidRef

    try:
        return None if text is None else parse_git_ref(text)
    except InvalidRef as error:
        raise click.BadParameter(f"{error.message}; {error.hint}") from error


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, as docs/json-output.md describes.")
reason_option = click.option("-m", "--reason", help="Why; kept in the history of the alias.")
breaking_option = click.option(
    "--allow-breaking", is_flag=True, help="Move a protected alias although callers may fail; kept in its history."
)
prune_option = click.option("--prune", is_flag=True, help="Archive prompts whose files are gone.")
max_prune_option = click.option(
    "--max-prune",
    type=click.IntRange(0, 100),
    default=20,
    show_default=True,
    metavar="PERCENT",
    help="Refuse to archive more of the tree than this.",
)
ref_option = click.option(
    "--ref",
    metavar="NAME",
    callback=_git_ref,
    help="The branch, or tags/TAG, of a commit that is checked out or named by its id.",
)


def view_options(command: _F) -> _F:
    """Add options that say which state of the files to look at; the command gets it as `view`, None without any."""

    @click.option("--worktree", is_flag=True, help="Read the files as they are on disk; the default.")
    @click.option("--staged", is_flag=True, help="Read git's index: what would be committed now.")
    @click.option("--rev", metavar="COMMIT", help="Read a commit, tag or branch; needs no checkout.")
    @wraps(command)
    def with_view(worktree: bool, staged: bool, rev: str | None, **values: Any) -> Any:
        from promptdb.project.view import View

        if worktree + staged + (rev is not None) > 1:
            raise click.UsageError("--worktree, --staged and --rev exclude one another")
        view = View(staged, rev) if worktree or staged or rev is not None else None
        return command(view=view, **values)

    return cast("_F", with_view)


def read_expected(text: str | None) -> "Expected":
    """Read what `--expect` says."""
    if text is None:
        return "any"
    if text == "none":
        return None
    number = text.removeprefix("rev:")
    if not (number.isascii() and number.isdigit()):
        raise click.BadParameter(f"{text!r} is neither rev:N nor none", param_hint="--expect")
    return int(number)
