"""The values of one call, checked against the contract and completed with what is stored."""

from collections.abc import Collection, Iterable, Mapping
from copy import deepcopy
from difflib import get_close_matches
from typing import Any, Self

from promptdb.domain.contract import value_problem
from promptdb.domain.spec import Variable
from promptdb.errors import MissingVariables, RenderError, UnknownVariables


class Inputs:
    """What a caller must or may give, made ready to check each call.

    Args:
        contract: the variables by name.
        stored: values that a caller may override.
        mentions: further names that sections of a template may look up.
    """

    def __init__(self, contract: Mapping[str, Variable], stored: Mapping[str, Any], mentions: Collection[str]) -> None:
        self.contract = dict(contract)
        self.names = frozenset(mentions).union(contract)
        """What a caller can usefully give."""

        defaults = {name: variable.default for name, variable in contract.items() if variable.default is not None}
        self.fallbacks: Mapping[str, Any] = {**defaults, **{name: stored[name] for name in stored if name in contract}}
        """What a variable is that the caller leaves out."""

        self.required = frozenset(
            name for name, variable in contract.items() if variable.required and name not in self.fallbacks
        )
        self._limited = [(name, var) for name, var in contract.items() if var.type is not None or var.enum is not None]

    def only(self, names: Collection[str]) -> Self:
        """The same for a part of the prompt that uses no other names."""
        contract = {name: variable for name, variable in self.contract.items() if name in names}
        stored = {name: value for name, value in self.fallbacks.items() if name in names}
        return type(self)(contract, stored, self.names.intersection(names))

    def complete(self, given: Mapping[str, Any], *, ignore_extra: bool = False) -> dict[str, Any]:
        """The values to render with: the caller's, else the stored ones, else the defaults.

        Args:
            given: the caller's values by name.
            ignore_extra: leave out names that the prompt does not have, where they would be an error.

        Raises:
            MissingVariables: naming all that are missing.
            UnknownVariables: naming all that the prompt does not have.
            RenderError: naming all values that do not fit.
        """
        values = dict(given)
        if values.keys() != self.names:  # most calls give all there is, and this is the quickest way to see it
            self._require_names(values, ignore_extra=ignore_extra)
            values = {name: value for name, value in values.items() if name in self.names}
            for name, value in self.fallbacks.items():
                if name not in values:
                    values[name] = deepcopy(value)  # messages go out as they are
        if self._limited:
            self._require_fit(given)
        return values

    def _require_names(self, given: Mapping[str, Any], *, ignore_extra: bool) -> None:
        missing, unknown = self.required - given.keys(), given.keys() - self.names
        if missing or (unknown and not ignore_extra):
            raise self._refusal(missing, unknown)

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
        near = {name: match[0] for name in extra if (match := get_close_matches(name, missing or self.names, 1))}
        guesses = [f"did you mean {match!r} instead of {name!r}?" for name, match in near.items()]
        if missing:
            others = [f"the prompt has no variable {name!r}" for name in extra if name not in near]
            return MissingVariables(list(missing), " ".join([*guesses, *others]) or None)
        hint = " ".join(guesses) or f"its variables: {', '.join(self.contract) or 'none'}"
        return UnknownVariables(extra, hint)
