"""Paths to the fields of a prompt, apart from the spec, which is slow to import."""

FieldPath = tuple[str | int, ...]


def place_of(path: FieldPath) -> str:
    """Write a path as people do: `messages[1].template`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
