"""Templates as literal text and variables, the only language that all tools share."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import NoReturn

from promptdb.domain.spec import PromptSpec, TemplateFormat
from promptdb.errors import TemplateError
from promptdb.neighbours.foreign import NotHeld
from promptdb.render.formats import Includes


@dataclass(frozen=True)
class Slot:
    """The place of a variable. `form` is the conversion and format spec of an f-string, such as `!r:>10`."""

    name: str
    form: str = ""

    def __str__(self) -> str:
        return f"{{{self.name}{self.form}}}"


@dataclass(frozen=True)
class Verbatim:
    """A whole template in a language that the other tool knows."""

    text: str


Pieces = tuple[str | Slot | Verbatim, ...]


def pieces_of(spec: PromptSpec, template: str, place: str) -> Pieces:
    """Split a template, with its fragments, at its variables.

    Raises:
        NotHeld: it has more than text and variables.
    """
    return joined(_READERS[spec.template_format](template, spec.includes, place))


def joined(pieces: Iterable[str | Slot]) -> Pieces:
    """Join neighbouring texts, and drop empty ones."""
    found: list[str | Slot] = []
    for piece in pieces:
        if isinstance(piece, str) and found and isinstance(found[-1], str):
            found[-1] += piece
        elif piece:
            found.append(piece)
    return tuple(found)


def parts(pieces: Pieces) -> Iterator[str | Slot]:
    """Iterate over text and variables. Only a language that the tool knows has a whole template."""
    for piece in pieces:
        if isinstance(piece, Verbatim):
            raise TypeError("a whole template has no pieces")
        yield piece


def slots(pieces: Pieces) -> Iterator[Slot]:
    return (piece for piece in pieces if isinstance(piece, Slot))


def refuse(place: str, construct: str) -> NoReturn:
    raise NotHeld(f"{place}: there is no form for {construct}")


def _of_plain(template: str, includes: Includes, place: str) -> Iterator[str | Slot]:  # noqa: ARG001
    yield template


def _of_fstring(template: str, includes: Includes, place: str) -> Iterator[str | Slot]:  # noqa: ARG001
    for text, name, spec, conversion in Formatter().parse(template):
        yield text
        if name is not None:
            yield Slot(name, (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else ""))


def _of_jinja(template: str, includes: Includes, place: str) -> Iterator[str | Slot]:
    from promptdb.render.jinja.outputs import outputs

    try:
        for text, is_variable in outputs(template, includes):
            yield Slot(text) if is_variable else text
    except TemplateError as error:
        refuse(place if error.line is None else f"{place}, line {error.line}", error.message)


def _of_mustache(template: str, includes: Includes, place: str) -> Iterator[str | Slot]:
    from promptdb.render.mustache.engine import compile_template
    from promptdb.render.mustache.parser import Partial, VariableTag

    for node in compile_template(template, includes).body:
        if isinstance(node, str):
            yield node
        elif isinstance(node, VariableTag) and len(node.path) == 1:
            yield Slot(node.path[0])
        elif not isinstance(node, Partial):  # the fragments are in their places
            kind = "name with dots" if isinstance(node, VariableTag) else "section"
            where = place if node.place.fragment is None else f"the fragment {node.place.fragment}"
            refuse(f"{where}, line {node.place.line}", f"the {kind} {node.key!r}")


_READERS: Mapping[TemplateFormat, Callable[[str, Includes, str], Iterator[str | Slot]]] = {
    "plain": _of_plain,
    "f-string": _of_fstring,
    "jinja2": _of_jinja,
    "mustache": _of_mustache,
}
