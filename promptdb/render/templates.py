"""The templates of a spec, each with its path in the spec, which errors and results refer to."""

from collections.abc import Callable, Iterable
from typing import Any

from promptdb.domain.field_path import FieldPath
from promptdb.domain.spec import Message, PromptSpec
from promptdb.errors import TemplateError
from promptdb.render.formats import MAX_COST, CompiledTemplate, engine

CompiledTemplates = dict[FieldPath, CompiledTemplate]
EXAMPLES: FieldPath = ("few_shot",)


def templates(spec: PromptSpec) -> dict[FieldPath, str]:
    """Collect every template text of the spec, examples included."""
    found: dict[FieldPath, str] = {} if spec.template is None else {("template",): spec.template}
    _collect(found, ("messages",), spec.messages or ())
    if spec.few_shot is not None:
        if spec.few_shot.string_template is not None:
            found[*EXAMPLES, "string_template"] = spec.few_shot.string_template
        _collect(found, (*EXAMPLES, "chat_messages"), spec.few_shot.chat_messages or ())
    return found


def compile_templates(spec: PromptSpec) -> tuple[CompiledTemplates, list[tuple[FieldPath, TemplateError]]]:
    """Compile all templates, and return each error with the path of its template."""
    language = engine(spec.template_format, spec.undefined)
    compiled: CompiledTemplates = {}
    errors = []
    cost, of_fragments = 0, sum(map(language.cost, spec.includes.values()))
    for path, text in templates(spec).items():
        cost += language.cost(text) + of_fragments
        if cost > MAX_COST:
            errors.append((path, too_costly()))
            break
        try:
            compiled[path] = language.compile_template(text, spec.includes)
        except TemplateError as error:
            errors.append((path, error))
    return compiled, errors


def too_costly() -> TemplateError:
    message = f"the tags of all templates and their fragments have more than {MAX_COST:,} characters"
    return TemplateError(message, "write fewer tags, or make several prompts")


def used_names(compiled: CompiledTemplates) -> dict[str, FieldPath]:
    """Collect the names that the templates need from a caller, with the path of their first use."""
    names: dict[str, FieldPath] = {}
    for path, template in compiled.items():
        if path[:1] != EXAMPLES:
            for name in template.variables:
                names.setdefault(name, path)
    return names


def map_strings(value: Any, path: FieldPath, function: Callable[[FieldPath, str], Any]) -> Any:
    """Apply `function` to every text in a content, except those under a key `type`."""
    if isinstance(value, str):
        return function(path, value)
    if isinstance(value, list):
        return [map_strings(item, (*path, index), function) for index, item in enumerate(value)]
    if isinstance(value, dict):
        return {
            key: item if key == "type" else map_strings(item, (*path, key), function) for key, item in value.items()
        }
    return value


def _collect(found: dict[FieldPath, str], path: FieldPath, items: Iterable[object]) -> None:
    for index, item in enumerate(items):
        if isinstance(item, Message):
            # setdefault stores each text by its path and returns it, as map_strings expects.
            map_strings(item.template, (*path, index, "template"), found.setdefault)
