"""Format `jinja2`: the language in its immutable sandbox, with missing values as errors and values as data."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from functools import cache
from types import BuiltinMethodType, FunctionType, MethodType
from typing import Any

import jinja2
from jinja2 import meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from promptdb.errors import IncludeError, TemplateError
from promptdb.render.engine import NO_INCLUDES, Includes

HAS_INCLUDES = True
MAX_PRODUCT = 1_000_000
"""Characters, items or bits that `*` and `**` may make in one step."""

_DATA = (str, bytes, int, float, bool, list, tuple, dict, set, type(None))


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*", "**"})

    def __init__(self, includes: Includes) -> None:
        super().__init__(
            undefined=jinja2.StrictUndefined,
            loader=jinja2.DictLoader(includes),
            cache_size=-1,
        )
        self.globals.pop("lipsum")  # random text: the same prompt would differ from call to call
        self.globals_allowed = {id(value) for value in self.globals.values()}
        self.filters.pop("random")

    def is_safe_callable(self, obj: Any) -> bool:
        """Only what jinja2 brings and the methods of plain data: a template must not call into the application."""
        if isinstance(obj, BuiltinMethodType):
            allowed = isinstance(obj.__self__, _DATA)
        elif isinstance(obj, FunctionType):
            allowed = str(obj.__globals__.get("__name__")).startswith("jinja2.")  # the sandbox's own str.format
        elif isinstance(obj, MethodType):
            allowed = type(obj.__self__).__module__.startswith("jinja2.")
        else:
            allowed = id(obj) in self.globals_allowed or type(obj).__module__.startswith("jinja2.")
        return allowed and super().is_safe_callable(obj)

    def call_binop(self, context: jinja2.runtime.Context, operator: str, left: Any, right: Any) -> Any:
        if _product_size(operator, left, right) > MAX_PRODUCT:
            raise SecurityError(f"'{operator}' would make a value of more than {MAX_PRODUCT:,} characters")
        return super().call_binop(context, operator, left, right)


@cache
def _environment() -> _Environment:
    """Shared by the templates without includes: making one costs more than parsing a short template."""
    return _Environment(NO_INCLUDES)


def _product_size(operator: str, left: Any, right: Any) -> int:
    if operator == "**":
        return int(left).bit_length() * abs(right) if isinstance(left, int) and isinstance(right, int) else 0
    for sequence, times in ((left, right), (right, left)):
        if isinstance(sequence, str | bytes | list | tuple) and isinstance(times, int):
            return len(sequence) * times
    return 0


class JinjaTemplate:
    """Compiled at once: an unknown filter or test shows only then."""

    def __init__(self, text: str, includes: Includes) -> None:
        environment = _Environment(includes) if includes else _environment()
        with _restated():
            trees = [environment.parse(source) for source in (text, *includes.values())]
            for tree in trees:
                _require_known(environment, tree)
                _require_fragments(tree, includes)
            self.variables, self.mentions = _variables(environment, trees)
            self._template = environment.from_string(text)
            for name in includes:
                environment.get_template(name)

    def render(self, values: Mapping[str, Any]) -> str:
        try:
            # Optional ones are undefined in the lenient way, so that `default` and `is defined` work on them.
            absent = {name: jinja2.Undefined(name=name) for name in self.variables if name not in values}
            return self._template.render({**absent, **values})
        except SecurityError as error:
            raise TemplateError(f"the sandbox refused: {error}") from error
        except RecursionError as error:
            raise TemplateError("the template calls itself without end") from error
        except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            raise TemplateError(f"the template failed: {error}") from error


def compile_template(template: str, includes: Includes) -> JinjaTemplate:
    return JinjaTemplate(template, includes)


def include_names(template: str) -> tuple[str, ...]:
    names: dict[str, None] = {}
    with _restated():
        tree = _environment().parse(template)
        named = list(tree.find_all((nodes.Include, nodes.Extends, nodes.Import, nodes.FromImport)))
    for node in named:
        name = node.template  # type: ignore[attr-defined]
        if not isinstance(name, nodes.Const) or not isinstance(name.value, str):
            hint = 'write the name out: {% include "_shared/tone.md" %}'
            raise IncludeError("an include whose name is computed", hint, line=node.lineno)
        names[name.value] = None
    return tuple(names)


def find_name(template: str, name: str) -> tuple[int, int] | None:
    """jinja2 tells the line; the column is that of the first such word in it, behind the opening of a tag."""
    tree = _environment().parse(template)
    line = next((node.lineno for node in tree.find_all(nodes.Name) if node.name == name and node.ctx == "load"), None)
    if line is None:
        return None
    text = template.split("\n")[line - 1]
    match = re.compile(rf"(?<![\w.]){re.escape(name)}\b").search(text, max(text.find("{"), 0))
    return line, match.start() + 1 if match else 1


def _variables(environment: _Environment, trees: list[nodes.Template]) -> tuple[tuple[str, ...], frozenset[str]]:
    """What the caller must give, in the order of first use; and names of fragments that a template may set instead.

    The name of a global counts where it is not called: `{{ range }}` is a variable, `{{ range(3) }}` is not.
    """
    found: dict[str, None] = {}
    for tree in trees:
        undeclared = meta.find_undeclared_variables(tree)
        called = {id(call.node) for call in tree.find_all(nodes.Call)}
        for name in tree.find_all(nodes.Name):
            is_value = name.name in environment.globals and name.ctx == "load" and id(name) not in called
            if name.name in undeclared or is_value:
                found[name.name] = None
    in_main = meta.find_undeclared_variables(trees[0]) | {name for name in found if name in environment.globals}
    stored = {name.name for tree in trees for name in tree.find_all(nodes.Name) if name.ctx in ("store", "param")}
    needed = tuple(name for name in found if name in in_main or name not in stored)
    return needed, frozenset(found) - frozenset(needed)


def _require_fragments(tree: nodes.Template, includes: Includes) -> None:
    for node in tree.find_all((nodes.Include, nodes.Extends, nodes.Import, nodes.FromImport)):
        name = node.template  # type: ignore[attr-defined]
        may_be_missing = isinstance(node, nodes.Include) and node.ignore_missing
        if isinstance(name, nodes.Const) and name.value not in includes and not may_be_missing:
            raise IncludeError(f"the fragment {name.value!r} does not exist", line=node.lineno)


def _require_known(environment: _Environment, tree: nodes.Template) -> None:
    """An unknown filter or test in a branch would fail only when that branch is rendered."""
    for kind, known in ((nodes.Filter, environment.filters), (nodes.Test, environment.tests)):
        for node in tree.find_all(kind):
            if node.name not in known:
                near = get_close_matches(node.name, known, 1)
                hint = f"did you mean {near[0]!r}?" if near else None
                raise TemplateError(f"no {kind.__name__.lower()} is named {node.name!r}", hint, line=node.lineno)


@contextmanager
def _restated() -> Iterator[None]:
    """Errors of parsing and compiling as ours."""
    try:
        yield
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(error.message or "jinja2 cannot parse this", line=error.lineno) from error
    except (
        SyntaxError,
        RecursionError,
        MemoryError,
    ) as error:  # of the parser, or of the Python code that jinja2 writes
        raise TemplateError("the template is too long or nested too deeply") from error
