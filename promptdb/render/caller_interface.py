"""The interface of a prompt for its callers, with the names that its templates use."""

from promptdb.domain.changes import ContractChange
from promptdb.domain.compatibility import Interface, contract_changes
from promptdb.domain.contract import contract
from promptdb.domain.spec import PromptSpec
from promptdb.render.compiled import names_for_callers
from promptdb.render.providers.parts import function_of
from promptdb.render.templates import compile_templates


def interface(spec: PromptSpec) -> Interface:
    """Return the declared contract of a spec, or infer it from the templates that parse."""
    functions = [function for tool in spec.tools if (function := function_of(tool)) is not None]
    tools = {str(function["name"]): function.get("parameters", {}) for function in functions}
    # Compiling takes longer than the rest. A declared contract needs it only for the names in mustache sections.
    if spec.variables is not None and spec.template_format != "mustache":
        return Interface(spec, contract(spec, {}), tools=tools)
    compiled, _ = compile_templates(spec)
    found = names_for_callers(spec, compiled)
    return Interface(spec, contract(spec, found.used, found.optional), found.mentions, tools)


def changes_between(old: PromptSpec, new: PromptSpec) -> tuple[ContractChange, ...]:
    """Compare two versions as callers see them, breaking changes first."""
    return contract_changes(interface(old), interface(new))
