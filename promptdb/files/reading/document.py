"""The data of one prompt file together with the way back: from a path in the data to file, line and column."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import yaml

from promptdb.domain.field_path import FieldPath
from promptdb.files.reading.json_nodes import compose_json
from promptdb.files.reading.yaml import compose, node_at
from promptdb.problems import Code, Problem


@dataclass
class Body:
    """A template that is plain text in a file: the whole of it from `first_line` on."""

    file: str
    first_line: int = 1


@dataclass
class Document:
    """`path` is the file; `text` its YAML or JSON part, which starts at `first_line`; `bodies` the text templates.

    `moved` maps a path in the data to the path of what the author wrote, where a shorthand was expanded. The nodes are not
    kept: they are made again for the rare file that has a problem.
    """

    path: str
    data: dict[str, Any]
    text: str = ""
    first_line: int = 1
    is_json: bool = False
    bodies: dict[FieldPath, Body] = field(default_factory=dict)
    moved: Mapping[FieldPath, FieldPath] = field(default_factory=dict)

    def problem(
        self,
        path: FieldPath,
        code: Code,
        message: str,
        hint: str | None = None,
        *,
        key: bool = False,
        detail: str | None = None,
    ) -> Problem:
        """A problem at the value under `path`, or with `key` at the key that leads to it."""
        if path in self.bodies:
            body = self.bodies[path]
            return Problem(body.file, body.first_line, 1, code, message, hint, detail)
        node = node_at(self._nodes, self.moved.get(path, path), key=key)
        mark = node.start_mark if node is not None else None
        line, column = (mark.line, mark.column) if mark is not None else (0, 0)
        return Problem(self.path, line + self.first_line, column + 1, code, message, hint, detail)

    def problem_inside(
        self, path: FieldPath, line: int | None, column: int | None, code: Code, message: str, hint: str | None
    ) -> Problem:
        """A problem at a line and column, counted from 1, of the template under `path`."""
        if path in self.bodies:
            body = self.bodies[path]
            return Problem(body.file, body.first_line + (line or 1) - 1, column or 1, code, message, hint)
        node = node_at(self._nodes, path)
        if line is None or not isinstance(node, yaml.ScalarNode) or node.style != "|":
            return self.problem(path, code, message, hint)
        index = node.start_mark.line + line
        lines, template_lines = self.text.split("\n"), str(node.value).split("\n")
        if index >= len(lines) or line > len(template_lines):
            return self.problem(path, code, message, hint)
        indentation = len(lines[index]) - len(template_lines[line - 1])
        return Problem(self.path, index + self.first_line, indentation + (column or 1), code, message, hint)

    @cached_property
    def _nodes(self) -> yaml.Node | None:
        return compose_json(self.text) if self.is_json else compose(self.text)
