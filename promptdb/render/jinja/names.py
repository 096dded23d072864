"""The names that a jinja2 template needs: a name counts if some path of the template reads it before setting it.

`jinja2.meta` reports the names of one template alone, in no order. This walk follows fragments, macros and inherited blocks. It
keeps the order of first use, in which a contract lists its variables.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from typing import cast

from jinja2 import Environment, nodes
from jinja2.meta import TrackingCodeGenerator

Names = frozenset[str]
_IN_MACROS = frozenset({"caller", "kwargs", "varargs"})
_IN_BLOCKS = frozenset({"self", "super"})


class Source:
    """A parsed template or fragment."""

    def __init__(self, tree: nodes.Template) -> None:
        self.tree = tree
        self.blocks = {block.name: block for block in tree.find_all(nodes.Block)}
        self.parents = [name for node in tree.find_all(nodes.Extends) for name in fragment_names(node)]

    @cached_property
    def looked_up(self) -> set[str]:
        """The names that jinja2 looks up outside the template, on any path."""
        generator = TrackingCodeGenerator(cast("Environment", self.tree.environment))
        generator.optimizer = None  # as in `Sandbox`
        generator.visit(self.tree)
        return generator.undeclared_identifiers


def fragment_names(node: nodes.Node) -> list[str]:
    """Return the fragments that a tag names, except computed names."""
    written = node.template  # type: ignore[attr-defined]
    items = written.items if isinstance(written, nodes.List | nodes.Tuple) else [written]
    return [item.value for item in items if isinstance(item, nodes.Const) and isinstance(item.value, str)]


class NeededNames:
    """Follows every path of a template and of its fragments, and collects `names` in the order of first use.

    Each name has True if the template needs it, which is every name here.
    The methods take the names that are set before a node and return those set after it. `functions` are jinja2's own: a call
    of one needs no variable, but any other use of its name does.
    """

    def __init__(
        self, main: nodes.Template, fragments: Mapping[str, nodes.Template], functions: Collection[str]
    ) -> None:
        self._fragments = {name: Source(tree) for name, tree in fragments.items()}
        self._functions = functions
        self._seen: set[tuple[str, Names]] = set()
        self.names: dict[str, bool] = {}
        self._inside = Source(main)
        self._overridden: Names = frozenset()
        self._local: Names = frozenset()
        self._template(self._inside, frozenset(), frozenset())

    def _template(self, source: Source, names: Names, overridden: Names) -> None:
        """Visit a template or fragment. `overridden` are its blocks that an extending template replaces."""
        outer = self._inside, self._overridden
        self._inside, self._overridden = source, overridden
        names = self._body(source.tree.body, names | {"self"})
        if source.parents:  # the parent renders these blocks, after the names at the top are set
            replaced = {name for name, block in source.blocks.items() if not _asks_for_super(block)}
            for block in source.blocks.values():
                if block.name not in overridden:
                    self._body(block.body, names | _IN_BLOCKS)
            for name in source.parents:
                self._fragment(name, names, overridden | replaced)
        self._inside, self._overridden = outer

    def _fragment(self, name: str, names: Names, overridden: Names = frozenset()) -> None:
        source = self._fragments.get(name)
        if source is not None and (name, names) not in self._seen:
            self._seen.add((name, names))
            self._template(source, names, overridden)

    def _body(self, body: Iterable[nodes.Node], names: Names) -> Names:
        for node in body:
            names = self._visit(node, names)
        return names

    def _visit(self, node: nodes.Node, names: Names) -> Names:
        method = getattr(self, f"_visit_{type(node).__name__}", None)
        if method is None:
            return self._body(node.iter_child_nodes(), names)
        after: Names = method(node, names)
        return after

    def _visit_Name(self, node: nodes.Name, names: Names) -> Names:
        if node.ctx != "load":
            return names | {node.name}
        if node.name not in names and (node.name in self._inside.looked_up or node.name in self._functions):
            self._need(node.name)
        return names

    def _need(self, name: str) -> None:
        self.names[name] = True

    def _tested(self, test: nodes.Node, names: Names) -> tuple[Names, Names]:
        """Visit a condition. Return the names that are set where it holds, and where it does not."""
        names = self._visit(test, names)
        return names, names

    def _visit_Call(self, node: nodes.Call, names: Names) -> Names:
        is_function = isinstance(node.node, nodes.Name) and node.node.name in self._functions
        return self._body(node.iter_child_nodes(("node",) if is_function else None), names)

    def _visit_Assign(self, node: nodes.Assign, names: Names) -> Names:
        return self._body((node.node, node.target), names)

    def _visit_NSRef(self, node: nodes.NSRef, names: Names) -> Names:
        self._visit_Name(nodes.Name(node.name, "load"), names)
        return names

    def _visit_AssignBlock(self, node: nodes.AssignBlock, names: Names) -> Names:
        self._body((*node.body, *([node.filter] if node.filter else [])), names)
        return self._visit(node.target, names)

    def _visit_FilterBlock(self, node: nodes.FilterBlock, names: Names) -> Names:
        self._body((*node.body, node.filter), names)
        return names

    def _visit_If(self, node: nodes.If, names: Names) -> Names:
        then, otherwise = self._tested(node.test, names)
        then = self._body(node.body, then)
        if node.elif_:
            first, *more = node.elif_
            chain = nodes.If(first.test, first.body, more, node.else_)
            return then & self._visit_If(chain, otherwise)
        return then & self._body(node.else_, otherwise)

    def _visit_For(self, node: nodes.For, names: Names) -> Names:
        self._visit(node.iter, names)
        inner = self._visit(node.target, names)
        if node.test is not None:
            inner, _ = self._tested(node.test, inner)
        self._scope(node.body, names, inner | {"loop"})
        self._body(node.else_, names)
        return names

    def _visit_With(self, node: nodes.With, names: Names) -> Names:
        self._body(node.values, names)
        self._scope(node.body, names, self._body(node.targets, names))
        return names

    def _scope(self, body: Iterable[nodes.Node], outer: Names, inner: Names) -> None:
        local, self._local = self._local, self._local | inner - outer
        self._body(body, inner)
        self._local = local

    def _visit_Macro(self, node: nodes.Macro, names: Names) -> Names:
        self._called(node, names)
        return names | {node.name}

    def _visit_CallBlock(self, node: nodes.CallBlock, names: Names) -> Names:
        self._visit(node.call, names)
        self._called(node, names)
        return names

    def _called(self, node: nodes.Macro | nodes.CallBlock, names: Names) -> None:
        own = names | _IN_MACROS | ({node.name} if isinstance(node, nodes.Macro) else set())
        inner = self._body(node.args, own)
        self._body((*node.defaults, *node.body), inner)

    def _visit_Block(self, node: nodes.Block, names: Names) -> Names:
        # A block sees names set at the top of the template, but names of a loop around it only if it is scoped.
        if not self._inside.parents and node.name not in self._overridden:
            self._body(node.body, (names if node.scoped else names - self._local) | _IN_BLOCKS)
        return names

    def _visit_Include(self, node: nodes.Include, names: Names) -> Names:
        self._visit(node.template, names)
        self._put_in(node, names)
        return names

    def _visit_Import(self, node: nodes.Import, names: Names) -> Names:
        self._put_in(node, names)
        return names | {node.target}

    def _visit_FromImport(self, node: nodes.FromImport, names: Names) -> Names:
        self._put_in(node, names)
        return names | {name[1] if isinstance(name, tuple) else name for name in node.names}

    def _put_in(self, node: nodes.Include | nodes.Import | nodes.FromImport, names: Names) -> None:
        if node.with_context:  # without it, the fragment sees no variables
            for name in fragment_names(node):
                self._fragment(name, names)


def _asks_for_super(block: nodes.Block) -> bool:
    return any(name.name == "super" for name in block.find_all(nodes.Name))
