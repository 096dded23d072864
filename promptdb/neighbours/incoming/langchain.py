"""Prompts of LangChain: the JSON of `dumpd`, and the older files with `_type`. They are data here, and no class is loaded."""

import re
from typing import Any

from promptdb.neighbours.foreign import Fields, ForeignPrompt, NotHeld, compact
from promptdb.neighbours.reading import data_in

SUFFIXES = (".json", ".yaml", ".yml")

_ROLES = {
    "SystemMessagePromptTemplate": "system",
    "HumanMessagePromptTemplate": "human",
    "AIMessagePromptTemplate": "ai",
    "SystemMessage": "system",
    "HumanMessage": "human",
    "AIMessage": "ai",
}
_IGNORED = ("input_variables", "input_types", "validate_template", "type", "optional_variables")
"""Arguments that follow from the others, or say nothing about the prompt."""

_TYPES = ("constructor", "not_implemented")
_ESCAPED = "__lc_escaped__"

_EXAMPLES = "examples"

_ESCAPING = re.compile(r"(?<!\{)\{\{(?![{#^/!>&=])")


def read(data: bytes) -> list[ForeignPrompt]:
    """Read one prompt."""
    found = data_in(data)
    if isinstance(found, dict) and found.get("lc") == 1:
        found = _unescaped(found)
        return [_of_constructor(found)]
    if isinstance(found, dict) and ("_type" in found or "input_variables" in found):
        return [_of_type(found)]
    raise NotHeld("it has neither lc: 1, as dumpd writes it, nor _type or input_variables")


def read_manifest(data: bytes) -> list[ForeignPrompt]:
    """Read a commit of LangSmith, which holds a manifest, or the manifest alone."""
    found = _unescaped(data_in(data))
    if isinstance(found, dict) and found.get("lc") == 1:
        found = {"manifest": found}
    if not isinstance(found, dict) or not isinstance(found.get("manifest"), dict):
        raise NotHeld("it has no manifest")
    rest = Fields({name: value for name, value in found.items() if name != "manifest"})
    name = rest.text("repo")
    rest.drop("owner", "commit_hash")
    rest.drop_empty()
    made = _of_manifest(found["manifest"])
    description = rest.text("description")
    fields = {**compact(metadata=compact(description=description)), **made.fields}
    return [ForeignPrompt(name, fields, (*made.losses, *rest.rest()))]


def _of_manifest(manifest: dict[str, Any]) -> ForeignPrompt:
    """Read a prompt. With its model it is the first step of a sequence."""
    if not isinstance(path := manifest.get("id"), list) or path[-1:] != ["RunnableSequence"]:
        return _of_constructor(manifest)
    _, found = _class_of(manifest, "manifest")
    made = _of_constructor(found.take("first", dict))
    found.drop_empty()
    return ForeignPrompt(None, made.fields, (*made.losses, *found.rest("only the first step is a prompt")))


def _unescaped(value: Any) -> Any:
    """Undo what `dumpd` does with a user's own dictionary, once: the inside is as the user wrote it."""
    if isinstance(value, dict):
        if value.keys() == {_ESCAPED}:
            return value[_ESCAPED]
        return {key: _unescaped(item) for key, item in value.items()}
    return [_unescaped(item) for item in value] if isinstance(value, list) else value


def _class_of(item: Any, place: str) -> tuple[str, Fields]:
    """Return the name of the class in a constructor and its arguments."""
    path = item.get("id") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(path, list) or not path or item.get("type") not in _TYPES:
        raise NotHeld(f"{place or 'the top'} is not a constructor of LangChain")
    if item.get("type") == "not_implemented":
        raise NotHeld(f"{place or 'the top'}: LangChain writes no {path[-1]!s:.60} to JSON")
    return str(path[-1]), Fields(item.get("kwargs"), f"{place}.kwargs" if place else "kwargs")


