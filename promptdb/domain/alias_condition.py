"""Conditions of moves. They are compared under the lock, so that no one moves an alias without knowing where it is."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from promptdb.domain.views import AliasView

Expected = int | None | Literal["any"]
"""The revision that an alias must point at before it moves. None stands for no alias, `any` skips the check."""

ANY_STATE = "*"
"""Any state of an alias that exists."""


def alias_state(view: AliasView) -> str:
    """Return a text that differs after each move, also if the alias comes back to the same revision.

    It has the version too, because another prompt may take the name, and its alias may have moved as often.
    """
    return f"{view.generation}-{sha256(f'{view.prompt} {view.version_id}'.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class Condition:
    """The condition that an alias must meet before it moves.

    Attributes:
        expected: the revision that it points at.
        states: one of them is its state, or `*` for any. None for no condition.
        absent: it does not exist.
    """

    expected: Expected = "any"
    states: frozenset[str] | None = None
    absent: bool = False

    @property
    def is_given(self) -> bool:
        return self.expected != "any" or self.names_state

    @property
    def names_state(self) -> bool:
        return self.states is not None or self.absent

    def holds_for_state(self, there: AliasView | None) -> bool:
        """Check the state of an alias, or of none. The expected revision is not a part of it."""
        if there is None:
            return self.states is None
        is_named = self.states is None or bool(self.states & {ANY_STATE, alias_state(there)})
        return is_named and not self.absent
