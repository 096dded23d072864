"""Dotprompt files: front matter, and a Handlebars template with markers for roles."""

import re
from collections.abc import Mapping
from typing import Any

from promptdb.neighbours.foreign import Fields, ForeignPrompt, Loss, NotHeld, compact
from promptdb.neighbours.incoming.picoschema import json_schema
from promptdb.neighbours.reading import front_matter_in

SUFFIXES = (".prompt",)

_TAG = re.compile(r"(?P<raw>\{)?\{\{([^{}]*)\}\}(?(raw)\})")
"""A brace after a tag is text, unless there is one before it too."""
_MARKER = re.compile(r"<<<dotprompt:(?:role:(system|user|model)|(history))>>>")
"""The form in which dotprompt itself writes roles and history between two steps. Some files have it."""
_NAME = re.compile(r"(?:this\.)?([A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*)")
_ROLE = re.compile(r"""role\s+["'](system|user|model|assistant)["']""")
_MEDIA = re.compile(r"""media\s+url=(?:([A-Za-z_][\w.-]*)|"([^"{}]+)")""")
_ROLES = {"system": "system", "user": "human", "model": "ai", "assistant": "ai"}
_TYPES = frozenset({"string", "integer", "number", "boolean", "array", "object"})


def read(data: bytes) -> list[ForeignPrompt]:
    """Read one prompt. Its blocks become sections of mustache, where both mean the same."""
    parts = front_matter_in(data)
    found = Fields(parts.fields)
    body = _Body(parts.body)
    given = found.take("input", dict) or {}
    found.losses += [*Fields({key: value for key, value in given.items() if key not in ("schema", "default")}).rest()]
    output = Fields(found.take("output", dict) or {}, "output")
    schema = output.take("schema", object)
    form = output.text("format")
    if form not in (None, "text") and not (form == "json" and schema is not None):
        output.lose("format", "write a response_schema" if form == "json" else "promptdb has no field for it")
    found.losses += output.rest()
    metadata = found.take("metadata", dict)
    if metadata is not None:
        found.lose("metadata", "promptdb has no field for it")
    tools = found.take("tools", list)
    if tools is not None:
        found.lose("tools", "they are names of functions of the application")
    variables = _variables(given, found)
    found.losses += body.sections_lost(variables)
    fields = compact(
        template_format="mustache",
        metadata=compact(title=found.text("name"), description=found.text("description")),
        variables=variables,
        **body.fields,
        model={**compact(name=found.text("model")), **(found.take("config", dict) or {})},
        response_schema=json_schema(schema, "output.schema") if schema is not None else None,
    )
    return [ForeignPrompt(None, fields, found.rest())]


def _variables(given: Mapping[str, Any], found: Fields) -> dict[str, Any]:
    schema, defaults = given.get("schema"), given.get("default")
    if defaults is not None and not isinstance(defaults, dict):
        found.lose("input.default", "it names no variables")
    defaults = defaults if isinstance(defaults, dict) else {}
    # The template may use names that the schema lacks.
    made: dict[str, dict[str, Any]] = {str(name): {"default": value} for name, value in defaults.items()}
    if schema is None:
        return made
    wanted = json_schema(schema, "input.schema")
    properties = wanted.get("properties")
    if not isinstance(properties, dict):
        raise NotHeld("input.schema: it names no variables")
    required = wanted.get("required")
    required = required if isinstance(required, list) else []
    for name, one in properties.items():
        item = Fields(one if isinstance(one, dict) else {}, f"input.schema.{name}")
        kind = item.take("type", object)
        if kind is not None and (not isinstance(kind, str) or kind not in _TYPES):
            item.lose("type", "it is not a type of promptdb")
            kind = None
        variable = compact(type=kind, description=item.text("description"), enum=item.take("enum", list))
        default = item.take("default", object)
        if name in defaults or default is not None:
            variable["default"] = defaults.get(name, default)
        elif name not in required:
            variable["required"] = False
        found.losses += item.rest("a variable has no such rule")
        made[str(name)] = variable
    return made


