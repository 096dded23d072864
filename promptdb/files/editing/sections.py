"""Splits a spec for readers: each text by itself, line by line as in its file, and every other field as YAML."""

from collections.abc import Iterator
from typing import Any

from promptdb.domain.spec import PromptSpec
from promptdb.files.editing.write import fields_of, yaml_text
from promptdb.render.section_diff import Section


def prompt_sections(spec: PromptSpec) -> tuple[Section, ...]:
    """List the sections in the order of a prompt file, frozen fragments last."""
    return tuple(_sections(spec))


def _sections(spec: PromptSpec) -> Iterator[Section]:
    for name, value in fields_of(spec).items():
        if name == "template":
            yield Section(name, name, value, is_template=True)
        elif name == "messages":
            yield from _messages(name, value)
        elif name == "few_shot":
            yield from _few_shot(value)
        else:
            yield Section(name, name, yaml_text({name: value}), is_field=True)
    for name, text in spec.includes.items():
        yield Section(f"fragment {name}", f"fragment {name}", text, is_template=True)


def _messages(field: str, messages: list[dict[str, Any]]) -> Iterator[Section]:
    for index, message in enumerate(messages):
        rest = dict(message)
        role = rest.pop("role", "placeholder")
        named = f"{role} {rest.pop('role_name')}" if "role_name" in rest else role
        title, key = f"{field}[{index}] {named}", f"{field} {named}"
        if isinstance(rest.get("template"), str):
            yield Section(title, key, rest.pop("template"), is_template=True)
            title, key = f"{title}, other fields", f"{key}, other fields"
        # Parts of a message, its name, or a placeholder.
        if rest:
            yield Section(title, key, yaml_text(rest), has_templates="template" in rest)


def _few_shot(fields: dict[str, Any]) -> Iterator[Section]:
    rest = dict(fields)
    template, messages = rest.pop("string_template", None), rest.pop("chat_messages", None) or []
    if rest:
        yield Section("few_shot", "few_shot", yaml_text({"few_shot": rest}), is_field=True)
    if template is not None:
        yield Section("few_shot.string_template", "few_shot.string_template", template, is_template=True)
    yield from _messages("few_shot.chat_messages", messages)
