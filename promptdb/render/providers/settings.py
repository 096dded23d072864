"""The settings of a model as arguments of a request."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any


def settings_for(model: Mapping[str, Any], has: Callable[[str], bool]) -> dict[str, Any]:
    """What `model` of a prompt says, `name` as the argument `model`; empty if it is meant for another provider.

    Args:
        model: as the spec has it.
        has: whether the API has the models of a provider.
    """
    provider = model.get("provider")
    if isinstance(provider, str) and not has(provider.lower()):
        return {}
    settings = {key: value for key, value in model.items() if key not in ("provider", "name")}
    return deepcopy({"model": model["name"], **settings} if "name" in model else settings)
