"""Format `jinja2` with `undefined: lenient`: a missing attribute is empty and false, a name that is only tested is optional."""

from jinja2 import nodes

from promptdb.render.formats import Includes
from promptdb.render.jinja import engine
from promptdb.render.jinja.names import Names, NeededNames

HAS_INCLUDES = engine.HAS_INCLUDES
include_names = engine.include_names
find_names = engine.find_names
cost = engine.cost

_COUNTS = frozenset({"count", "length"})
_EMPTY_OF_MISSING = _COUNTS | {"first", "join", "last", "list", "lower", "string", "title", "trim", "upper"}
"""Filters that make something false of a missing value."""

_DEFAULTS = frozenset({"d", "default"})
_NUMBERS = _COUNTS | _DEFAULTS
"""Filters that make a number of a missing value."""

_FILTERS = _EMPTY_OF_MISSING | _NUMBERS
"""Filters that accept a missing value."""

_OF_VALUES = frozenset(
    {"boolean", "defined", "false", "float", "integer", "mapping", "none", "number", "string", "true"}
)
"""Tests that are false for a missing value."""

_TESTS = _OF_VALUES | {"undefined", "eq", "equalto", "==", "ne", "!=", "iterable", "sameas", "sequence"}
"""Tests that accept a missing value."""

_NOT_CONSTANT = (nodes.Name, nodes.Call, nodes.Filter)
_NONE: Names = frozenset()


def compile_template(template: str, includes: Includes) -> engine.JinjaTemplate:
    return engine.JinjaTemplate(template, includes, AskedNames)


class AskedNames(NeededNames):
    """Tells names that are written from names that are only asked for, as in `{% if name %}`.

    Where a name is known to have a value, as after `{% if name %}`, its use needs nothing from the caller.
    """

    _is_asking = False

    def _need(self, name: str) -> None:
        self.names[name] = self.names.get(name, False) or not self._is_asking

    def _tested(self, test: nodes.Node, names: Names) -> tuple[Names, Names]:
        self._with(test, names, is_asking=True)
        return names | known_after(test, outcome=True), names | known_after(test, outcome=False)

    def _with(self, node: nodes.Node, names: Names, *, is_asking: bool) -> None:
        outer, self._is_asking = self._is_asking, is_asking
        self._visit(node, names)
        self._is_asking = outer

    def _visit_CondExpr(self, node: nodes.CondExpr, names: Names) -> Names:
        then, otherwise = self._tested(node.test, names)
        self._visit(node.expr1, then)
        if node.expr2 is not None:
            self._visit(node.expr2, otherwise)
        return names

    def _visit_And(self, node: nodes.And, names: Names) -> Names:
        self._visit(node.right, self._tested(node.left, names)[0])
        return names

    def _visit_Or(self, node: nodes.Or, names: Names) -> Names:
        self._visit(node.right, self._tested(node.left, names)[1])
        return names

    def _visit_Not(self, node: nodes.Not, names: Names) -> Names:
        self._with(node.node, names, is_asking=True)
        return names

    def _visit_Filter(self, node: nodes.Filter, names: Names) -> Names:
        if node.node is not None:  # it is None for {% filter %}
            accepts = node.name in _DEFAULTS or (self._is_asking and node.name in _FILTERS)
            self._with(node.node, names, is_asking=accepts)
        return self._needing(node, names, exclude="node")

    def _visit_Test(self, node: nodes.Test, names: Names) -> Names:
        self._with(node.node, names, is_asking=node.name in _TESTS)
        return self._needing(node, names, exclude="node")

    def _visit_Compare(self, node: nodes.Compare, names: Names) -> Names:
        parts = [node.expr, *(operand.expr for operand in node.ops)]
        accepts = [True] * len(parts)
        for index, operand in enumerate(node.ops):
            sides = _accepts_missing(parts[index], operand.op, operand.expr)
            accepts[index : index + 2] = accepts[index] and sides[0], sides[1]
        for part, accepted in zip(parts, accepts, strict=True):
            self._with(part, names, is_asking=accepted)
        return names

    def _visit_Call(self, node: nodes.Call, names: Names) -> Names:
        outer, self._is_asking = self._is_asking, False
        names = super()._visit_Call(node, names)
        self._is_asking = outer
        return names

    def _visit_arithmetic(self, node: nodes.Node, names: Names) -> Names:
        return self._needing(node, names)

    _visit_Add = _visit_Sub = _visit_Mul = _visit_Div = _visit_FloorDiv = _visit_Mod = _visit_Pow = _visit_arithmetic
    _visit_Neg = _visit_Pos = _visit_arithmetic

    def _needing(self, node: nodes.Node, names: Names, exclude: str | None = None) -> Names:
        for child in node.iter_child_nodes((exclude,) if exclude else None):
            self._with(child, names, is_asking=False)
        return names


def known_after(test: nodes.Node, *, outcome: bool) -> Names:
    """Find the names that have a value if a test has this outcome."""
    match test:
        case nodes.Not():
            return known_after(test.node, outcome=not outcome)
        case nodes.And() | nodes.Or():
            left, right = known_after(test.left, outcome=outcome), known_after(test.right, outcome=outcome)
            return left | right if isinstance(test, nodes.And) is outcome else left & right
        case nodes.Test(name="undefined"):
            return _NONE if outcome else _root(test.node)
        case nodes.Test():
            return _root(test.node) if outcome and test.name in _OF_VALUES else _NONE
        case nodes.Compare(ops=[operand]) if outcome:
            return _known_by(test.expr, operand.op, operand.expr)
        case nodes.Filter():
            return _root(test.node) if outcome and test.name in _EMPTY_OF_MISSING and test.node else _NONE
    return _root(test) if outcome else _NONE


def _accepts_missing(left: nodes.Expr, operator: str, right: nodes.Expr) -> tuple[bool, bool]:
    """Report for both sides of a comparison whether their value may be missing."""
    if operator in ("eq", "ne"):
        return True, True
    if operator in ("in", "notin"):
        # A text contains nothing but texts.
        return isinstance(right, nodes.List | nodes.Tuple), True
    return _is_number(left), _is_number(right)


def _is_number(node: nodes.Expr) -> bool:
    return isinstance(node, nodes.Filter) and node.name in _NUMBERS


def _is_constant(node: nodes.Expr) -> bool:
    return not isinstance(node, _NOT_CONSTANT) and not any(True for _ in node.find_all(_NOT_CONSTANT))


def _known_by(left: nodes.Expr, operator: str, right: nodes.Expr) -> Names:
    """Find the names that have a value if a comparison is true."""
    if operator == "eq" and _is_constant(right):
        return _root(left)
    if operator == "in":
        return _root(left) if isinstance(right, nodes.List | nodes.Tuple) and _is_constant(right) else _root(right)
    is_positive = operator == "gt" and _is_constant(right)
    if is_positive and isinstance(left, nodes.Filter) and left.name in _COUNTS and left.node is not None:
        return _root(left.node)
    return _NONE


def _root(node: nodes.Node) -> Names:
    """Return the name at the start of `name.attribute[0]`."""
    if isinstance(node, nodes.Getattr | nodes.Getitem):
        return _root(node.node)
    return frozenset({node.name}) if isinstance(node, nodes.Name) else _NONE
