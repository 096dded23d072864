"""Scopes of access tokens: what a token may do, and with which prompts. Whatever no scope allows is denied."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from promptdb.domain.namespace_glob import NamespaceGlob
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import parse_alias
from promptdb.errors import ConfigError, InvalidRef

ANY_ALIAS = "*"
_FORMS = "read, write, promote:ALIAS or admin, each alone or with @ and a namespace: read@support"


class Action(StrEnum):
    READ = "read"
    WRITE = "write"
    PROMOTE = "promote"
    ADMIN = "admin"


@dataclass(frozen=True)
class Scope:
    """One permission. `alias` is that of `promote`, `*` for any alias. `namespaces` is None for the whole registry."""

    action: Action
    alias: str | None = None
    namespaces: NamespaceGlob | None = None

    def __str__(self) -> str:
        alias = f":{self.alias}" if self.alias is not None else ""
        return f"{self.action}{alias}" + (f"@{self.namespaces}" if self.namespaces is not None else "")

    @classmethod
    def parse(cls, text: str) -> "Scope":
        """Parse `read`, `write`, `promote:ALIAS` or `admin`, alone or followed by `@` and a pattern of namespaces.

        Raises:
            ConfigError: the text has another form.
        """
        permission, at, pattern = text.partition("@")
        name, colon, alias = permission.partition(":")
        if name not in tuple(Action):
            raise ConfigError(f"{text!r:.80} is not a scope", f"use {_FORMS}")
        action = Action(name)
        if (action is Action.PROMOTE) != bool(colon):
            needed = "promote needs an alias" if action is Action.PROMOTE else f"{action} takes no alias"
            raise ConfigError(f"{text!r:.80} is not a scope: {needed}", "for example promote:production or promote:*")
        try:
            named = alias if alias == ANY_ALIAS or not colon else parse_alias(alias)
            return cls(action, named if colon else None, NamespaceGlob.parse(pattern) if at else None)
        except InvalidRef as error:
            raise ConfigError(f"{text!r:.80} is not a scope: {error.message}", error.hint) from error

    def includes(self, action: Action, prompt: PromptId | None, alias: str | None) -> bool:
        """Check for permission to do this with a prompt, or with the whole registry if `prompt` is None."""
        if self.namespaces is not None and (prompt is None or not self.namespaces.covers(prompt.namespace)):
            return False
        if self.action is Action.ADMIN or action is Action.READ:
            return True
        return action is self.action and (action is not Action.PROMOTE or self.alias in (ANY_ALIAS, alias))


def allows(scopes: Iterable[Scope], action: Action, prompt: PromptId | None = None, alias: str | None = None) -> bool:
    """Check whether one of the scopes permits an action with a prompt, or with the whole registry if `prompt` is None.

    Every scope includes to read its prompts. `write` moves no alias, and only `admin` includes other actions.
    """
    return any(scope.includes(action, prompt, alias) for scope in scopes)
