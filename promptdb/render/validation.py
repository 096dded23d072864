"""Rules between the fields of a spec: its kind, templates, contract, stored values and examples."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from promptdb.domain.contract import placeholders, value_problem
from promptdb.domain.field_path import FieldPath
from promptdb.domain.nearest import nearest
from promptdb.domain.spec import FewShot, JsonObject, PromptSpec, Variable
from promptdb.errors import IncludeError, TemplateError
from promptdb.problems import MAX_GUESSES, MAX_LISTED, Code
from promptdb.render.asset_rules import asset_problems
from promptdb.render.compiled import examples_variable
from promptdb.render.formats import engine, line_and_column
from promptdb.render.templates import EXAMPLES, CompiledTemplates, compile_templates, templates, used_names

_Place = tuple[str, int | None, int | None]
"""A fragment, or the line and the column in the template itself."""


@dataclass(frozen=True)
class SpecProblem:
    """A problem of the field at `path`. `line` and `column`, if known, count inside the template of the field."""

    path: FieldPath
    code: Code
    message: str
    hint: str | None = None
    line: int | None = None
    column: int | None = None
    key: bool = False
    """True if the problem is at the key, not at the value."""
    detail: str | None = None
    """More lines for people, such as a diff."""


def validate_spec(spec: PromptSpec) -> tuple[list[SpecProblem], CompiledTemplates]:
    """Find all problems of a spec whose fields are each well-formed, and return the templates that compile."""
    texts = templates(spec)
    problems = list(_shape(spec, texts))
    if any(problem.code in (Code.CONFLICTING_FIELDS, Code.MISSING_FIELD) for problem in problems):
        return problems, {}
    compiled, errors = compile_templates(spec)
    for path, error in errors:
        code = Code.INCLUDE if isinstance(error, IncludeError) else Code.TEMPLATE_SYNTAX
        problems.append(SpecProblem(path, code, error.message, error.hint, error.line, error.column))
    problems += _values(spec)
    if not errors:
        problems += _literal_names(spec, texts, compiled)
        problems += _contract(spec, compiled)
        problems += example_problems(compiled, spec.few_shot.examples if spec.few_shot is not None else ())
        problems += [SpecProblem(*found) for found in asset_problems(spec, compiled)]
    return problems, compiled


def _shape(spec: PromptSpec, texts: Mapping[FieldPath, str]) -> Iterator[SpecProblem]:
    if spec.kind == "string":
        if spec.template is None:
            yield SpecProblem((), Code.MISSING_FIELD, "a string prompt needs a 'template'", "add 'template: ...'")
        if spec.messages is not None:
            message = "a string prompt cannot have 'messages'"
            hint = "remove 'kind: string', or move the text into 'template'"
            yield SpecProblem(("messages",), Code.CONFLICTING_FIELDS, message, hint, key=True)
    else:
        if not spec.messages:
            hint = "add a message" if spec.template is None else "or add 'role: system' to make the text a message"
            yield SpecProblem((), Code.MISSING_FIELD, "a chat prompt needs 'messages'", hint)
        if spec.template is not None:
            message = "a chat prompt cannot have a 'template' of its own"
            hint = "make the template a message: {role: human, template: ...}"
            yield SpecProblem(("template",), Code.CONFLICTING_FIELDS, message, hint, key=True)
    for path, text in texts.items():
        if not text.strip():
            hint = "write the prompt, or name the file in .promptdbignore"
            yield SpecProblem(path, Code.EMPTY_TEMPLATE, "the template is empty", hint)
    if spec.undefined != "strict" and spec.template_format != "jinja2":
        message = f"'undefined' is about jinja2, and this prompt is {spec.template_format}"
        yield SpecProblem(("undefined",), Code.CONFLICTING_FIELDS, message, "remove it", key=True)
    if spec.few_shot is not None:
        yield from _few_shot_shape(spec, spec.few_shot)


def _few_shot_shape(spec: PromptSpec, few_shot: FewShot) -> Iterator[SpecProblem]:
    wanted, unwanted = ("chat_messages", "string_template")
    if spec.kind == "string":
        wanted, unwanted = unwanted, wanted
    if not getattr(few_shot, wanted):
        yield SpecProblem(EXAMPLES, Code.MISSING_FIELD, f"few_shot of a {spec.kind} prompt needs '{wanted}'")
    if getattr(few_shot, unwanted) is not None:
        message = f"few_shot of a {spec.kind} prompt cannot have '{unwanted}'"
        yield SpecProblem((*EXAMPLES, unwanted), Code.CONFLICTING_FIELDS, message, f"use '{wanted}'", key=True)
    where = (*EXAMPLES, "insert_at")
    if spec.kind == "string" and isinstance(few_shot.insert_at, int):
        yield SpecProblem(where, Code.FEW_SHOT, "insert_at of a string prompt must be the name of a variable")
    if spec.kind == "chat" and isinstance(few_shot.insert_at, str):
        yield SpecProblem(where, Code.FEW_SHOT, "insert_at of a chat prompt must be an index of 'messages'")
    if isinstance(few_shot.insert_at, int) and not 0 <= few_shot.insert_at <= len(spec.messages or ()):
        yield SpecProblem(where, Code.FEW_SHOT, f"insert_at is not between 0 and {len(spec.messages or ())}")
    if not few_shot.examples and few_shot.examples_asset is None:
        yield SpecProblem(EXAMPLES, Code.FEW_SHOT, "few_shot has no examples", "add some, or remove few_shot")


def _values(spec: PromptSpec) -> Iterator[SpecProblem]:
    """Check defaults, enums and stored values against the declared types."""
    for name, variable in (spec.variables or {}).items():
        where: FieldPath = ("variables", name)
        of_any_value = variable.model_copy(update={"enum": None}) if variable.enum else variable
        for index, allowed in enumerate(variable.enum or ()):
            if problem := value_problem(of_any_value, allowed):
                yield SpecProblem((*where, "enum", index), Code.CONTRACT, f"enum of {name!r}: {problem}")
        if variable.default is not None and (problem := value_problem(variable, variable.default)):
            yield SpecProblem((*where, "default"), Code.CONTRACT, f"default of {name!r}: {problem}")
        if name in spec.partial_variables and (problem := value_problem(variable, spec.partial_variables[name])):
            yield SpecProblem(("partial_variables", name), Code.CONTRACT, f"partial variable {name!r}: {problem}")
    for _, item in placeholders(spec):
        stored = spec.partial_variables.get(item.variable_name, [])
        if problem := value_problem(Variable(type="messages"), stored):
            message = f"partial variable {item.variable_name!r}: {problem}"
            yield SpecProblem(("partial_variables", item.variable_name), Code.CONTRACT, message)


def _contract(spec: PromptSpec, compiled: CompiledTemplates) -> Iterator[SpecProblem]:
    used = used_names(compiled)
    filled = examples_variable(spec)
    if filled is not None:
        if filled not in used:
            message = f"the template does not use {filled!r}, which stands for the examples"
            hint = f"put the variable {filled} where the examples go, or name another variable in insert_at"
            yield SpecProblem(EXAMPLES, Code.FEW_SHOT, message, hint)
        if filled in (spec.variables or {}) or filled in spec.partial_variables:
            yield SpecProblem(EXAMPLES, Code.CONTRACT, f"{filled!r} is filled by few_shot and cannot be declared")
    slots = {item.variable_name: index for index, item in placeholders(spec)}
    mentioned = frozenset[str]().union(*(template.mentions for template in compiled.values()))
    for name, index in slots.items():
        variable = (spec.variables or {}).get(name)
        if variable is not None and variable.type not in (None, "messages"):
            message = f"{name!r} is a placeholder for messages, but declared as {variable.type}"
            yield SpecProblem(("variables", name), Code.CONTRACT, message, "declare it as 'type: messages'", key=True)
        if name in used:
            message = f"{name!r} is both a placeholder and used as text"
            yield SpecProblem(("messages", index), Code.CONTRACT, message, "rename one")
    if spec.variables is not None:
        known = {*spec.variables, *spec.partial_variables, *slots, filled}
        yield from _undeclared(spec, {name: path for name, path in used.items() if name not in known})
    for field, names in (("variables", spec.variables or {}), ("partial_variables", spec.partial_variables)):
        for name in names:
            if name not in used and name not in mentioned and name not in slots:
                message = f"the variable {name!r} is declared but not used"
                yield SpecProblem((field, name), Code.UNUSED_VARIABLE, message, "use it or remove it", key=True)


def _literal_names(
    spec: PromptSpec, texts: Mapping[FieldPath, str], compiled: CompiledTemplates
) -> Iterator[SpecProblem]:
    """Find `{{name}}` in an f-string without variables, which was probably written for another format."""
    if spec.template_format != "f-string" or any(template.variables for template in compiled.values()):
        return
    for path, text in texts.items():
        match = re.search(r"\{\{ *[A-Za-z_]\w* *\}\}", text)
        if match is not None:
            line, column = line_and_column(text, match.start())
            hint = "write {name}, or set 'template_format: mustache' or jinja2"
            message = f"{match[0]} is not a variable in an f-string, but literal text"
            yield SpecProblem(path, Code.LITERAL_NAME, message, hint, line, column)


def _undeclared(spec: PromptSpec, names: Mapping[str, FieldPath]) -> Iterator[SpecProblem]:
    places = _places(spec, dict(islice(names.items(), MAX_LISTED)))
    for number, (name, path) in enumerate(names.items()):
        fragment, line, column = places.get(name, ("", None, None))
        message = f"the variable {name!r} is used but not declared" + (
            f", in the fragment {fragment}" if fragment else ""
        )
        near = nearest(name, spec.variables or ()) if number < MAX_GUESSES else None
        hint = f"did you mean {near!r}?" if near else f"add {name!r} to 'variables'"
        yield SpecProblem(path, Code.UNDECLARED_VARIABLE, message, hint, line, column)


def _places(spec: PromptSpec, names: Mapping[str, FieldPath]) -> dict[str, _Place]:
    """Find names in the templates at their paths, and the other names in fragments."""
    find_names, texts = engine(spec.template_format, spec.undefined).find_names, templates(spec)
    found: dict[str, _Place] = {}
    for path in dict.fromkeys(names.values()):
        inside = find_names(texts[path], [name for name, where in names.items() if where == path])
        found |= {name: ("", *place) for name, place in inside.items()}
    for fragment, text in spec.includes.items():
        if others := names.keys() - found.keys():
            found |= dict.fromkeys(find_names(text, others), (fragment, None, None))
    return found


def example_problems(
    compiled: CompiledTemplates, examples: Iterable[JsonObject], first: int = 0
) -> Iterator[SpecProblem]:
    """Find examples without all the values that their templates need. `first` is the index of the first example."""
    own = [template for path, template in compiled.items() if path[:1] == EXAMPLES]
    needed = {name for template in own for name in template.variables if name not in template.optional}
    for index, example in enumerate(examples, first):
        where = (*EXAMPLES, "examples", index)
        missing = sorted(needed - example.keys())
        if missing:
            yield SpecProblem(where, Code.FEW_SHOT, f"example {index + 1} has no value for {', '.join(missing)}")
            continue
        try:
            for template in own:
                template.render(example)
        except TemplateError as error:
            yield SpecProblem(where, Code.FEW_SHOT, f"example {index + 1} does not render: {error.message}", error.hint)
