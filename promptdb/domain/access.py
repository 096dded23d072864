"""The permissions of one request."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

from promptdb.domain.delivery import Changes
from promptdb.domain.namespace_glob import NamespaceGlob
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.scopes import Action, Scope, allows
from promptdb.domain.tokens import ApiToken
from promptdb.errors import PromptDBError, PromptNotFound


@dataclass(frozen=True)
class Grant:
    """The permissions of whoever sent a request.

    Attributes:
        scopes: those of the token.
        actor: recorded as the author of writes. None means the actor of the settings.
        token_id: 0 without a token.
    """

    scopes: tuple[Scope, ...]
    actor: str | None = None
    token_id: int = 0

    @classmethod
    def of(cls, token: ApiToken) -> Self:
        return cls(token.scopes, f"token:{token.name}", token.id)

    def allows(self, action: Action, prompt: PromptId | None = None, alias: str | None = None) -> bool:
        return allows(self.scopes, action, prompt, alias)

    def reads(self, prompt: PromptId | None) -> bool:
        """Check for permission to read a prompt, or all prompts for None."""
        return allows(self.scopes, Action.READ, prompt)

    def readable(self, prompts: Iterable[PromptId]) -> frozenset[PromptId]:
        return frozenset(prompt for prompt in prompts if self.reads(prompt))

    def visible(self, changes: Changes) -> Changes:
        """Drop the prompts that the sender may not read. None of them may have changed, or any."""
        return changes if changes.prompts is None else replace(changes, prompts=self.readable(changes.prompts))


UNLIMITED = Grant((Scope(Action.ADMIN),))
"""The grant of everyone who reaches a server without tokens."""


def needed_scope(action: Action, prompt: PromptId | None = None, alias: str | None = None) -> Scope:
    """Name the smallest scope that permits an action."""
    namespaces = NamespaceGlob(prompt.namespace) if prompt is not None else None
    return Scope(action, alias if action is Action.PROMOTE else None, namespaces)


def discreet(error: PromptDBError, grant: Grant) -> PromptDBError:
    """Drop the hint of an error that lists similar names, unless the sender may read all prompts."""
    return PromptNotFound(error.message) if isinstance(error, PromptNotFound) and not grant.reads(None) else error
