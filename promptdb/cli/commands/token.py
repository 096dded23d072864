"""`promptdb token`."""

import re
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from promptdb.cli.opening import registry
from promptdb.cli.options import json_option
from promptdb.cli.present.output import print_json, print_table, short_time
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.scopes import Scope
from promptdb.domain.tokens import ApiToken, fault_of
from promptdb.errors import ConfigError, InvalidRef

if TYPE_CHECKING:
    from promptdb.registry.stores import Registry

_MOST_DAYS = 36_500
_READ = 1_000  # characters; a token has 40


class _Scope(click.ParamType[Scope]):
    name = "scope"

    def convert(self, value: str | Scope, param: click.Parameter | None, ctx: click.Context | None) -> Scope:
        try:
            return value if isinstance(value, Scope) else Scope.parse(value)
        except ConfigError as error:
            self.fail(f"{error.message}; {error.hint}", param, ctx)


class _Expiry(click.ParamType[datetime]):
    name = "expiry"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        days = re.fullmatch(r"([1-9][0-9]{0,4})d", value)
        try:
            if days is not None and int(days[1]) <= _MOST_DAYS:
                return datetime.now(UTC) + timedelta(days=int(days[1]))
            # Without an offset, the time is that of this machine's clock on the wall.
            return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError, OSError):
            self.fail(
                f"{value!r} is neither a number of days nor a time: write 90d, 2027-01-31 or 2027-01-31T14:05Z",
                param,
                ctx,
            )


@click.group("token")
def command() -> None:
    """Create, list, revoke and check access tokens of the HTTP API."""


@command.command("create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    metavar="SCOPE",
    type=_Scope(),
    multiple=True,
    required=True,
    help="Permit this: read, write, promote:ALIAS or admin, for all prompts or those in a namespace: read@support. Repeatable.",
)
@click.option(
    "--expires",
    metavar="90d|DATE",
    type=_Expiry(),
    help="End the token after so many days, or at this date or time. Default: never.",
)
@json_option
def create(name: str, scopes: tuple[Scope, ...], expires: datetime | None, as_json: bool) -> None:
    """Create a token and print it, this once.

    The registry keeps only a hash. Standard output has the token and nothing else: TOKEN=$(promptdb token create ...).
    """
    from promptdb.registry.tokens import create_token

    with registry() as opened:
        made, text = create_token(opened, name, scopes, expires)
        prompts = [scope for scope in scopes if _names_a_prompt(opened, scope)]
    for scope in prompts:
        prompt = scope.namespaces
        click.echo(f"warning: {scope} does not cover the prompt {prompt}: a scope cannot name a prompt", err=True)
    if as_json:
        print_json({"token": text, **_facts(made)})
        return
    click.echo(text)
    ends = f"at {short_time(made.expires_at)}" if made.expires_at is not None else "when it is revoked"
    click.echo(f"note: {_names(made)} has {_said(made.scopes)} and ends {ends}; it is not shown again", err=True)


@command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List tokens with their scopes and last uses, without their texts."""
    from promptdb.registry.tokens import list_tokens

    with registry() as opened:
        found = list_tokens(opened)
    if as_json:
        print_json([_facts(token) for token in found])
        return
    if not found:
        click.echo("no tokens; 'promptdb token create' makes one", err=True)
        return
    rows = [
        [
            *(str(token.id), token.name, f"...{token.last_four}", token.state(datetime.now(UTC)), _said(token.scopes)),
            *(_time(token.expires_at, "never"), _time(token.last_used_at, "never")),
            *(token.created_by, short_time(token.created_at)),
        ]
        for token in found
    ]
    print_table(["ID", "NAME", "TOKEN", "STATE", "SCOPES", "EXPIRES", "LAST USED", "BY", "CREATED"], rows)


@command.command("revoke")
@click.argument("name_or_id")
@json_option
def revoke(name_or_id: str, as_json: bool) -> None:
    """Revoke a token for good.

    A server that runs refuses it within seconds. Its name stays in the history and cannot be given again.
    """
    from promptdb.registry.tokens import revoke_token

    with registry() as opened:
        ended = revoke_token(opened, name_or_id)
    if as_json:
        print_json(_facts(ended))
    else:
        click.echo(f"{_names(ended)} is revoked")


@command.command("check")
@json_option
def check(as_json: bool) -> int:
    """Check the form of a token from standard input, without a registry.

    Arguments of commands can be seen by other users, so there is none. Exits with status 1 if the token has a wrong character
    or is cut off. Only a server knows whether it is valid.
    """
    fault = fault_of(_from_input())
    if as_json:
        print_json({"well_formed": fault is None, "fault": fault})
    else:
        click.echo("this is the form of a token" if fault is None else f"this is not a token: {fault}")
    return 0 if fault is None else 1


def _names_a_prompt(opened: "Registry", scope: Scope) -> bool:
    from promptdb.registry.reader import RegistryReader

    if scope.namespaces is None:
        return False
    try:
        prompt = PromptId.parse(scope.namespaces.text)
    except InvalidRef:
        # A pattern is not a name.
        return False
    return RegistryReader(opened).current_name(prompt) is not None


def _from_input() -> str:
    if sys.stdin.isatty():
        typed: str = click.prompt("token", hide_input=True, err=True)
        return typed.strip()
    return sys.stdin.buffer.read(_READ).decode(errors="replace").strip()


def _facts(token: ApiToken) -> dict[str, object]:
    facts = {name: value for name, value in asdict(token).items() if name != "scopes"}
    state = token.state(datetime.now(UTC))
    return {**facts, "scopes": [str(scope) for scope in token.scopes], "state": state}


def _names(token: ApiToken) -> str:
    return f"token {token.name} (id {token.id}, ...{token.last_four})"


def _said(scopes: tuple[Scope, ...]) -> str:
    return ", ".join(map(str, scopes)) or "nothing"


def _time(time: datetime | None, otherwise: str) -> str:
    return short_time(time) if time is not None else otherwise
