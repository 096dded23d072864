"""The fields of a prompt that a file of another tool has no place for."""

from collections.abc import Collection, Iterator

from promptdb.domain.spec import PromptSpec
from promptdb.neighbours.foreign import Loss

_NO_PLACE = "the format has no place for it"
IN_TEXT = frozenset({"variables.default", "variables.required"})
"""The fields that `without_optional` writes as text, and lists."""

_VARIABLE = ("type", "default", "description", "enum")


def unheld(spec: PromptSpec, held: Collection[str] = (), *, kept: bool = False) -> list[Loss]:
    """List what is lost of the fields around the templates.

    Args:
        spec: the prompt.
        held: the fields that the format has, such as `metadata.tags`; `variables.type` is that of each variable.
        kept: the templates are written as they are.
    """
    return [*_fields(spec, held), *_variables(spec, held), *_flattened(spec, kept=kept)]


def _fields(spec: PromptSpec, held: Collection[str]) -> Iterator[Loss]:
    given = [(f"metadata.{name}", value) for name, value in spec.metadata] + [
        ("model", spec.model),
        ("tools", spec.tools),
        ("response_schema", spec.response_schema),
    ]
    for place, value in given:
        if value not in (None, [], {}) and (place not in held or value == ""):
            yield Loss(place, _NO_PLACE)
    for index, asset in enumerate(spec.assets):
        yield Loss(f"assets[{index}]", f"the file {asset.path} is not part of it")


def _variables(spec: PromptSpec, held: Collection[str]) -> Iterator[Loss]:
    if spec.variables is None:
        return
    if "variables" not in held or not spec.variables:
        yield Loss("variables", "the tool takes the variables from the templates")
    for name, variable in spec.variables.items():
        for field in _VARIABLE:
            if getattr(variable, field) is not None and f"variables.{field}" not in held:
                yield Loss(f"variables.{name}.{field}", _NO_PLACE)
        if not variable.required and variable.default is None and "variables.required" not in held:
            yield Loss(f"variables.{name}.required", "the tool needs a value for it")


def _flattened(spec: PromptSpec, *, kept: bool) -> Iterator[Loss]:
    for name in spec.includes:
        reason = "the templates name it, and it stays in a file of its own" if kept else "its text is in the templates"
        yield Loss(f"includes.{name}", reason)
    if kept:
        for name in spec.partial_variables:
            yield Loss(f"partial_variables.{name}", _NO_PLACE)
    if spec.few_shot is not None:
        yield Loss("few_shot", "the examples became text of the prompt")
    if spec.undefined != "strict":
        yield Loss("undefined", _NO_PLACE)
