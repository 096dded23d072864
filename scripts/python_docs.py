"""Prints docs/python-reference.md from the docstrings: `python scripts/python_docs.py > docs/python-reference.md`. A test
compares the two."""

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from typing import Any

from pydantic import BaseModel

import promptdb
from promptdb.errors import PromptDBError

_INTRODUCTION = """\
# Python reference

The public names of the package `promptdb`, from their docstrings. [Python](python.md) shows most of them at work, and
[errors](errors.md#in-python) lists the classes of errors.
"""
PUBLIC = {name: getattr(promptdb, name) for name in sorted(promptdb.__all__)}


def document() -> str:
    return "\n".join([_INTRODUCTION, *(_entry(name, value) for name, value in PUBLIC.items())])


def _entry(name: str, value: Any) -> str:
    heading = f"## {name}\n"
    if not inspect.isclass(value):
        return f"{heading}\n`{_signature(name, value)}`\n\n{_prose(value)}\n"
    bases = [other for other in PUBLIC if PUBLIC[other] in value.__mro__[1:] or _stores_blobs(value, other)]
    linked = ", ".join(f"[{base}](#{base.lower()})" for base in bases)
    parts = [heading, _call(name, value), _prose(value), f"It has all of {linked}." if bases else "", _fields(value)]
    parts += [f"### {name}.{member}\n\n{text}" for member, text in _members(value)]
    return "\n".join(f"{part.rstrip()}\n" for part in parts if part)


def _stores_blobs(value: type, name: str) -> bool:
    """Report if a class follows the protocol of this name without deriving from it."""
    return name == "BlobStore" and value is not promptdb.BlobStore and hasattr(value, "put_all")


def _call(name: str, value: type) -> str:
    init = value.__dict__.get("__init__")
    own = inspect.isfunction(init) and not is_dataclass(value) and not issubclass(value, BaseModel | PromptDBError)
    return f"`{_signature(name, init)}`" if own and "Protocol" not in str(value.__bases__) else ""


def _members(owner: type) -> Iterator[tuple[str, str]]:
    """Describe the public methods and properties that no public base has."""
    bases = [other for other in PUBLIC.values() if inspect.isclass(other) and other in owner.__mro__[1:]]
    for name in sorted(dir(owner)):
        if name.startswith("_") or name == "model_post_init" or any(hasattr(base, name) for base in bases):
            continue
        member = inspect.getattr_static(owner, name)
        if isinstance(member, classmethod):
            member = member.__func__
        function = getattr(member, "fget", None) or getattr(member, "func", None) or member
        if not inspect.isfunction(function) or not function.__module__.startswith("promptdb."):
            continue
        if function.__doc__ or not _stores_blobs(owner, "BlobStore"):
            shown = _signature(name, function) if function is member else f"{name}: {_returned(_definition(function))}"
            yield name, f"`{shown}`\n\n{_prose(function)}"


def _signature(name: str, function: Callable[..., Any]) -> str:
    """Write a call as the source has it, without `self`."""
    definition = _definition(function)
    arguments = re.sub(r"^(self|cls)(, |$)", "", ast.unparse(definition.args)).replace("=", " = ")
    start = "await " if isinstance(definition, ast.AsyncFunctionDef) else ""
    return f"{start}{name}({arguments})" + ("" if function.__name__ == "__init__" else f" -> {_returned(definition)}")


def _returned(definition: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return ast.unparse(definition.returns) if definition.returns else "None"


def _definition(function: Callable[..., Any]) -> ast.FunctionDef | ast.AsyncFunctionDef:
    """Parse the source of a function, and take away the quotes of annotations, which only spare an import."""
    [found] = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef)  # noqa: S101
    found.returns = _unquoted(found.returns)
    for argument in ast.walk(found.args):
        if isinstance(argument, ast.arg):
            argument.annotation = _unquoted(argument.annotation)
    return found


def _unquoted(annotation: ast.expr | None) -> ast.expr | None:
    quoted = isinstance(annotation, ast.Constant) and isinstance(annotation.value, str)
    return ast.parse(annotation.value, mode="eval").body if quoted else annotation


def _fields(owner: type) -> str:
    """List the fields of a value with their types, as the source has them."""
    if owner is promptdb.AppSettings:
        return "The fields are the [settings](settings.md)."
    if not is_dataclass(owner) and not issubclass(owner, BaseModel):
        return ""
    public = [other for other in PUBLIC.values() if other is not owner]
    bases = [base for base in reversed(owner.__mro__) if base.__module__.startswith("promptdb.") and base not in public]
    rows = "".join(
        f"| `{field.target.id}` | `{_text(field.annotation)}` |\n"
        for base in bases
        for field in ast.parse(textwrap.dedent(inspect.getsource(base))).body[0].body  # type: ignore[attr-defined]
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and field.target.id[0] != "_"
    )
    return f"| field | type |\n|---|---|\n{rows}"


def _text(annotation: ast.expr) -> str:
    found = _unquoted(annotation) or annotation
    if isinstance(found, ast.Subscript) and ast.unparse(found.value) == "Annotated":
        found = found.slice.elts[0]  # type: ignore[attr-defined]
    return ast.unparse(found).replace("|", "\\|")


def _prose(value: Any) -> str:
    """Write a docstring in Google's form as paragraphs and lists."""
    text = re.sub(r"docs/([\w-]+)\.md", r"[\1](\1.md)", inspect.cleandoc(value.__doc__ or ""))
    blocks = re.split(r"^(Args|Raises|Returns|Yields):\n((?:(?: {4}.*)?(?:\n|\Z))+)", text, flags=re.MULTILINE)
    parts = [blocks[0]]
    for title, block, rest in zip(blocks[1::3], blocks[2::3], blocks[3::3], strict=True):
        entries = re.findall(r"^(\S.*(?:\n +.*)*)", textwrap.dedent(block), re.MULTILINE)
        lines = [re.sub(r"^([\w*, ]+): ", _names, " ".join(entry.split())) for entry in entries]
        parts += [f"{title}:\n\n" + "\n".join(f"- {line}" for line in lines), rest]
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def _names(found: re.Match[str]) -> str:
    return ", ".join(f"`{name.strip()}`" for name in found[1].split(",")) + ": "


if __name__ == "__main__":
    sys.stdout.write(document())
