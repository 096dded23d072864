"""jinja2's immutable sandbox with tighter rules: no calls into the application, and a budget for each render."""

from collections.abc import Callable, Iterable
from datetime import date, time, timedelta
from functools import wraps
from types import BuiltinMethodType, CodeType, FunctionType, MethodType
from typing import Any

import jinja2
from jinja2.exceptions import SecurityError
from jinja2.runtime import Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment

from promptdb.render.jinja.budget import CURRENT, MAX_BITS, too_long_a_number
from promptdb.render.jinja.sizes import FILTERS, FREE, METHODS, Price
from promptdb.render.jinja.syntax import PRICES, priced

MAX_PRODUCT = 1_000_000
"""Characters or items that `*` may make in one step."""

_FROM_JINJA = ("_loop_vars", "_block_vars")
"""Arguments that compiled templates add to each call."""

_PRICED = (str, bytes, int, list, tuple)
_DATA = (str, bytes, int, float, bool, list, tuple, dict, set, type(None), date, time, timedelta)


class _Namespace(jinja2.utils.Namespace):
    """A namespace that does not show its content, since two namespaces can contain each other."""

    def __repr__(self) -> str:
        return "<namespace>"


class JinjaFragments(jinja2.BaseLoader):
    """Loads the fragments of a prompt from their compiled `codes`.

    Makes a new template for each use. jinja2 would keep the module of an imported template, with values of an earlier render.
    """

    def __init__(self) -> None:
        self.codes: dict[str, CodeType] = {}

    def load(self, environment: Any, name: str, globals: Any = None) -> jinja2.Template:  # noqa: A002  jinja2's name
        if name not in self.codes:
            raise jinja2.TemplateNotFound(name)
        return jinja2.Template.from_code(environment, self.codes[name], globals or {})


class Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, *, is_lenient: bool = False) -> None:
        self.fragments = JinjaFragments()
        undefined = jinja2.ChainableUndefined if is_lenient else jinja2.StrictUndefined
        # The optimizer needs time that grows with the cube of the depth of an expression.
        super().__init__(undefined=undefined, loader=self.fragments, cache_size=0, optimized=False)
        self.globals.pop("lipsum")  # random text: the same prompt would differ from call to call
        self.globals["namespace"] = _Namespace
        self.globals_allowed = {id(value) for value in self.globals.values()}
        self.filters.pop("random")
        self.known_filters = frozenset(self.filters)
        for name in self.filters.keys() - FREE:
            self.filters[name] = _priced(self.filters[name], FILTERS.get(name))
        self.filters.update(PRICES)
        for name in ("divisibleby", "even", "odd"):
            self.tests[name] = _of_numbers(self.tests[name])  # type: ignore[arg-type]
        self.tests["lower"] = lambda value: CURRENT.get().searched(CURRENT.get().text(value)).islower()
        self.tests["upper"] = lambda value: CURRENT.get().searched(CURRENT.get().text(value)).isupper()

    def priced_code(self, tree: jinja2.nodes.Template, name: str | None = None) -> CodeType:
        return self.compile(priced(tree, is_fragment=name is not None), name)

    @staticmethod
    def concat(chunks: Iterable[str]) -> str:
        return CURRENT.get().concat(chunks)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        is_change = isinstance(obj, set) and attr == "intersection_update"  # missing in jinja2's own list
        return not is_change and super().is_safe_attribute(obj, attr, value)

    def unsafe_undefined(self, obj: Any, attribute: str) -> jinja2.Undefined:
        """Refuse an attribute, which must not look like a missing one."""
        message = f"access to attribute {attribute!r} of {type(obj).__name__!r} object is unsafe."
        return jinja2.StrictUndefined(message, obj, attribute, SecurityError)

    def is_safe_callable(self, obj: Any) -> bool:
        """Allow jinja2's own functions and methods of plain data: a template must not call into the application."""
        if isinstance(obj, BuiltinMethodType):
            allowed = isinstance(obj.__self__, _DATA)
        elif isinstance(obj, FunctionType):
            allowed = str(obj.__globals__.get("__name__")).startswith("jinja2.")  # the sandbox's own str.format
        elif isinstance(obj, MethodType):
            allowed = type(obj.__self__).__module__.startswith("jinja2.")
        else:
            allowed = id(obj) in self.globals_allowed or type(obj).__module__.startswith("jinja2.")
        return allowed and super().is_safe_callable(obj)

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805  as in jinja2
        budget = CURRENT.get()
        budget.step()
        if type(__obj) is Macro:  # its text is paid for by `concat`
            return __context.call(__obj, *args, **kwargs)
        if not __self.is_safe_callable(__obj):
            raise SecurityError(f"an object of type {type(__obj).__name__!r} cannot be called")
        method = getattr(__obj, "__wrapped__", __obj)  # the sandbox wraps str.format
        if isinstance(method, BuiltinMethodType | MethodType) and isinstance(method.__self__, _PRICED):
            budget.searched(method.__self__)
            if price := METHODS.get(method.__name__):
                named = {name: kwargs[name] for name in kwargs if name not in _FROM_JINJA}
                price(budget, method.__self__, *args, **named)
        return budget.built(__context.call(__obj, *args, **kwargs))

    def call_binop(self, context: jinja2.runtime.Context, operator: str, left: Any, right: Any) -> Any:
        if type(left) in (int, float) and operator in "+%":
            return super().call_binop(context, operator, left, right)
        budget = CURRENT.get()
        if operator == "%":
            FILTERS["format"](budget, left, right)
        elif operator != "+":
            _require_small(operator, left, right)
        return budget.built(super().call_binop(context, operator, left, right))


def _priced(function: Callable[..., Any], price: Price | None) -> Callable[..., Any]:
    """Make a filter pay for its result."""
    # `wraps` keeps the attribute by which a filter gets jinja2's environment or context first.
    first = 1 if hasattr(function, "jinja_pass_arg") else 0

    @wraps(function)
    def filter_(*args: Any, **kwargs: Any) -> Any:
        if price is None:
            return CURRENT.get().kept(function(*args, **kwargs))
        price(CURRENT.get(), *(args[first:] if first else args), **kwargs)
        return function(*args, **kwargs)

    return filter_


def _of_numbers(test: Callable[..., bool]) -> Callable[..., bool]:
    """Restrict a test to numbers. It uses `%`, which formats where the value is text."""

    @wraps(test)
    def test_(value: Any, *args: Any) -> bool:
        if not isinstance(value, int | float):
            raise TypeError(f"a number is needed, not {type(value).__name__}")
        return test(value, *args)

    return test_


def _require_small(operator: str, left: Any, right: Any) -> None:
    """Refuse a product or a power that would be too large, before it is made."""
    if isinstance(left, int) and isinstance(right, int):
        ours, theirs = left.bit_length(), right.bit_length()
        if (ours * abs(right) if operator == "**" else ours + theirs) > MAX_BITS:
            raise too_long_a_number()
        return
    for sequence, times in ((left, right), (right, left)):
        is_repeated = isinstance(sequence, str | bytes | list | tuple) and isinstance(times, int)
        if is_repeated and len(sequence) * times > MAX_PRODUCT:
            raise SecurityError(f"'{operator}' would make a value of more than {MAX_PRODUCT:,} characters")