def _of_constructor(item: Any) -> ForeignPrompt:
    name, found = _class_of(item, "")
    found.drop(*_IGNORED)
    found.drop_empty()
    partial = compact(partial_variables=found.take("partial_variables", dict))
    match name:
        case "PromptTemplate":
            fields = _text(found)
            _lose_escapes(fields["template_format"], fields["template"], found)
        case "FewShotPromptTemplate":
            fields = _few_shot(found, lambda value: _class_of(value, "example_prompt")[1])
        case "ChatPromptTemplate" | "StructuredPrompt":
            schema = found.take("schema_", dict)
            fields = {**_chat(found), **compact(response_schema=schema)}
            # LangChain gives an optional placeholder no messages by default, as promptdb does.
            optional = {one.get("variable_name") for one in fields["messages"] if one.get("optional")}
            given = partial.get("partial_variables", {}).items()
            partial = compact(partial_variables={key: one for key, one in given if one != [] or key not in optional})
        case _:
            raise NotHeld(f"promptdb does not read {name}")
    return ForeignPrompt(None, {**fields, **partial}, found.rest())


def _lose_escapes(template_format: str, content: object, found: Fields) -> None:
    """LangChain writes `&amp;` for `&` in a value, and promptdb never changes one."""
    if template_format == "mustache" and _ESCAPING.search(str(content)):
        found.lose("template_format", "LangChain escapes HTML in the values of {{name}}, and promptdb does not")


def _text(found: Fields) -> dict[str, Any]:
    template = found.text("template")
    if template is None:
        raise NotHeld("template: there is no text")
    return {"template_format": found.text("template_format") or "f-string", "template": template}


def _few_shot(found: Fields, arguments_of: Any) -> dict[str, Any]:
    examples = found.take("examples", list)
    if not examples:
        raise NotHeld("examples: there is no list of examples, and a selector chooses them at run time")
    example = arguments_of(found.take("example_prompt", dict))
    separator = found.text("example_separator")
    separator = "\n\n" if separator is None else separator
    prefix, suffix = found.text("prefix") or "", found.text("suffix") or ""
    variable = _EXAMPLES
    while variable in prefix + suffix:
        variable += "_"
    mark = {"jinja2": "{{ %s }}", "mustache": "{{{%s}}}"}.get(
        template_format := found.text("template_format") or "f-string"
    )
    inserted = (mark or "{%s}") % variable
    return {
        "template_format": template_format,
        "template": separator.join(part for part in (prefix, inserted, suffix) if part),
        "few_shot": {
            "examples": examples,
            "string_template": _text(example)["template"],
            "insert_at": variable,
            "example_separator": separator,
        },
    }


def _chat(found: Fields) -> dict[str, Any]:
    messages: list[dict[str, Any]] = []
    formats: set[str] = set()
    for at, item in enumerate(found.take("messages", list) or []):
        messages += _message(item, f"messages[{at}]", found, formats)
    if not messages:
        raise NotHeld("messages: there are none")
    if len(formats) > 1:
        raise NotHeld(f"messages: a prompt file has one template format, and these have {', '.join(sorted(formats))}")
    template_format = formats.pop() if formats else found.text("template_format") or "f-string"
    found.drop("template_format")
    _lose_escapes(template_format, messages, found)
    for message in messages:
        # Text of a message is not a template.
        if (fixed := message.pop("fixed", None)) is not None:
            message["template"] = _literal(fixed, template_format)
    return {"template_format": template_format, "messages": messages}


def _message(item: Any, place: str, losses: Fields, formats: set[str]) -> list[dict[str, Any]]:
    name, found = _class_of(item, place)
    found.drop(*_IGNORED)
    found.drop_empty()
    if name == "MessagesPlaceholder":
        variable, optional = found.text("variable_name"), found.take("optional", bool)
        made = {"variable_name": variable or "", **({"optional": True} if optional else {})}
    elif name in ("SystemMessage", "HumanMessage", "AIMessage"):
        made = {"role": _ROLES[name], "fixed": _fixed(found.take("content", (str, list)), place)}
    elif name in _ROLES or name == "ChatMessagePromptTemplate":
        role = {"role": _ROLES[name]} if name in _ROLES else {"role": "generic", "role_name": found.text("role") or ""}
        prompt, inside = found.take("prompt", (dict, list)), f"{place}.kwargs.prompt"
        if isinstance(prompt, list):
            parts = [_part(part, f"{inside}[{at}]", losses, formats) for at, part in enumerate(prompt)]
            made = {**role, "template": parts}
        else:
            made = {**role, "template": _part(prompt, inside, losses, formats)["text"]}
    else:
        raise NotHeld(f"{place}: promptdb does not read {name}")
    made |= compact(name=found.text("name"), additional_kwargs=found.take("additional_kwargs", dict))
    losses.losses += found.rest()
    return [made]