class _Body:
    """The messages of a Handlebars template, in mustache."""

    def __init__(self, text: str) -> None:
        if "\\{{" in text:
            raise NotHeld("promptdb has no form for \\{{, which writes braces as text")
        text = _MARKER.sub(lambda marker: "{{history}}" if marker[2] else f'{{{{role "{marker[1]}"}}}}', text)
        self._open: list[tuple[str, str]] = []
        self._sections: dict[str, set[str]] = {"if": set(), "each": set()}
        self._in_lists, self._outside = set[str](), set[str]()
        self._messages: list[dict[str, Any]] = [{"role": "human", "template": ""}]
        end = 0
        for tag in _TAG.finditer(text):
            self._add(text[end : tag.start()])
            self._take(tag[2].strip(), is_raw=tag["raw"] is not None)
            end = tag.end()
        self._add(text[end:])
        if self._open:
            raise NotHeld(f"the block {self._open[-1][1]} is not closed")

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of a prompt file: a text if there is no marker for a role."""
        written = [
            {**one, **_trimmed(one)}
            for one in map(_with_parts, self._messages)
            if "template" not in one or isinstance(one["template"], list) or one["template"].strip()
        ]
        if not written:
            raise NotHeld("there is no template")
        is_text = len(self._messages) == 1 and isinstance(written[0]["template"], str)
        return {"template": written[0]["template"]} if is_text else {"messages": written}

    def sections_lost(self, variables: Mapping[str, dict[str, Any]]) -> list[Loss]:
        """Compare each section of mustache with the block of which it was made, for the declared variables.

        A section repeats its text for each item of a list, and takes names from an object. A name that an item lacks is
        looked up around the list.

        Raises:
            NotHeld: one does something else for certain.
        """
        types = {name: one.get("type") for name, one in variables.items()}
        losses = []
        for name in sorted(self._sections["if"]):
            if name in self._sections["each"] or types.get(name) in ("array", "object"):
                raise NotHeld(
                    f"{{{{#if {name}}}}} asks for a list or an object, and a section of mustache goes into it: "
                    "ask for a boolean"
                )
            if types.get(name) is None and "enum" not in variables.get(name, {}):
                reason = (
                    "a section of mustache repeats its text for a list, and takes names from an object: pass neither"
                )
                losses.append(Loss(f"{{{{#if {name}}}}}", reason))
        for name in sorted(self._sections["each"]):
            if types.get(name) == "object":
                raise NotHeld(
                    f"{{{{#each {name}}}}} is of an object, and a section of mustache does not repeat for its fields"
                )
        if both := sorted(self._in_lists & (self._outside | variables.keys())):
            raise NotHeld(
                f"{{{{{both[0]}}}}} in a list is a field of an item, and there is a variable of this name too"
            )
        return losses

    def _add(self, text: str) -> None:
        if "template" in self._messages[-1] or text.strip():
            self._spoken()["template"] += text

    def _spoken(self) -> dict[str, Any]:
        """Return the message that goes on. The user says what follows the history, unless a marker says otherwise."""
        if "template" not in self._messages[-1]:
            self._messages.append({"role": "human", "template": ""})
        return self._messages[-1]

    def _take(self, tag: str, *, is_raw: bool) -> None:
        if tag.startswith("!"):
            return
        if role := _ROLE.fullmatch(tag):
            self._require_outside(tag)
            self._messages.append({"role": _ROLES[role[1]], "template": ""})
        elif media := _MEDIA.fullmatch(tag):
            self._require_outside(tag)
            message = self._spoken()
            url = f"{{{{{media[1]}}}}}" if media[1] else media[2]
            message.setdefault("parts", []).append((len(message["template"]), url))
        elif tag == "history":
            self._require_outside(tag)
            self._messages.append({"variable_name": "history", "optional": True})
        elif tag.startswith("#"):
            self._open_block(tag)
        elif tag.startswith("/"):
            self._close_block(tag)
        elif tag in ("else", "^"):
            self._turn(tag)
        elif tag == "this" and self._is_in_list:
            self._add("{{.}}")
        elif name := _NAME.fullmatch(tag):
            if tag.startswith("this.") and not self._is_in_list:
                raise NotHeld(f"promptdb has no form for {{{{{tag}}}}}")
            self._note(name[1])
            self._add(f"{{{{{{{name[1]}}}}}}}" if is_raw else f"{{{{{name[1]}}}}}")
        else:
            raise NotHeld(f"promptdb has no form for {{{{{tag}}}}}")

    def _note(self, name: str) -> None:
        (self._in_lists if self._is_in_list else self._outside).add(name.partition(".")[0])

    @property
    def _is_in_list(self) -> bool:
        return any(kind == "each" for kind, _ in self._open)

    def _require_outside(self, tag: str) -> None:
        if self._open:
            raise NotHeld(f"{{{{{tag}}}}} is in a block, and a prompt file has a fixed list of messages")

    def _open_block(self, tag: str) -> None:
        kind, _, argument = tag[1:].partition(" ")
        name = _NAME.fullmatch(argument.strip())
        if kind not in ("if", "unless", "each") or name is None:
            raise NotHeld(f"promptdb has no form for {{{{{tag}}}}}")
        self._note(name[1])
        self._open.append((kind, name[1]))
        if kind != "unless":
            self._sections[kind].add(name[1])
        self._add(f"{{{{^{name[1]}}}}}" if kind == "unless" else f"{{{{#{name[1]}}}}}")

    def _close_block(self, tag: str) -> None:
        if not self._open or self._open[-1][0] != tag[1:].strip():
            raise NotHeld(f"{{{{{tag}}}}} closes no block")
        self._add(f"{{{{/{self._open.pop()[1]}}}}}")

    def _turn(self, tag: str) -> None:
        if not self._open:
            raise NotHeld(f"{{{{{tag}}}}} is in no block")
        kind, name = self._open[-1]
        if kind == "unless":
            self._sections["if"].add(name)
        self._add(f"{{{{/{name}}}}}{{{{{'#' if kind == 'unless' else '^'}{name}}}}}")


def _with_parts(message: dict[str, Any]) -> dict[str, Any]:
    """Make content parts of a message with media: the text between them, and the address of each."""
    if "parts" not in message:
        return message
    text, content, end = message["template"], [], 0
    for at, url in [*message["parts"], (len(text), None)]:
        if text[end:at].strip():
            content.append({"type": "text", "text": text[end:at].strip("\n")})
        if url is not None:
            content.append({"type": "image_url", "image_url": {"url": url}})
        end = at
    return {"role": message["role"], "template": content}


def _trimmed(message: dict[str, Any]) -> dict[str, Any]:
    return {"template": message["template"].strip("\n")} if isinstance(message.get("template"), str) else {}
