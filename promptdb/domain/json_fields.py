"""Takes values of the expected types from JSON that another process wrote."""

from datetime import UTC, datetime
from typing import Any

_MAX_NUMBER = 2**63 - 1


class Wrong(Exception):
    """A value is not what promptdb writes. The caller knows the place, and turns it into an error of promptdb."""


def typed(value: Any, kind: type | tuple[type, ...]) -> Any:
    # Not `isinstance`, for which true is a number.
    if type(value) not in (kind if isinstance(kind, tuple) else (kind,)):
        raise Wrong("a value has the wrong type")
    return value


def number(value: Any, least: int = 0, most: int = _MAX_NUMBER) -> int:
    found: int = typed(value, int)
    if not least <= found <= most:
        raise Wrong("a number is out of range")
    return found


def time(value: Any) -> datetime:
    found = datetime.fromisoformat(typed(value, str))
    if found.tzinfo is None:
        raise Wrong("a time has no zone")
    try:
        return found.astimezone(UTC)
    except OverflowError as error:
        raise Wrong("a time is out of range") from error


def exact_fields(value: Any, **kinds: type | tuple[type, ...]) -> list[Any]:
    """Take exactly these fields of an object, in the order of the arguments."""
    if typed(value, dict).keys() != kinds.keys():
        raise Wrong("it has other fields")
    return [typed(value[name], kind) for name, kind in kinds.items()]


def some_fields(value: Any, **kinds: type | tuple[type, ...]) -> list[Any]:
    """Take these fields of an object, in the order of the arguments. It may have more."""
    if not typed(value, dict).keys() >= kinds.keys():
        raise Wrong(f"it has no {', '.join(sorted(kinds.keys() - value.keys()))}")
    return [typed(value[name], kind) for name, kind in kinds.items()]
