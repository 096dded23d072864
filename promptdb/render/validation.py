"""What must hold between the fields of a spec: kind and templates, contract and use, examples and their templates."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from promptdb.domain.contract import placeholders, value_problem
from promptdb.domain.field_path import FieldPath
from promptdb.domain.spec import JsonObject, PromptSpec, Variable
from promptdb.errors import IncludeError, TemplateError
from promptdb.problems import Code
from promptdb.render.asset_rules import asset_problems
from promptdb.render.engine import engine
from promptdb.render.prompt import examples_variable
from promptdb.render.templates import EXAMPLES, CompiledTemplates, compile_templates, templates, used_names


@dataclass(frozen=True)
class SpecProblem:
    """`path` leads to the field; `line` and `column` count inside its template, or are None."""

    path: FieldPath
    code: Code
    message: str
    hint: str | None = None
    line: int | None = None
    column: int | None = None
    key: bool = False
    """Whether the key is meant, and not the value."""
    detail: str | None = None
    """Several lines that say more than the message."""


def validate_spec(spec: PromptSpec) -> tuple[list[SpecProblem], CompiledTemplates]:
    """Find everything wrong with a spec whose fields are each well-formed, and compile the templates that can be."""
    texts = dict(templates(spec))
    findings = list(_shape(spec, texts))
    if any(finding.code in (Code.CONFLICTING_FIELDS, Code.MISSING_FIELD) for finding in findings):
        return findings, {}
    compiled, errors = compile_templates(spec)
    for path, error in errors:
        code = Code.INCLUDE if isinstance(error, IncludeError) else Code.TEMPLATE_SYNTAX
        findings.append(SpecProblem(path, code, error.message, error.hint, error.line, error.column))
    findings += _values(spec)
    findings += _stored_messages(spec)
    if not errors:
        findings += _literal_names(spec, texts, compiled)
        findings += _contract(spec, compiled)
        findings += example_problems(compiled, spec.few_shot.examples if spec.few_shot is not None else ())
        findings += [SpecProblem(*found) for found in asset_problems(spec, compiled)]
    return findings, compiled


def _shape(spec: PromptSpec, texts: Mapping[FieldPath, str]) -> Iterator[SpecProblem]:
    if spec.kind == "string":
        if spec.template is None:
            yield SpecProblem((), Code.MISSING_FIELD, "a string prompt needs a 'template'", "add 'template: ...'")
        if spec.messages is not None:
            hint = "remove 'kind: string', or move the text into 'template'"
            yield SpecProblem(
                ("messages",), Code.CONFLICTING_FIELDS, "a string prompt has no 'messages'", hint, key=True
            )
    else:
        if not spec.messages:
            hint = (
                "add at least one message"
                if spec.template is None
                else "or 'role: system', to make the text one message"
            )
            yield SpecProblem((), Code.MISSING_FIELD, "a chat prompt needs 'messages'", hint)
        if spec.template is not None:
            hint = "make the template a message: {role: human, template: ...}"
            yield SpecProblem(
                ("template",), Code.CONFLICTING_FIELDS, "a chat prompt has no 'template' of its own", hint, key=True
            )
    for path, text in texts.items():
        if not text.strip():
            hint = "write the prompt, or name the file in .promptdbignore"
            yield SpecProblem(path, Code.EMPTY_TEMPLATE, "the template is empty", hint)
    if spec.few_shot is not None:
        yield from _few_shot_shape(spec)


def _few_shot_shape(spec: PromptSpec) -> Iterator[SpecProblem]:
    few_shot = spec.few_shot
    assert few_shot is not None  # noqa: S101  the caller looked
    wanted, unwanted = ("chat_messages", "string_template")
    if spec.kind == "string":
        wanted, unwanted = unwanted, wanted
    if not getattr(few_shot, wanted):
        yield SpecProblem(EXAMPLES, Code.MISSING_FIELD, f"few_shot of a {spec.kind} prompt needs '{wanted}'")
    if getattr(few_shot, unwanted) is not None:
        message = f"few_shot of a {spec.kind} prompt has no '{unwanted}'"
        yield SpecProblem((*EXAMPLES, unwanted), Code.CONFLICTING_FIELDS, message, f"use '{wanted}'", key=True)
    where = (*EXAMPLES, "insert_at")
    if spec.kind == "string" and isinstance(few_shot.insert_at, int):
        yield SpecProblem(where, Code.FEW_SHOT, "insert_at of a string prompt is the name of a variable")
    if spec.kind == "chat" and isinstance(few_shot.insert_at, str):
        yield SpecProblem(where, Code.FEW_SHOT, "insert_at of a chat prompt is an index of 'messages'")
    if isinstance(few_shot.insert_at, int) and not 0 <= few_shot.insert_at <= len(spec.messages or ()):
        yield SpecProblem(where, Code.FEW_SHOT, f"insert_at is not between 0 and {len(spec.messages or ())}")
    if not few_shot.examples and few_shot.examples_asset is None:
        yield SpecProblem(EXAMPLES, Code.FEW_SHOT, "few_shot has no examples", "add some, or remove few_shot")


def _values(spec: PromptSpec) -> Iterator[SpecProblem]:
    """Defaults, enums and stored values against the declared types."""
    for name, variable in (spec.variables or {}).items():
        where: FieldPath = ("variables", name)
        for index, allowed in enumerate(variable.enum or ()):
            problem = value_problem(variable.model_copy(update={"enum": None}), allowed)
            if problem:
                yield SpecProblem((*where, "enum", index), Code.CONTRACT, f"enum of {name!r}: {problem}")
        if variable.default is not None and (problem := value_problem(variable, variable.default)):
            yield SpecProblem((*where, "default"), Code.CONTRACT, f"default of {name!r}: {problem}")
        if name in spec.partial_variables and (problem := value_problem(variable, spec.partial_variables[name])):
            yield SpecProblem(("partial_variables", name), Code.CONTRACT, f"partial variable {name!r}: {problem}")


def _stored_messages(spec: PromptSpec) -> Iterator[SpecProblem]:
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
            hint = f"put the variable {filled} where the examples go, or name another one in insert_at"
            yield SpecProblem((*EXAMPLES,), Code.FEW_SHOT, message, hint)
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
            yield SpecProblem(
                ("messages", index), Code.CONTRACT, f"{name!r} is both a placeholder and used as text", "rename one"
            )
    if spec.variables is not None:
        known = {*spec.variables, *spec.partial_variables, *slots, filled}
        for name, path in used.items():
            if name not in known:
                yield _undeclared(spec, path, name)
    for field, names in (("variables", spec.variables or {}), ("partial_variables", spec.partial_variables)):
        for name in names:
            if name not in used and name not in mentioned and name not in slots:
                message = f"the variable {name!r} is declared but not used"
                yield SpecProblem((field, name), Code.UNUSED_VARIABLE, message, "use it or remove it", key=True)


def _literal_names(
    spec: PromptSpec, texts: Mapping[FieldPath, str], compiled: CompiledTemplates
) -> Iterator[SpecProblem]:
    """`{{name}}` means the text {name} in an f-string; a prompt that has only such ones was written for another format."""
    if spec.template_format != "f-string" or any(template.variables for template in compiled.values()):
        return
    for path, text in texts.items():
        match = re.search(r"\{\{ *[A-Za-z_]\w* *\}\}", text)
        if match is not None:
            line, column = text.count("\n", 0, match.start()) + 1, match.start() - text.rfind("\n", 0, match.start())
            hint = "write {name}, or set 'template_format: mustache' or jinja2"
            message = f"{match[0]} is not a variable in an f-string, but literal text"
            yield SpecProblem(path, Code.LITERAL_NAME, message, hint, line, column)


def _undeclared(spec: PromptSpec, path: FieldPath, name: str) -> SpecProblem:
    """At the place where the name stands in the template; where it does not, a fragment uses it."""
    message = f"the variable {name!r} is used but not declared"
    near = get_close_matches(name, spec.variables or (), 1)
    hint = f"did you mean {near[0]!r}?" if near else f"add {name!r} to 'variables'"
    find_name = engine(spec.template_format).find_name
    place = find_name(dict(templates(spec))[path], name)
    if place is None:
        fragment = next((fragment for fragment, text in spec.includes.items() if find_name(text, name)), None)
        message += f", in the fragment {fragment}" if fragment else ""
        return SpecProblem(path, Code.UNDECLARED_VARIABLE, message, hint)
    return SpecProblem(path, Code.UNDECLARED_VARIABLE, message, hint, *place)


def example_problems(
    compiled: CompiledTemplates, examples: Iterable[JsonObject], first: int = 0
) -> Iterator[SpecProblem]:
    """Examples bring all their values themselves.

    Args:
        compiled: the templates of the spec.
        examples: in their order.
        first: the index of the first of them.
    """
    needed = {name for path, template in compiled.items() if path[:1] == EXAMPLES for name in template.variables}
    own = [template for path, template in compiled.items() if path[:1] == EXAMPLES]
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
