"""Restates errors of jinja2 as errors of promptdb: one line, with the place in the template."""

import re
from collections.abc import Mapping
from types import TracebackType

import jinja2
from jinja2 import nodes
from jinja2.environment import Template
from jinja2.exceptions import SecurityError, UndefinedError

from promptdb.errors import TemplateError

_FROM_PYTHON = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError, TypeError, ValueError)
CAUGHT = (TemplateError, jinja2.TemplateError, *_FROM_PYTHON, RuntimeError, MemoryError)
"""The errors that templates and jinja2's filters raise for values that do not fit."""

_LONGEST = 200
_NOT_CLOSED = re.compile(r"Unexpected end of template\..* block that needs to be closed is '(\w+)'")


def syntax_error(error: jinja2.TemplateSyntaxError, text: str, environment: jinja2.Environment) -> TemplateError:
    """Restate an error of the parser. A block that is not closed is an error at its first line, not at the last of the text."""
    message = error.message or "jinja2 cannot parse this"
    unclosed = _NOT_CLOSED.match(message)
    if unclosed is None or (line := _line_of_unclosed(unclosed[1], text, environment)) is None:
        return TemplateError(message, line=error.lineno)
    return TemplateError(f"the block '{unclosed[1]}' is not closed", f"add {{% end{unclosed[1]} %}}", line=line)


def _line_of_unclosed(name: str, text: str, environment: jinja2.Environment) -> int | None:
    """Find the line of the innermost block of a name that no tag closes."""
    open_lines: list[int] = []
    tag: list[tuple[str, str]] = []
    start = 1
    for line, kind, value in environment.lex(text):
        if kind == "block_end":
            words = [value for kind, value in tag if kind == "name"]
            is_inline = name == "set" and ("operator", "=") in tag
            if words[:1] == [name] and not is_inline:
                open_lines.append(start)
            elif words[:1] == [f"end{name}"] and open_lines:
                open_lines.pop()
        elif kind == "block_begin":
            tag, start = [], line
        elif kind != "whitespace":
            tag.append((kind, value))
    return open_lines[-1] if open_lines else None


def restated(error: BaseException, text: str, fragments: Mapping[str, str]) -> TemplateError:
    """Restate an error with its line in the template, or with a fragment and the line in it."""
    message, hint = _message(error)
    place = _place(error.__traceback__)
    if place is None:
        return TemplateError(message, hint)
    template, line = place
    if isinstance(error, UndefinedError):
        source = text if template.name is None else fragments[template.name]
        path = _missing_path(template.environment.parse(source), line, str(error))
        message = f"the template failed: {path} is undefined ({_one_line(error)})" if path else message
    if template.name:
        return TemplateError(f"{message}, in line {line} of the fragment {template.name}", hint)
    return TemplateError(message, hint, line=line)


def _message(error: BaseException) -> tuple[str, str | None]:
    match error:
        case TemplateError():
            return error.message, error.hint
        case SecurityError():
            return f"the sandbox refused: {_one_line(error)}", None
        case RecursionError():
            return "the template calls itself endlessly", None
        case MemoryError():
            return "the template needs more memory than is available", None
        case KeyError():
            return f"the template failed: no value for {_one_line(error)}", None
    return f"the template failed: {_one_line(error)}", None


def _one_line(error: BaseException) -> str:
    text = error.message if isinstance(error, jinja2.TemplateError) else str(error)
    line = " ".join((text or type(error).__name__).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."


def _place(traceback: TracebackType | None) -> tuple[Template, int] | None:
    """Find the template that ran last, and its line, which jinja2 keeps in the compiled code."""
    place = None
    while traceback is not None:
        template = traceback.tb_frame.f_globals.get("__jinja_template__")
        if template is not None:
            place = template, template.get_corresponding_lineno(traceback.tb_lineno)
        traceback = traceback.tb_next
    return place


def _missing_path(tree: nodes.Template, line: int, message: str) -> str | None:
    """Find `user.nam` for "'dict object' has no attribute 'nam'", if only one expression of the line matches."""
    missing = re.search(r"has no (?:attribute|element) (.+)$", message)
    if missing is None:
        return None
    paths = {
        path
        for node in tree.find_all((nodes.Getattr, nodes.Getitem))
        if node.lineno == line and repr(_key(node)) == missing[1] and (path := _path(node))
    }
    return paths.pop() if len(paths) == 1 else None


def _path(node: nodes.Node) -> str | None:
    if isinstance(node, nodes.Name):
        return node.name
    if not isinstance(node, nodes.Getattr | nodes.Getitem):
        return None
    key, parent = _key(node), _path(node.node)
    if key is None or parent is None:
        return None
    return f"{parent}.{key}" if isinstance(key, str) else f"{parent}[{key!r}]"


def _key(node: nodes.Node) -> str | int | None:
    if isinstance(node, nodes.Getattr):
        return node.attr
    return node.arg.value if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) else None
