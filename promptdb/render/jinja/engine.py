"""Format `jinja2`: jinja2 in its immutable sandbox, with errors for missing values, and limits on work."""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import jinja2
from jinja2 import nodes

from promptdb.domain.nearest import nearest
from promptdb.errors import IncludeError, TemplateError
from promptdb.render.formats import Includes
from promptdb.render.jinja.budget import CURRENT, MAX_BITS, Budget, too_long_a_number
from promptdb.render.jinja.errors import CAUGHT, restated, syntax_error
from promptdb.render.jinja.names import NeededNames
from promptdb.render.jinja.sandbox import Sandbox
from promptdb.render.work import require_work_left, spend

HAS_INCLUDES = True
_LONG_NUMBER = re.compile(r"\d[\d_]{4000}")
_OPENING = re.compile(r"\{[{%#]")
_CLOSING = {"{{": "}}", "{%": "%}", "{#": "#}"}
_COST_OF_TEMPLATE = 50
_COST_OF_TAG = 10

_FRAGMENT_TAGS = (nodes.Include, nodes.Extends, nodes.Import, nodes.FromImport)


@cache
def _environment(*, is_lenient: bool = False) -> Sandbox:
    # Templates without includes share it: making an environment costs more than parsing a short template.
    return Sandbox(is_lenient=is_lenient)


class JinjaTemplate:
    """A template, compiled when it is made, since jinja2 finds some errors only then.

    `names` finds the names that it needs. Any other way than the strict one is lenient with missing values.
    """

    mentions: frozenset[str] = frozenset()

    def __init__(self, text: str, includes: Includes, names: type[NeededNames] = NeededNames) -> None:
        is_lenient = names is not NeededNames
        environment = Sandbox(is_lenient=is_lenient) if includes else _environment(is_lenient=is_lenient)
        self._text, self._includes, self._names = text, includes, names
        with _restated(), _budget():
            main = _parsed(environment, text)
            fragments = {name: _parsed(environment, source) for name, source in includes.items()}
            for tree in (main, *fragments.values()):
                _require_known(environment, tree, includes)
            found = names(main, fragments, environment.globals).names
            self.variables = tuple(found)
            self.optional = frozenset(name for name, is_needed in found.items() if not is_needed)
            for name, tree in fragments.items():
                environment.fragments.codes[name] = environment.priced_code(tree, name)
            code = environment.priced_code(main)
            self._template = jinja2.Template.from_code(environment, code, environment.globals)
        # Optional variables are undefined in the lenient way, so that `default` and `is defined` work on them.
        absent = jinja2.ChainableUndefined if is_lenient else jinja2.Undefined
        self._absent = {name: absent(name=name) for name in self.variables}

    def __reduce__(self) -> tuple[type["JinjaTemplate"], tuple[str, Includes, type[NeededNames]]]:
        return JinjaTemplate, (self._text, self._includes, self._names)  # compiled code cannot be pickled

    def render(self, values: Mapping[str, Any]) -> str:
        require_work_left()
        with _budget() as budget:
            try:
                context = self._template.new_context({**self._absent, **values})
                return budget.write(self._template.root_render_func(context))
            except CAUGHT as error:
                raise restated(error, self._text, self._includes) from error
            finally:
                spend(*budget.spent)


def compile_template(template: str, includes: Includes) -> JinjaTemplate:
    return JinjaTemplate(template, includes)


def cost(template: str) -> int:
    """Count the characters in tags, and a few more for each tag."""
    total, position = _COST_OF_TEMPLATE, 0
    while (opening := _OPENING.search(template, position)) is not None:
        end = template.find(_CLOSING[opening[0]], opening.end())
        position = end if end >= 0 else len(template)
        total += _COST_OF_TAG + (0 if opening[0] == "{#" else position - opening.end())
    return total


def include_names(template: str) -> tuple[str, ...]:
    names: dict[str, None] = {}
    with _restated():
        tags = list(_parsed(_environment(), template).find_all(_FRAGMENT_TAGS))
    for node in tags:
        name = node.template  # type: ignore[attr-defined]
        if not isinstance(name, nodes.Const) or not isinstance(name.value, str):
            hint = 'write the name out: {% include "_shared/tone.md" %}'
            raise IncludeError("an include whose name is computed", hint, line=node.lineno)
        names[name.value] = None
    return tuple(names)


def find_names(template: str, names: Collection[str]) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    lines = template.split("\n")
    for node in _environment().parse(template).find_all(nodes.Name):
        if node.name in names and node.name not in found and node.ctx == "load":
            # jinja2 knows the line alone: the column is that of the first such word after the opening of a tag.
            text = lines[node.lineno - 1]
            match = re.compile(rf"(?<![\w.]){re.escape(node.name)}\b").search(text, max(text.find("{"), 0))
            found[node.name] = node.lineno, match.start() + 1 if match else 1
    return found


def assigned_names(template: str) -> frozenset[str]:
    """Return the names that a template sets, and those of its macros.

    Raises:
        TemplateError: it cannot be parsed.
    """
    with _restated():
        tree = _parsed(_environment(), template)
        targets = [node.target for node in tree.find_all(nodes.Assign)]
        targets += [node.target for node in tree.find_all(nodes.AssignBlock)]
        names = [one for target in targets for one in (target, *target.find_all(nodes.Name))]
        return frozenset(
            [one.name for one in names if isinstance(one, nodes.Name)]
            + [macro.name for macro in tree.find_all(nodes.Macro)]
        )


def _parsed(environment: Sandbox, text: str) -> nodes.Template:
    try:
        return environment.parse(text)
    except jinja2.TemplateSyntaxError as error:
        raise syntax_error(error, text, environment) from error
    except ValueError as error:
        # Python reads no number of so many digits.
        number = _LONG_NUMBER.search(text)
        line = text.count("\n", 0, number.start()) + 1 if number else None
        raise TemplateError("a number has too many digits", "quote it", line=line) from error


def _require_known(environment: Sandbox, tree: nodes.Template, includes: Includes) -> None:
    # jinja2 reports an unknown filter or test in a branch only when it renders that branch.
    for kind, known in ((nodes.Filter, environment.known_filters), (nodes.Test, environment.tests)):
        for node in tree.find_all(kind):
            if node.name not in known:
                near = nearest(node.name, known)
                hint = f"did you mean {near!r}?" if near else None
                raise TemplateError(f"no {kind.__name__.lower()} is named {node.name!r}", hint, line=node.lineno)
    for number in tree.find_all(nodes.Const):
        if isinstance(number.value, int) and number.value.bit_length() > MAX_BITS:
            error = too_long_a_number()
            raise TemplateError(error.message, error.hint, line=number.lineno)
    for tag in tree.find_all(_FRAGMENT_TAGS):
        name = tag.template  # type: ignore[attr-defined]
        may_be_missing = isinstance(tag, nodes.Include) and tag.ignore_missing
        if isinstance(name, nodes.Const) and name.value not in includes and not may_be_missing:
            raise IncludeError(f"the fragment {name.value!r} does not exist", line=tag.lineno)


@contextmanager
def _budget() -> Iterator[Budget]:
    token = CURRENT.set(budget := Budget())
    try:
        yield budget
    finally:
        CURRENT.reset(token)


@contextmanager
def _restated() -> Iterator[None]:
    """Restate errors of parsing and compiling as errors of promptdb."""
    try:
        yield
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(error.message or "jinja2 cannot parse this", line=error.lineno) from error
    # Raised by the parser, or while Python compiles the code that jinja2 writes.
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise TemplateError("the template is too long or nested too deeply") from error
