"""What callers see of a prompt, with the names that its templates use."""

from promptdb.domain.changes import ContractChange
from promptdb.domain.compatibility import Interface, contract_changes
from promptdb.domain.contract import contract
from promptdb.domain.spec import PromptSpec
from promptdb.render.prompt import names_for_callers
from promptdb.render.providers.tools import function_of
from promptdb.render.templates import compile_templates

_WITH_SECTIONS = ("mustache",)
"""Formats whose templates may look names up that they do not need."""


def interface(spec: PromptSpec) -> Interface:
    """The contract of a spec: declared, or inferred from its templates. Of a template that does not parse nothing is known."""
    functions = [function for tool in spec.tools if (function := function_of(tool)) is not None]
    tools = {str(function["name"]): function.get("parameters", {}) for function in functions}
    is_declared = spec.variables is not None and spec.template_format not in _WITH_SECTIONS
    if is_declared:  # compiling takes longer than the rest
        return Interface(spec, contract(spec, {}), tools=tools)
    compiled, _ = compile_templates(spec)
    used, mentions = names_for_callers(spec, compiled)
    return Interface(spec, contract(spec, used), mentions, tools)


def changes_between(old: PromptSpec, new: PromptSpec) -> tuple[ContractChange, ...]:
    """What callers of a prompt can notice of a new version, those changes first that break them."""
    return contract_changes(interface(old), interface(new))
