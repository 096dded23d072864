"""Writes a spec as the text of a prompt file that reads back to the same digest."""

import json
import re
from typing import Any

import yaml

from promptdb.domain.file_rules import TextDefaults
from promptdb.domain.spec import PromptSpec
from promptdb.domain.suffixes import SUFFIXES, TEXT_FORMATS
from promptdb.errors import ConfigError
from promptdb.files.reading.formats import text_body
from promptdb.files.reading.yaml import reads_as_text


def prompt_file_text(spec: PromptSpec, suffix: str, defaults: TextDefaults | None = None) -> str:
    """Write a spec as an author would, for a place with these defaults.

    Raises:
        ConfigError: files with this suffix cannot hold it.
    """
    if suffix not in SUFFIXES:
        raise ConfigError(
            f"{suffix or 'no suffix'} is not a suffix of prompt files",
            f"use one of {', '.join(sorted(SUFFIXES))}, or .zip or .bundle.json for 'promptdb import'",
        )
    fields = _fields(spec)
    defaults = defaults or TextDefaults()
    if spec.template_format == "jinja2" and defaults.undefined != spec.undefined:
        fields["undefined"] = spec.undefined
    if suffix == ".json":
        return json.dumps(fields, ensure_ascii=False, indent=2) + "\n"
    return _text(fields, suffix, defaults) if suffix in TEXT_FORMATS else _yaml(fields)


def _fields(spec: PromptSpec) -> dict[str, Any]:
    """Return the fields in the order in which people write them."""
    data = spec.model_dump(exclude_defaults=True, exclude={"includes", "assets"})
    fields: dict[str, Any] = {"kind": spec.kind, "template_format": spec.template_format}
    for name in ("undefined", "metadata", "variables", "partial_variables", "template", "messages", "few_shot"):
        if name in data:
            fields[name] = data.pop(name)
    if spec.few_shot is not None and spec.few_shot.examples_asset is not None:
        del fields["few_shot"]["examples"]
    if spec.variables is not None:
        fields["variables"] = {name: v.model_dump(exclude_defaults=True) for name, v in spec.variables.items()}
    fields |= {name: value for name, value in data.items() if name not in fields}
    if spec.assets:
        fields["assets"] = [{"path": asset.path, "kind": asset.kind} for asset in spec.assets]
    return fields


def _text(fields: dict[str, Any], suffix: str, defaults: TextDefaults) -> str:
    body, kind = fields.pop("template", None), fields.pop("kind")
    if kind == "chat":
        messages = fields.get("messages", [])
        if len(messages) != 1 or not isinstance(messages[0].get("template"), str) or len(messages[0]) > 2:
            raise ConfigError(f"a {suffix} file holds one text, and this chat has more", "export it as .yaml")
        [message] = fields.pop("messages")
        fields, body = {"role": message["role"], **fields}, message["template"]
    elif defaults.role is not None:
        fields = {"kind": kind, **fields}
    if not isinstance(body, str) or text_body(body) != body or "\r\n" in f"{body}\n":
        raise ConfigError(f"a {suffix} file cannot keep the line breaks around this text", "export it as .yaml")
    if fields["template_format"] == TEXT_FORMATS[suffix]:
        fields.pop("template_format")
    # At the start of a file, these would be read as a fence or as a byte order mark.
    if fields or body.startswith(("---", "\ufeff")):
        return f"---\n{_yaml(fields)}---\n{body}\n"
    return f"{body}\n"


_OTHER_LINE_BREAK = re.compile("[\r\x85\u2028\u2029]")


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as blocks, and quotes what YAML 1.2 would not read as text."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if _OTHER_LINE_BREAK.search(text) or not reads_as_text(text):
        style: str | None = '"'
    else:
        style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def _yaml(fields: dict[str, Any]) -> str:
    if not fields:
        return ""
    text: str = yaml.dump(fields, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text
