"""A prompt in the form of Langfuse, whose templates have `{{name}}` and nothing else.

Langfuse replaces each `{{name}}` by a value that the caller gives, and knows neither defaults nor escapes.
"""

import re
from collections.abc import Callable, Mapping
from string import Formatter
from typing import Any

from promptdb.domain.spec import Message, Placeholder, PromptSpec, TemplateFormat
from promptdb.errors import TemplateError
from promptdb.render.formats import engine

ROLES = {"human": "user", "ai": "assistant"}

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TAG = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_MUSTACHE = re.compile(r"\{\{(?:\{([^{}]*)\}|&?([^{}]*))\}\}")
_LITERALS = frozenset({"true", "false", "none", "True", "False", "None"})


def langfuse_form(spec: PromptSpec) -> str | list[dict[str, Any]]:
    """Write a string prompt as one text, or a chat as its messages and placeholders.

    Variables that a caller may leave out have their defaults.

    Raises:
        TemplateError: the prompt has something that this form lacks.
    """
    if spec.few_shot is not None:
        raise _no_form("it has few-shot examples")
    if spec.template is not None:
        return _text(spec, spec.template)
    return [_message(spec, item) for item in spec.messages or ()]


def _message(spec: PromptSpec, item: Message | Placeholder) -> dict[str, Any]:
    if isinstance(item, Placeholder):
        return {"type": "placeholder", "name": item.variable_name}
    if not isinstance(item.template, str):
        raise _no_form("a message has content that is not text")
    if item.name is not None or item.additional_kwargs:
        raise _no_form("a message has a name, or fields for one provider")
    role = item.role_name or ROLES.get(item.role, item.role)
    return {"type": "chatmessage", "role": role, "content": _text(spec, item.template)}


def _text(spec: PromptSpec, template: str) -> str:
    used = _NAMES[spec.template_format](template)
    declared = spec.variables or {}
    defaults = {name: found.default for name, found in declared.items() if found.default is not None}
    fixed: dict[str, Any] = {**defaults, **spec.partial_variables}
    optional = {name for name, found in declared.items() if not found.required}
    asked = [name for name in used if name not in fixed and name not in optional]
    compiled = engine(spec.template_format, spec.undefined).compile_template(template, spec.includes)
    # A value is never expanded again, so this is the text with its variables in the other form.
    text = compiled.render({**{name: f"{{{{{name}}}}}" for name in asked}, **_given(fixed, used)})
    if [name.strip() for name in _TAG.findall(text)] != asked:
        raise _no_form("Langfuse would take braces in its text for a variable")
    return text


def _given(fixed: Mapping[str, Any], used: list[str]) -> dict[str, Any]:
    for name in used:
        if isinstance(fixed.get(name), list | dict):
            raise _no_form(f"the default of {name!r} is a list or an object")
    return {name: value for name, value in fixed.items() if name in used}


def _of_fstring(template: str) -> list[str]:
    found = []
    for _, name, form, conversion in Formatter().parse(template):
        if name is None:
            continue
        if form or conversion:
            raise _no_form(f"{{{name}}} has a format")
        found.append(name)
    return found


def _of_jinja(template: str) -> list[str]:
    if "{%" in template or "{#" in template:
        raise _no_form("it has jinja2 statements, or comments")
    found = [inside.strip() for inside in _TAG.findall(template)]
    for name in found:
        if not _NAME.fullmatch(name) or name in _LITERALS:
            raise _no_form(f"{{{{ {name[:40]} }}}} is more than a variable")
    return found


def _of_mustache(template: str) -> list[str]:
    found = [(bare or plain).strip() for bare, plain in _MUSTACHE.findall(template)]
    if len(found) != len(re.findall(r"\{\{+", template)) or not all(map(_NAME.fullmatch, found)):
        raise _no_form("it has sections, or other tags that are more than a variable")
    return found


_NAMES: dict[TemplateFormat, Callable[[str], list[str]]] = {
    "plain": lambda _: [],
    "f-string": _of_fstring,
    "jinja2": _of_jinja,
    "mustache": _of_mustache,
}
"""Lists the variables of a template in their order, or refuses it."""


def _no_form(reason: str) -> TemplateError:
    return TemplateError(f"this prompt has no form in Langfuse: {reason}", "read it with promptdb's own client or API")
