"""Where the templates of a spec are: each with its path in the spec, so that errors and results find their place."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from promptdb.domain.field_path import FieldPath
from promptdb.domain.spec import Message, PromptSpec
from promptdb.errors import TemplateError
from promptdb.render.engine import CompiledTemplate, engine

CompiledTemplates = dict[FieldPath, CompiledTemplate]
EXAMPLES: FieldPath = ("few_shot",)


def templates(spec: PromptSpec) -> Iterator[tuple[FieldPath, str]]:
    """Every template text of the spec, examples included."""
    if spec.template is not None:
        yield ("template",), spec.template
    yield from _message_templates(("messages",), spec.messages or ())
    if spec.few_shot is not None:
        if spec.few_shot.string_template is not None:
            yield (*EXAMPLES, "string_template"), spec.few_shot.string_template
        yield from _message_templates((*EXAMPLES, "chat_messages"), spec.few_shot.chat_messages or ())


def compile_templates(spec: PromptSpec) -> tuple[CompiledTemplates, list[tuple[FieldPath, TemplateError]]]:
    """Compile all of them; the errors are told with the path of the template each is in."""
    compile_template = engine(spec.template_format).compile_template
    compiled: CompiledTemplates = {}
    errors = []
    for path, text in templates(spec):
        try:
            compiled[path] = compile_template(text, spec.includes)
        except TemplateError as error:
            errors.append((path, error))
    return compiled, errors


def used_names(compiled: CompiledTemplates) -> dict[str, FieldPath]:
    """The names that the templates need from the caller, in order, with the path of their first use."""
    names: dict[str, FieldPath] = {}
    for path, template in compiled.items():
        if path[:1] != EXAMPLES:
            for name in template.variables:
                names.setdefault(name, path)
    return names


def map_strings(value: Any, path: FieldPath, function: Callable[[FieldPath, str], str]) -> Any:
    """A content part with each text but those under a key `type` put through `function`."""
    if isinstance(value, str):
        return function(path, value)
    if isinstance(value, list):
        return [map_strings(item, (*path, index), function) for index, item in enumerate(value)]
    if isinstance(value, dict):
        return {
            key: item if key == "type" else map_strings(item, (*path, key), function) for key, item in value.items()
        }
    return value


def _message_templates(path: FieldPath, items: Sequence[object]) -> Iterator[tuple[FieldPath, str]]:
    for index, item in enumerate(items):
        if not isinstance(item, Message):
            continue
        here = (*path, index, "template")
        if isinstance(item.template, str):
            yield here, item.template
        else:
            yield from _part_templates(here, item.template)


def _part_templates(path: FieldPath, parts: Any) -> Iterator[tuple[FieldPath, str]]:
    found: list[tuple[FieldPath, str]] = []

    def note(where: FieldPath, text: str) -> str:
        found.append((where, text))
        return text

    map_strings(parts, path, note)
    yield from found
