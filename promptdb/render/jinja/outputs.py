"""jinja2 templates of nothing but text, variables and fragments, which other template languages can say too."""

from collections.abc import Iterator
from typing import NamedTuple

from jinja2 import nodes

from promptdb.errors import TemplateError
from promptdb.render.formats import Includes
from promptdb.render.jinja.sandbox import Sandbox


class Output(NamedTuple):
    """Literal text, or the name of a variable."""

    text: str
    is_variable: bool


def outputs(template: str, includes: Includes, fragment: str | None = None) -> Iterator[Output]:
    """Split a template that parses, with its fragments.

    Raises:
        TemplateError: it has something else. The message names that and its fragment.
    """
    for node in Sandbox().parse(template).body:
        if isinstance(node, nodes.Include) and isinstance(node.template, nodes.Const):
            name = str(node.template.value)
            yield from outputs(includes[name], includes, name)
        elif isinstance(node, nodes.Output):
            for part in node.nodes:
                yield _output(part, fragment)
        else:
            raise _more("statement", node, fragment)


def _output(node: nodes.Node, fragment: str | None) -> Output:
    match node:
        case nodes.TemplateData(data=str() as text) | nodes.Const(value=str() as text):
            return Output(text, is_variable=False)
        case nodes.Name(name=name):
            return Output(name, is_variable=True)
    raise _more("expression", node, fragment)


def _more(kind: str, node: nodes.Node, fragment: str | None) -> TemplateError:
    where = f" in line {node.lineno} of the fragment {fragment}" if fragment is not None else ""
    line = node.lineno if fragment is None else None
    return TemplateError(f"the jinja2 {kind} {type(node).__name__.lower()!r}{where}", line=line)
