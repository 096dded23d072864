"""The data of one prompt file, and the way from a path in the data back to file, line and column."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import yaml

from promptdb.domain.field_path import FieldPath
from promptdb.domain.prompt_id import PromptId
from promptdb.files.reading.json_nodes import compose_json
from promptdb.files.reading.yaml import compose, node_at
from promptdb.problems import MAX_LISTED, WARNINGS, Code, Problem


@dataclass
class Body:
    """A template that is the plain text of a file, from `first_line` on."""

    file: str
    first_line: int = 1


@dataclass
class Document:
    """A prompt file. `text` is its YAML or JSON part, which starts at `first_line`. `prompt` is its name, if it has one.

    `bodies` are templates in plain text. `moved` maps paths in the data to the paths of the shorthands that authors wrote.
    """

    path: str
    data: dict[str, Any]
    text: str = ""
    first_line: int = 1
    is_json: bool = False
    prompt: PromptId | None = None
    bodies: dict[FieldPath, Body] = field(default_factory=dict)
    moved: Mapping[FieldPath, FieldPath] = field(default_factory=dict)
    _located: dict[bool, int] = field(default_factory=dict)
    _lines: dict[int, list[str]] = field(default_factory=dict)

    def problem(
        self,
        path: FieldPath,
        code: Code,
        message: str,
        hint: str | None = None,
        *,
        key: bool = False,
        detail: str | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> Problem:
        """Locate a problem at the value under `path`, or with `key` at the key that leads to it.

        In a template, `line` and `column` count from 1. Problems that will not be listed, because there are too many, get no
        place of their own: to find one takes long.
        """
        is_warning = code in WARNINGS
        self._located[is_warning] = self._located.get(is_warning, 0) + 1
        if self._located[is_warning] > MAX_LISTED:
            return Problem(self.path, self.first_line, 1, code, message, hint, detail)
        if path in self.bodies:
            body = self.bodies[path]
            return Problem(body.file, body.first_line + (line or 1) - 1, column or 1, code, message, hint, detail)
        node = node_at(self._nodes, self.moved.get(path, path), key=key)
        row, start = (node.start_mark.line, node.start_mark.column + 1) if node is not None else (0, 1)
        if line is not None and isinstance(node, yaml.ScalarNode):
            lines, template_lines = self._lines_of(self.text), self._lines_of(str(node.value))
            # Only a literal block has the lines of its text one by one, each behind the same indentation.
            if node.style != "|":
                message += f" (line {line} of the text)" if len(template_lines) > 1 else ""
            elif row + line < len(lines) and line <= len(template_lines):
                row += line
                start = len(lines[row]) - len(template_lines[line - 1]) + (column or 1)
        return Problem(self.path, row + self.first_line, start, code, message, hint, detail)

    def _lines_of(self, text: str) -> list[str]:
        # A long text may have many problems.
        if id(text) not in self._lines:
            self._lines[id(text)] = text.split("\n")
        return self._lines[id(text)]

    # Built only for the rare file with a problem, and therefore not kept from reading.
    @cached_property
    def _nodes(self) -> yaml.Node | None:
        return compose_json(self.text) if self.is_json else compose(self.text)
