"""Options that several commands share."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from promptdb.domain.git_refs import parse_git_ref
from promptdb.domain.suffixes import SUFFIXES, file_suffix
from promptdb.errors import InvalidRef

if TYPE_CHECKING:
    from promptdb.domain.alias_condition import Expected

_F = TypeVar("_F", bound=Callable[..., Any])


def _git_ref(_: click.Context, __: click.Parameter, text: str | None) -> str | None:
    try:
        return None if text is None else parse_git_ref(text)
    except InvalidRef as error:
        raise click.BadParameter(f"{error.message}; {error.hint}") from error


def _expected(_: click.Context, __: click.Parameter, text: str | None) -> "Expected":
    if text is None:
        return "any"
    if text == "none":
        return None
    number = text.removeprefix("rev:")
    if not (number.isascii() and number.isdigit()):
        raise click.BadParameter(f"{text!r} is neither rev:N nor none")
    return int(number)


def named_by_path(_: click.Context, __: click.Parameter, text: str | None) -> str | None:
    """Replace the path of a prompt file or chat folder in a reference by the name of the prompt. Shells complete paths."""
    path, colon, selector = (text or "").partition(":")
    if file_suffix(path) not in SUFFIXES and not (path and Path(path).is_dir()):
        return text
    from promptdb.project.placing import chat_of_folder, is_prompt_file, prompt_of_file
    from promptdb.settings import load_settings

    settings = load_settings()
    if is_prompt_file(path, settings):
        return f"{prompt_of_file(Path(path), settings)}{colon}{selector}"
    chat = chat_of_folder(Path(path), settings)
    return text if chat is None else f"{chat}{colon}{selector}"


key_option = click.option(
    "--key",
    # As in OpenFeature, an empty key is none.
    callback=lambda _, __, key: key or None,
    help="Take the arm of a traffic split that this key gets, such as the id of a user. Default: the control.",
)


def ref_argument(name: str, *, required: bool = True) -> Callable[[_F], _F]:
    """Add an argument for a reference, which may have the path of a prompt file in place of the name."""
    return click.argument(name, required=required, callback=named_by_path)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, as docs/json-output.md describes.")
reason_option = click.option("-m", "--reason", help="Record this reason in the alias's history.")
breaking_option = click.option(
    "--allow-breaking", is_flag=True, help="Move a protected alias even if that breaks callers. Its history records it."
)
expect_option = click.option(
    "--expect",
    "expected",
    metavar="rev:N|none",
    callback=_expected,
    help="Move the alias only if it is at this revision now (none: not set yet).",
)
prune_option = click.option("--prune", is_flag=True, help="Archive prompts whose files are gone.")
max_prune_option = click.option(
    "--max-prune",
    type=click.IntRange(0, 100),
    default=20,
    show_default=True,
    metavar="PERCENT",
    help="Refuse to archive more than this share of the prompts.",
)
ref_option = click.option(
    "--ref",
    metavar="NAME",
    callback=_git_ref,
    help="Name the branch, or tags/TAG, of a commit that is detached or given by its id.",
)


def require_one_form(form: str, *, as_json: bool) -> None:
    """Refuse --json beside a --format other than the default."""
    if as_json and form != "text":
        raise click.UsageError("--json and --format cannot be combined")


def view_options(command: _F) -> _F:
    """Add the options that choose a state of the files. The command gets it as `view`, or None if none was given."""

    @click.option("--worktree", is_flag=True, help="Read the files on disk (the default).")
    @click.option("--staged", is_flag=True, help="Read git's index: what the next commit will contain.")
    @click.option("--rev", metavar="COMMIT", help="Read a commit, tag or branch without checking it out.")
    @wraps(command)
    def with_view(worktree: bool, staged: bool, rev: str | None, **values: Any) -> Any:
        if worktree + staged + (rev is not None) > 1:
            raise click.UsageError("--worktree, --staged and --rev cannot be combined")
        if not (worktree or staged or rev is not None):
            return command(view=None, **values)
        from promptdb.project.view import View

        return command(view=View(staged, rev), **values)

    return cast("_F", with_view)