def _part(item: Any, place: str, losses: Fields, formats: set[str]) -> dict[str, Any]:
    """Read a template in a message as a content part."""
    name, found = _class_of(item, place)
    found.drop(*_IGNORED)
    found.drop_empty()
    made: dict[str, Any]
    if name == "PromptTemplate":
        made = {"type": "text", "text": found.text("template") or ""}
    elif name == "ImagePromptTemplate":
        made = {"type": "image_url", "image_url": found.take("template", dict) or {}}
    elif name == "DictPromptTemplate":
        made = found.take("template", dict) or {}
    else:
        raise NotHeld(f"{place}: promptdb does not read {name} in a message")
    if partial := found.take("partial_variables", dict):
        found.lose("partial_variables", f"write them below partial_variables of the prompt: {', '.join(partial)}")
    formats.add(found.text("template_format") or "f-string")
    losses.losses += found.rest()
    return made


def _fixed(content: Any, place: str) -> str | list[dict[str, Any]]:
    """Return the content of a message without a template: text, or content parts."""
    if content is None or isinstance(content, str):
        return content or ""
    parts = [{"type": "text", "text": part} if isinstance(part, str) else part for part in content]
    if not parts or not all(isinstance(part, dict) for part in parts):
        raise NotHeld(f"{place}.kwargs.content: these are not content parts")
    return parts


def _literal(value: Any, template_format: str) -> Any:
    """Write text that a template gives back as it is, and the texts of content parts in this way."""
    if isinstance(value, dict):
        return {key: one if key == "type" else _literal(one, template_format) for key, one in value.items()}
    if isinstance(value, list):
        return [_literal(one, template_format) for one in value]
    if not isinstance(value, str):
        return value
    if template_format == "f-string":
        return value.replace("{", "{{").replace("}", "}}")
    if "{{" in value or "{%" in value or "{#" in value:
        raise NotHeld("a message without a template has signs of the template format of the others")
    return value


def _of_type(data: dict[str, Any]) -> ForeignPrompt:
    found = Fields(data)
    # As `load_prompt` of LangChain takes it.
    kind = found.text("_type") or "prompt"
    found.drop(*_IGNORED)
    if kind == "chat":
        # `load_prompt` too reads the template of the first message alone.
        messages = found.take("messages", list) or [None]
        if messages[1:]:
            found.lose("messages", "load_prompt reads the first one alone")
        first = Fields(Fields(messages[0], "messages[0]").take("prompt", dict), "messages[0].prompt")
        first.drop("_type", *_IGNORED)
        fields = {"template_format": "f-string", "messages": [{"role": "human", "template": _text(first)["template"]}]}
        return ForeignPrompt(None, fields, (*first.rest(), *found.rest()))
    partial = compact(partial_variables=found.take("partial_variables", dict))
    parser = found.take("output_parser", dict)
    if parser is not None:
        found.lose("output_parser", "it is code of LangChain")
    if found.text("template_path") is not None:
        raise NotHeld("template_path: put the text of that file into template first")
    if kind == "prompt":
        fields = _text(found)
    elif kind == "few_shot":
        fields = _few_shot(found, lambda value: Fields(value, "example_prompt"))
    else:
        raise NotHeld(f"_type: promptdb does not read {kind!r:.60}")
    found.drop_empty()
    return ForeignPrompt(None, {**fields, **partial}, found.rest())
