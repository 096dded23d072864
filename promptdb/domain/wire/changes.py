"""The JSON form of changes since a generation. The generation itself is one text."""

from typing import Any
from uuid import UUID

from promptdb.domain.delivery import Changes, Generation
from promptdb.domain.json_fields import Wrong, number, some_fields, typed
from promptdb.domain.prompt_id import PromptId
from promptdb.errors import InvalidRef


def generation_text(generation: Generation) -> str:
    return f"{generation.registry}:{generation.number}"


def parse_generation(text: str) -> Generation:
    """Read the text of a generation. Raise `Wrong` if it is not one."""
    key, _, count = text.partition(":")
    try:
        found = Generation(UUID(key), number(int(count)))
    except ValueError as error:
        raise Wrong(f"{text[:80]!r} is not a generation") from error
    if generation_text(found) != text:
        raise Wrong(f"{text[:80]!r} is not a generation")
    return found


def changes_fields(changes: Changes) -> dict[str, Any]:
    """Convert changes to JSON data. `everything` means that any prompt may have changed."""
    return {
        "generation": None if changes.generation is None else generation_text(changes.generation),
        "everything": changes.prompts is None,
        "prompts": sorted(map(str, changes.prompts or ())),
    }


def decode_changes(value: Any) -> Changes:
    """Read the object of `changes_fields`. Other fields are ignored. Raise `Wrong` if it is not one."""
    generation, everything, prompts = some_fields(value, generation=(str, type(None)), everything=bool, prompts=list)
    try:
        named = frozenset(PromptId.parse(typed(prompt, str)) for prompt in prompts)
    except InvalidRef as error:
        raise Wrong(f"a prompt has no valid name: {error.message}") from error
    return Changes(None if generation is None else parse_generation(generation), None if everything else named)
