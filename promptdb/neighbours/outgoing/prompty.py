"""Prompty files, v2."""

from typing import Any

from promptdb.domain.spec import PromptSpec, Variable
from promptdb.neighbours.foreign import Loss
from promptdb.neighbours.incoming.prompty import ROLE_LINE
from promptdb.neighbours.outgoing.files import with_front_matter
from promptdb.neighbours.outgoing.flat import fixed_values, verbatim_jinja, without_optional
from promptdb.neighbours.outgoing.headings import body
from promptdb.neighbours.outgoing.origin import Origin
from promptdb.neighbours.outgoing.texts import model_of
from promptdb.neighbours.outgoing.unheld import IN_TEXT, unheld

_ROLES = {"system": "system", "human": "user", "ai": "assistant"}
_HELD = {"metadata.title", "metadata.description", "model"}
_INPUTS = {"variables", "variables.type", "variables.description", "variables.enum"}


def exported(spec: PromptSpec, origin: Origin) -> tuple[str, list[Loss]]:  # noqa: ARG001  like its siblings
    """Write a prompt, in which jinja2 templates stay as they are. A text is a message of the user.

    Raises:
        NotHeld: a template in another language has more than variables, a message more than text, or there is a placeholder.
    """
    variables = dict(spec.variables or {})
    outputs = _outputs(spec.response_schema)
    held = {*_HELD, *_INPUTS, *IN_TEXT, *(["response_schema"] if outputs else [])}
    prompt = verbatim_jinja(spec)
    if prompt is not None:
        losses = unheld(spec, held, kept=True)
    else:
        prompt, losses = without_optional(spec)
        losses += unheld(spec, held)
        variables = {name: one for name, one in variables.items() if name not in fixed_values(spec)}
    name, settings = model_of(spec, losses)
    model = {key: value for key, value in {"id": name, "options": settings}.items() if value}
    fields: dict[str, Any] = {
        "name": spec.metadata.title,
        "description": spec.metadata.description,
        "model": model,
        "inputs": [_input(key, variable) for key, variable in variables.items()],
        "outputs": outputs,
    }
    template = {"format": {"kind": "jinja2"}, "parser": {"kind": "prompty"}}
    given = {key: value for key, value in fields.items() if value not in (None, {}, [])}
    text = body(spec, prompt, losses, "{}:", _ROLES, ROLE_LINE)
    return with_front_matter({**given, "template": template}, text), losses


def _input(name: str, variable: Variable) -> dict[str, Any]:
    fields = {
        "name": name,
        "kind": "thread" if variable.type == "messages" else variable.type,
        "description": variable.description,
        "required": variable.required if variable.default is None else None,
        "default": variable.default,
        "enumValues": variable.enum,
    }
    return {key: value for key, value in fields.items() if value is not None}


def _outputs(schema: Any) -> list[dict[str, Any]]:
    """Write a schema of nothing but properties with a type and a description, or nothing."""
    if not isinstance(schema, dict) or schema.keys() != {"type", "properties"} or schema["type"] != "object":
        return []
    found = []
    for name, item in (schema["properties"] or {}).items():
        kinds = ("string", "number", "integer", "boolean", "array", "object")
        if not isinstance(item, dict) or not {"type"} <= item.keys() <= {"type", "description"}:
            return []
        if item["type"] not in kinds or not isinstance(item.get("description", ""), str):
            return []
        text = {"description": item["description"]} if "description" in item else {}
        found.append({"name": name, "kind": item["type"], **text})
    return found
