"""What must hold between the fields of a spec: kind and templates, contract and use, examples and their templates."""

from collections.abc import Iterator
from dataclasses import dataclass

from promptdb.domain.contract import placeholders, value_problem
from promptdb.domain.problems import Code
from promptdb.domain.spec import PromptSpec
from promptdb.render.prompt import examples_variable
from promptdb.render.templates import EXAMPLES, CompiledTemplates, Path, compile_templates, used_names


@dataclass(frozen=True)
class SpecFinding:
    """`path` leads to the field; `line` and `column` count inside its template, or are None."""

    path: Path
    code: Code
    message: str
    hint: str | None = None
    line: int | None = None
    column: int | None = None
    key: bool = False
    """Whether the key is meant, and not the value."""


def spec_findings(spec: PromptSpec) -> list[SpecFinding]:
    """Everything wrong with a spec whose fields are each well-formed."""
    findings = list(_shape(spec))
    if any(finding.code in (Code.CONFLICTING_FIELDS, Code.MISSING_FIELD) for finding in findings):
        return findings
    compiled, errors = compile_templates(spec)
    for path, error in errors:
        findings.append(SpecFinding(path, Code.TEMPLATE_SYNTAX, error.message, error.hint, error.line, error.column))
    findings += _values(spec)
    if not errors:
        findings += _contract(spec, compiled)
        findings += _examples(spec, compiled)
    return findings


def _shape(spec: PromptSpec) -> Iterator[SpecFinding]:
    if spec.kind == "string":
        if spec.template is None:
            yield SpecFinding((), Code.MISSING_FIELD, "a string prompt needs a 'template'", "add 'template: ...'")
        if spec.messages is not None:
            hint = "remove 'kind: string', or move the text into 'template'"
            yield SpecFinding(
                ("messages",), Code.CONFLICTING_FIELDS, "a string prompt has no 'messages'", hint, key=True
            )
    else:
        if not spec.messages:
            yield SpecFinding((), Code.MISSING_FIELD, "a chat prompt needs 'messages'", "add at least one message")
        if spec.template is not None:
            hint = "make the template a message: {role: human, template: ...}"
            yield SpecFinding(
                ("template",), Code.CONFLICTING_FIELDS, "a chat prompt has no 'template' of its own", hint, key=True
            )
    if spec.template == "":
        hint = "write the prompt, or name the file in .promptdbignore"
        yield SpecFinding(("template",), Code.EMPTY_TEMPLATE, "the template is empty", hint)
    if spec.few_shot is not None:
        yield from _few_shot_shape(spec)


def _few_shot_shape(spec: PromptSpec) -> Iterator[SpecFinding]:
    few_shot = spec.few_shot
    assert few_shot is not None  # noqa: S101  the caller looked
    wanted, unwanted = ("chat_messages", "string_template")
    if spec.kind == "string":
        wanted, unwanted = unwanted, wanted
    if not getattr(few_shot, wanted):
        yield SpecFinding(EXAMPLES, Code.MISSING_FIELD, f"few_shot of a {spec.kind} prompt needs '{wanted}'")
    if getattr(few_shot, unwanted) is not None:
        message = f"few_shot of a {spec.kind} prompt has no '{unwanted}'"
        yield SpecFinding((*EXAMPLES, unwanted), Code.CONFLICTING_FIELDS, message, f"use '{wanted}'", key=True)
    where = (*EXAMPLES, "insert_at")
    if spec.kind == "string" and isinstance(few_shot.insert_at, int):
        yield SpecFinding(where, Code.FEW_SHOT, "insert_at of a string prompt is the name of a variable")
    if spec.kind == "chat" and isinstance(few_shot.insert_at, str):
        yield SpecFinding(where, Code.FEW_SHOT, "insert_at of a chat prompt is an index of 'messages'")
    if isinstance(few_shot.insert_at, int) and not 0 <= few_shot.insert_at <= len(spec.messages or ()):
        yield SpecFinding(where, Code.FEW_SHOT, f"insert_at is not between 0 and {len(spec.messages or ())}")
    if not few_shot.examples:
        yield SpecFinding(EXAMPLES, Code.FEW_SHOT, "few_shot has no examples", "add some, or remove few_shot")


def _values(spec: PromptSpec) -> Iterator[SpecFinding]:
    """Defaults, enums and stored values against the declared types."""
    for name, variable in (spec.variables or {}).items():
        where: Path = ("variables", name)
        for index, allowed in enumerate(variable.enum or ()):
            problem = value_problem(variable.model_copy(update={"enum": None}), allowed)
            if problem:
                yield SpecFinding((*where, "enum", index), Code.CONTRACT, f"enum of {name!r}: {problem}")
        if variable.default is not None and (problem := value_problem(variable, variable.default)):
            yield SpecFinding((*where, "default"), Code.CONTRACT, f"default of {name!r}: {problem}")
        if name in spec.partial_variables and (problem := value_problem(variable, spec.partial_variables[name])):
            yield SpecFinding(("partial_variables", name), Code.CONTRACT, f"partial variable {name!r}: {problem}")


def _contract(spec: PromptSpec, compiled: CompiledTemplates) -> Iterator[SpecFinding]:
    used = used_names(compiled)
    filled = examples_variable(spec)
    if filled is not None:
        if filled not in used:
            message = f"the template does not use {filled!r}, which stands for the examples"
            hint = f"put the variable {filled} where the examples go, or name another one in insert_at"
            yield SpecFinding((*EXAMPLES,), Code.FEW_SHOT, message, hint)
        if filled in (spec.variables or {}) or filled in spec.partial_variables:
            yield SpecFinding(EXAMPLES, Code.CONTRACT, f"{filled!r} is filled by few_shot and cannot be declared")
    slots = {item.variable_name: index for index, item in placeholders(spec)}
    mentioned = frozenset[str]().union(*(template.mentions for template in compiled.values()))
    for name, index in slots.items():
        variable = (spec.variables or {}).get(name)
        if variable is not None and variable.type not in (None, "messages"):
            message = f"{name!r} is a placeholder for messages, but declared as {variable.type}"
            yield SpecFinding(("variables", name), Code.CONTRACT, message, "declare it as 'type: messages'", key=True)
        if name in used:
            yield SpecFinding(
                ("messages", index), Code.CONTRACT, f"{name!r} is both a placeholder and used as text", "rename one"
            )
    if spec.variables is not None:
        known = {*spec.variables, *spec.partial_variables, *slots, filled}
        for name, path in used.items():
            if name not in known:
                message = f"the variable {name!r} is used but not declared"
                yield SpecFinding(path, Code.UNDECLARED_VARIABLE, message, f"add '{name}' to 'variables'")
    for field, names in (("variables", spec.variables or {}), ("partial_variables", spec.partial_variables)):
        for name in names:
            if name not in used and name not in mentioned and name not in slots:
                message = f"the variable {name!r} is declared but not used"
                yield SpecFinding((field, name), Code.UNUSED_VARIABLE, message, "use it or remove it", key=True)


def _examples(spec: PromptSpec, compiled: CompiledTemplates) -> Iterator[SpecFinding]:
    """Examples bring all their values themselves."""
    if spec.few_shot is None:
        return
    needed = {name for path, template in compiled.items() if path[:1] == EXAMPLES for name in template.variables}
    for index, example in enumerate(spec.few_shot.examples):
        missing = sorted(needed - example.keys())
        if missing:
            where = (*EXAMPLES, "examples", index)
            yield SpecFinding(where, Code.FEW_SHOT, f"example {index + 1} has no value for {', '.join(missing)}")
