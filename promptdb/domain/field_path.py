"""Paths to the fields of a prompt. A module of their own, because the spec is slow to import."""

FieldPath = tuple[str | int, ...]


def place_of(path: FieldPath) -> str:
    """Write a path for people, such as `messages[1].template`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
