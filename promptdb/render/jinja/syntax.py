"""Adds prices to jinja2's syntax tree: passes expressions that can grow large or run long through filters that pay."""

from typing import Any

from jinja2 import nodes, pass_context, pass_eval_context
from jinja2.runtime import markup_join
from jinja2.visitor import NodeTransformer

from promptdb.render.jinja.budget import CURRENT

_NODES_PER_STEP = 50
"""Nodes of a loop body that count as one step of each iteration."""

_STEPS_OF_A_FRAGMENT = 25


def priced(tree: nodes.Template, *, is_fragment: bool) -> nodes.Template:
    """Add prices to loops, captures, `~`, slices and literals, in place. A fragment may be put into a capture."""
    _Prices(is_fragment=is_fragment).visit(tree)
    return tree


class _Prices(NodeTransformer):
    """Adds the prices.

    Output is counted while it is written, but the output of a capture only at its end. A loop in a capture could make too
    much text before that, so each value that it writes has a price.
    """

    def __init__(self, *, is_fragment: bool) -> None:
        self._is_captured = self._is_repeated = is_fragment

    def _visit_capture(self, node: nodes.Node) -> nodes.Node:
        return self._visit_inside(node, is_captured=True, is_repeated=self._is_captured and self._is_repeated)

    visit_Macro = visit_CallBlock = visit_AssignBlock = visit_FilterBlock = visit_Block = _visit_capture

    def visit_For(self, node: nodes.For) -> nodes.Node:
        weight = 1 + sum(1 for part in node.body for _ in part.find_all(nodes.Node)) // _NODES_PER_STEP
        self._visit_inside(node, is_captured=self._is_captured, is_repeated=True)
        node.iter = _through("items", node.iter, nodes.Const(weight))
        return node

    def _visit_inside(self, node: nodes.Node, *, is_captured: bool, is_repeated: bool) -> nodes.Node:
        outer = self._is_captured, self._is_repeated
        self._is_captured, self._is_repeated = is_captured, is_repeated
        self.generic_visit(node)
        self._is_captured, self._is_repeated = outer
        return node

    def visit_Output(self, node: nodes.Output) -> nodes.Output:
        self.generic_visit(node)
        if self._is_captured and self._is_repeated:
            node.nodes = [
                part if isinstance(part, nodes.TemplateData) else _through("text", part) for part in node.nodes
            ]
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _through("joined", nodes.Tuple(node.nodes, "load", lineno=node.lineno))

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        self.generic_visit(node)
        return _through("kept", node) if isinstance(node.arg, nodes.Slice) else node

    def visit_Operand(self, node: nodes.Operand) -> nodes.Operand:
        self.generic_visit(node)
        if not isinstance(node.expr, nodes.Const) or node.op in ("in", "notin"):
            node.expr = _through("searched", node.expr)
        return node

    def visit_Name(self, node: nodes.Name) -> nodes.Node:
        is_new = node.name in ("varargs", "kwargs") and node.ctx == "load"
        return _through("built", node) if is_new else node

    def _visit_fragment(self, node: nodes.Include | nodes.Import | nodes.FromImport) -> nodes.Node:
        node.template = _through("fragment", node.template)
        return node

    visit_Include = visit_Import = visit_FromImport = _visit_fragment

    def _visit_literal(self, node: nodes.Node) -> nodes.Node:
        is_new = isinstance(node, nodes.List | nodes.Dict | nodes.Tuple) and getattr(node, "ctx", "load") == "load"
        names = is_new and any(True for _ in node.find_all((nodes.Name, nodes.Call, nodes.Filter)))
        self.generic_visit(node)
        return _through("built", node) if names else node

    visit_List = visit_Tuple = visit_Dict = _visit_literal


def _through(name: str, node: nodes.Node, *arguments: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(node, f"priced {name}", list(arguments), [], None, None, lineno=node.lineno)


@pass_eval_context
def _joined(context: nodes.EvalContext, values: tuple[Any, ...]) -> str:
    budget = CURRENT.get()
    texts = [budget.text(value) for value in values]
    budget.make(sum(map(len, texts)))
    return markup_join(texts) if context.autoescape else "".join(texts)


@pass_context
def _items(_: Any, values: Any, weight: int) -> Any:
    return CURRENT.get().items(values, weight)


@pass_context
def _fragment(_: Any, name: str) -> str:
    CURRENT.get().step(_STEPS_OF_A_FRAGMENT)
    return name


PRICES = {
    "priced fragment": _fragment,
    "priced searched": lambda value: CURRENT.get().searched(value),
    "priced items": _items,
    "priced kept": lambda value: CURRENT.get().kept(value),
    "priced built": lambda value: CURRENT.get().built(value),
    "priced joined": _joined,
    "priced text": lambda value: CURRENT.get().text(value),
}
"""The filters that pay, by names that no template can write.

Some take a context, so that they run only in a render: jinja2 would otherwise pay for a constant loop when it compiles.
"""
