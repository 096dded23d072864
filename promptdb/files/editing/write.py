"""Writes a spec as the text of a prompt file that reads back to the same digest."""

import json
from typing import Any

import yaml

from promptdb.domain.file_rules import TextDefaults
from promptdb.domain.spec import PromptSpec
from promptdb.domain.suffixes import SUFFIXES, TEXT_FORMATS
from promptdb.errors import ConfigError
from promptdb.files.editing.canonical import canonical_text
from promptdb.files.editing.yaml_text import UNPRINTABLE, block_hints, fits_block, quoted, quoted_lines, why_quoted
from promptdb.files.reading.formats import text_body
from promptdb.files.reading.yaml import reads_as_text

_NO_WIDTH = 10**9


def prompt_file_text(spec: PromptSpec, suffix: str, defaults: TextDefaults | None = None) -> str:
    """Write a spec as an author would, in canonical form, for a place with these defaults.

    Raises:
        ConfigError: files with this suffix cannot hold it.
    """
    if suffix not in SUFFIXES:
        raise ConfigError(
            f"{suffix or 'no suffix'} is not a suffix of prompt files",
            f"use one of {', '.join(sorted(SUFFIXES))}, or .zip or .bundle.json for 'promptdb import'",
        )
    fields = fields_of(spec)
    defaults = defaults or TextDefaults()
    if spec.template_format == "jinja2" and defaults.undefined != spec.undefined:
        fields["undefined"] = spec.undefined
    if suffix == ".json":
        return canonical_text(suffix, json.dumps(fields, ensure_ascii=False))
    return canonical_text(suffix, _text(fields, suffix, defaults) if suffix in TEXT_FORMATS else yaml_text(fields))


def fields_of(spec: PromptSpec) -> dict[str, Any]:
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
        return f"---\n{yaml_text(fields)}---\n{body}\n"
    return f"{body}\n"


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as blocks, never wraps a line, and quotes what YAML 1.2 would not read as text."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True

    # PyYAML refuses blocks with a space at the end of a line, or a tab. YAML has no such limit.
    def analyze_scalar(self, scalar: str) -> Any:
        analysis = super().analyze_scalar(scalar)
        analysis.allow_block = True
        return analysis

    def choose_scalar_style(self) -> str:
        style: str = super().choose_scalar_style()
        # Single quotes double the ones in a text.
        return (
            "|" if style == "'" and "'" in getattr(self.event, "value", "") and not self.simple_key_context else style
        )

    def determine_block_hints(self, text: str) -> str:
        return block_hints(text, self.best_indent)

    def write_double_quoted(self, text: str, split: bool = True) -> None:  # noqa: FBT001, FBT002
        lines = quoted_lines(text) if split and UNPRINTABLE.search(text) else [quoted(text)]
        if len(lines) > 1:
            self.write_indicator(f"# {why_quoted(text)}", need_whitespace=True)
            self.write_indent()
        self.write_indicator('"', need_whitespace=True)
        for number, line in enumerate(lines):
            if number:
                self.write_indent()
            self.write_indicator(line, need_whitespace=False)
        self.write_indicator('"', need_whitespace=False)


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    has_lines = "\n" in text or "\t" in text
    is_block = has_lines and fits_block(text)
    style = "|" if is_block else '"' if has_lines or UNPRINTABLE.search(text) or not reads_as_text(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def yaml_text(fields: dict[str, Any]) -> str:
    """Write fields as YAML that keeps the lines of every text."""
    if not fields:
        return ""
    text: str = yaml.dump(fields, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_NO_WIDTH)
    return text
