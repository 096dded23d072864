"""Which parts of a prompt differ between two versions."""

from promptdb.domain.spec import PromptSpec

PARTS: dict[str, tuple[str, ...]] = {
    "template": ("kind", "template_format", "template", "messages", "few_shot", "includes"),
    "variables": ("variables", "partial_variables"),
    "config": ("model", "tools", "response_schema"),
    "assets": ("assets",),
    "metadata": ("metadata",),
}
"""The parts that people speak of, each with its fields of the spec. Every field is in one part."""


def changed_parts(old: PromptSpec, new: PromptSpec) -> tuple[str, ...]:
    return tuple(
        part for part, fields in PARTS.items() if any(getattr(old, name) != getattr(new, name) for name in fields)
    )
