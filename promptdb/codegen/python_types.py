"""Writes the types of values and answers as Python: typed dictionaries, and aliases of other types."""

import keyword
import unicodedata
from collections.abc import Iterator

from promptdb.codegen.contract import TypedPrompt
from promptdb.codegen.model import (
    Anything,
    Either,
    Field,
    Given,
    ListOf,
    MapOf,
    Named,
    OneOf,
    Record,
    Scalar,
    Type,
    names_in,
    reasons,
)
from promptdb.codegen.prose import about, left_out, wrapped
from promptdb.codegen.python_layout import (
    INDENT,
    WIDTH,
    Bracket,
    Expression,
    Union,
    block,
    docstring,
    entry,
    quoted,
    statement,
    text,
)

_SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_GIVEN: dict[str, Expression] = {
    "array": Union((Bracket("list", ("Any",)), Bracket("tuple", ("Any", "...")))),
    "object": Bracket("Mapping", ("str", "Any")),
    "messages": Bracket("Sequence", ("MessageLike",)),
}
_IN_TYPES = frozenset(
    {*_SCALARS.values(), "list", "dict", "tuple", "Any", "Mapping", "Sequence", "MessageLike", "Literal", "NotRequired"}
)


def values_of(prompt: TypedPrompt, defined: set[str]) -> Iterator[str]:
    """Write the types of the values and of the answer of a prompt, each as one text.

    Adds their names to `defined`, which has those that stand above.
    """
    yield block(_record(prompt.variables, defined))
    if prompt.answer is None:
        return
    said = f"The answer to {prompt.contract.prompt}."
    for record in prompt.answer.records:
        part = said if record.name == prompt.answer.name else "A part of an answer."
        yield block(_record(record, defined, part))
    if prompt.answer.type != Named(prompt.answer.name):
        comments = [said, *left_out(reasons(prompt.answer.type))]
        lines = [f"# {line}".rstrip() for comment in comments for line in wrapped(comment, WIDTH - 2)]
        lines += statement(f"{prompt.answer.name} = ", _annotation(prompt.answer.type, defined))
        yield block(lines)
        defined.add(prompt.answer.name)


def _record(record: Record, defined: set[str], part: str = "") -> Iterator[str]:
    fields = named(record)
    if all(_is_plain(field.name) for field in fields):
        yield f"class {record.name}(TypedDict):"
        yield from list(docstring(record.description, INDENT)) or docstring(part, INDENT)
        if fields:
            yield ""
        for field in fields:
            yield from statement(f"{field.name}: ", _of_field(field, defined), INDENT)
            if said := about(field):
                yield from docstring(said, INDENT)
    else:
        # Some keys cannot stand in a class.
        yield from (f"# {line}".rstrip() for line in wrapped(record.description, WIDTH - 2) or [part])
        yield f"{record.name} = TypedDict("
        yield f"{INDENT}{quoted(record.name)},"
        yield f"{INDENT}{{"
        for field in fields:
            yield from (f"{INDENT * 2}# {line}".rstrip() for line in wrapped(about(field), WIDTH - 10))
            yield from entry(quoted(field.name), _of_field(field, defined), INDENT * 2)
        yield f"{INDENT}}},"
        yield ")"
    defined.add(record.name)


def named(record: Record) -> list[Field]:
    """List the fields that can be written."""
    # Checkers refuse an empty key.
    return [field for field in record.fields if field.name]


def _is_plain(name: str) -> bool:
    """Report whether a key can stand in a class, where it hides no type and keeps its spelling."""
    return (
        name.isidentifier()
        and not keyword.iskeyword(name)
        and not name.startswith("__")
        and name not in _IN_TYPES
        and name == unicodedata.normalize("NFKC", name)
    )


def _of_field(field: Field, defined: set[str]) -> Expression:
    annotation = _annotation(field.type, defined)
    return annotation if field.is_required else Bracket("NotRequired", (annotation,))


def _annotation(kind: Type, defined: set[str]) -> Expression:
    found = _expression(kind)
    # Only a checker knows the type of messages: its import takes time.
    is_later = kind == Given("messages") or not defined.issuperset(names_in(kind))
    return quoted(text(found)) if is_later else found


def _expression(kind: Type) -> Expression:
    match kind:
        case Scalar(name):
            return _SCALARS[name]
        case OneOf(values):
            written = tuple(_value(value) for value in values if value is not None)
            literal = (Bracket("Literal", written),) if written else ()
            return _union((*literal, "None") if None in values else literal)
        case ListOf(item):
            return Bracket("list", (_expression(item),))
        case MapOf(value):
            return Bracket("dict", ("str", _expression(value)))
        case Either(members):
            return _union(tuple(map(_expression, members)))
        case Named(name):
            return name
        case Anything():
            return "Any"
        case Given(name):
            return _GIVEN[name]


def _union(members: tuple[Expression, ...]) -> Expression:
    flat = [one for member in members for one in (member.members if isinstance(member, Union) else (member,))]
    # None stands at the end, as people write it.
    ordered = sorted(dict.fromkeys(flat), key=lambda member: member == "None")
    return ordered[0] if len(ordered) == 1 else Union(tuple(ordered))


def _value(value: str | float) -> str:
    return quoted(value) if isinstance(value, str) else repr(value)
