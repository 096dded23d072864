"""Checks the values of one call against the contract, and adds stored values and defaults."""

from collections.abc import Collection, Iterable, Mapping
from copy import deepcopy
from typing import Any, Self

from promptdb.domain.contract import value_problem
from promptdb.domain.nearest import nearest
from promptdb.domain.spec import Variable
from promptdb.errors import MissingVariables, RenderError, UnknownVariables
from promptdb.problems import MAX_GUESSES


class Inputs:
    """The variables that a caller must or may give, prepared for the check of each call.

    Args:
        contract: the variables by name.
        stored: values that a caller may override.
        mentions: other names that a template may look up in its sections.
    """

    def __init__(self, contract: Mapping[str, Variable], stored: Mapping[str, Any], mentions: Collection[str]) -> None:
        self.contract = dict(contract)
        self.names = frozenset(mentions).union(contract)
        """The names that a caller may give."""

        defaults = {name: variable.default for name, variable in contract.items() if variable.default is not None}
        self.fallbacks: Mapping[str, Any] = {**defaults, **{name: stored[name] for name in stored if name in contract}}
        """The stored values and defaults, by the name of their variable."""

        self.required = frozenset(
            name for name, variable in contract.items() if variable.required and name not in self.fallbacks
        )
        self._limited = [(name, var) for name, var in contract.items() if var.type is not None or var.enum is not None]

    def only(self, names: Collection[str]) -> Self:
        """Restrict the inputs to the names that one part of the prompt uses."""
        contract = {name: variable for name, variable in self.contract.items() if name in names}
        stored = {name: value for name, value in self.fallbacks.items() if name in names}
        return type(self)(contract, stored, self.names.intersection(names))

    def complete(self, given: Mapping[str, Any], *, ignore_extra: bool = False) -> Mapping[str, Any]:
        """Check the caller's values, and add stored values and defaults for those that it omits.

        Returns `given` itself if it has every variable, as most calls do.

        Args:
            given: the caller's values by name.
            ignore_extra: drop names that the prompt does not have, instead of raising an error.

        Raises:
            MissingVariables: required values are missing. The message names all of them.
            UnknownVariables: the prompt does not have these names.
            RenderError: values do not fit their type or `enum`.
        """
        values = given if given.keys() == self.names else self._completed(given, ignore_extra=ignore_extra)
        if self._limited:
            self._require_fit(given)
        return values

    def _completed(self, given: Mapping[str, Any], *, ignore_extra: bool) -> dict[str, Any]:
        missing, unknown = self.required - given.keys(), given.keys() - self.names
        if missing or (unknown and not ignore_extra):
            raise self._refusal(missing, unknown)
        values = {name: value for name, value in given.items() if name in self.names}
        # Stored messages become part of the result, which the caller may change.
        return values | {name: deepcopy(value) for name, value in self.fallbacks.items() if name not in values}

    def _require_fit(self, given: Mapping[str, Any]) -> None:
        misfits = [
            f"variable {name!r}: {problem}"
            for name, variable in self._limited
            if name in given and (problem := value_problem(variable, given[name])) is not None
        ]
        if misfits:
            raise RenderError("; ".join(misfits))

    def _refusal(self, missing: Collection[str], unknown: Iterable[object]) -> RenderError:
        extra = sorted(map(str, unknown))
        near = {name: match for name in extra[:MAX_GUESSES] if (match := nearest(name, missing or self.names))}
        guesses = [f"did you mean {match!r} instead of {name!r}?" for name, match in near.items()]
        if missing:
            others = [f"the prompt has no variable {name!r}" for name in extra if name not in near]
            return MissingVariables(list(missing), " ".join([*guesses, *others]) or None)
        hint = " ".join(guesses) or f"its variables: {', '.join(self.contract) or 'none'}"
        return UnknownVariables(extra, hint)
