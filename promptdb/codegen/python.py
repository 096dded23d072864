"""Writes typed prompts as a Python module, whose clients are promptdb's own at run time."""

from collections.abc import Container, Iterable, Iterator, Sequence

from promptdb.codegen.contract import Contract, TypedPrompt, typed
from promptdb.codegen.model import Field, Given
from promptdb.codegen.python_layout import INDENT, WIDTH, Bracket, Union, block, docstring, function, quoted, statement
from promptdb.codegen.python_types import named, values_of

_HEAD = '''\
"""Typed prompts. Import `PromptClient` from here, and it knows them all.

`promptdb codegen` wrote this module from the prompt files: do not edit it.
"""

# These classes refuse other references and values, so they take less than promptdb's.
# mypy: disable-error-code="override"
# pyright: reportIncompatibleMethodOverride=false
# Another format would be a difference to `promptdb codegen --check`.
# fmt: off
'''
_TYPES = """\
    from langchain_core.prompt_values import PromptValue
    from langchain_core.runnables import RunnableConfig
    from promptdb.client.sources.code import Fallback
    from promptdb.render.messages import {messages}
"""
_AT = '''\
    _Name = TypeVar("_Name", bound=PromptName)

    @final
    class _Ref(Generic[_Name]):
        """A reference that `at` made."""

    def at(prompt: _Name, selector: str) -> _Ref[_Name]:
        """Refer to a version by any selector: `at("support/triage", "rev:3")`."""
        raise NotImplementedError
'''
_RUN_TIME = """\
else:

    def at(prompt: str, selector: str) -> str:
        return f"{prompt}:{selector}"

    def __getattr__(name: str) -> type:
        # At run time, the clients are promptdb's, and each prompt is a ResolvedPrompt.
        if name in ("AsyncPromptClient", "PromptClient"):
            return getattr(promptdb, name)
        if name.endswith("Prompt") and f"{name[:-6]}Variables" in globals():
            return promptdb.ResolvedPrompt
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
"""
RENDERERS = {
    "render": "promptdb.PromptRenderResult",
    "render_text": "str",
    "render_messages": "list[RenderedMessage]",
    "to_openai": "dict[str, Any]",
    "to_anthropic": "dict[str, Any]",
}
"""The methods of a prompt that take values by keyword, with their results."""

LOOKUP = ("key: str | None = None", "fallback: Fallback | None = None")
"""The parameters of a lookup besides the reference."""

_ABSTRACT = {"Mapping": Given("object"), "Sequence": Given("messages")}
_RESERVED = ("PromptClient", "AsyncPromptClient", "PromptName", "PromptValue", "RunnableConfig", "Fallback")


def python_module(contracts: Iterable[Contract]) -> str:
    """Write the module for these prompts. Equal contracts give equal bytes."""
    prompts = typed(contracts, _RESERVED)
    fields = [field for prompt in prompts for record in prompt.records for field in named(record)]
    given = {field.type for field in fields if isinstance(field.type, Given)}
    messages = "MessageLike, RenderedMessage" if Given("messages") in given else "RenderedMessage"
    names = Bracket("Literal", tuple(quoted(name) for prompt in prompts for name in prompt.names))
    types = [
        _TYPES.format(messages=messages),
        _AT,
        *(block(_typed_prompt(prompt)) for prompt in prompts),
        block(_client("PromptClient", "def", prompts)),
        block(_client("AsyncPromptClient", "async def", prompts)),
    ]
    defined = set[str]()
    blocks = [written for prompt in prompts for written in values_of(prompt, defined)]
    blocks.append(
        block(statement("PromptName = ", names)) + "\nif TYPE_CHECKING:\n" + "\n".join(types) + "\n" + _RUN_TIME
    )
    imports = _imports(fields, given, is_overloaded=len(prompts) > 1)
    # As isort does: two lines before a class, and one before anything else.
    space = "\n\n" if blocks[0].startswith("class ") else "\n"
    return f"{_HEAD}\n{imports}{space}" + "\n\n".join(blocks)


def _imports(fields: Iterable[Field], given: Container[Given], *, is_overloaded: bool) -> str:
    names = {"TYPE_CHECKING", "Any", "Generic", "Literal", "TypeVar", "Unpack", "final"}
    if is_overloaded:
        names.add("overload")
    if any(not field.is_required for field in fields):
        names.add("NotRequired")
    # As isort does: constants, classes, functions.
    ordered = sorted(names, key=lambda name: (not name.isupper(), name.islower(), name))
    abstract = [name for name, kind in _ABSTRACT.items() if kind in given]
    lines = [f"from collections.abc import {', '.join(abstract)}"] if abstract else []
    line = f"from typing import {', '.join(ordered)}"
    lines += [line] if len(line) <= WIDTH else ["from typing import (", *(f"{INDENT}{name}," for name in ordered), ")"]
    return block([*lines, "", "import promptdb", "from typing_extensions import TypedDict"])


def _typed_prompt(prompt: TypedPrompt) -> Iterator[str]:
    contract, names = prompt.contract, prompt.names
    refs = Bracket("Literal", tuple(map(quoted, prompt.refs)))
    made = tuple(Bracket("_Ref", (Bracket("Literal", (quoted(name),)),)) for name in names)
    yield from statement(f"_{prompt.stem}Ref = ", Union((refs, *made)), INDENT)
    yield ""
    yield f"{INDENT}class {prompt.stem}Prompt(promptdb.ResolvedPrompt):"
    first = f"{contract.prompt}: {contract.title}" if contract.title else str(contract.prompt)
    yield from docstring(f"{first}\n\n{contract.description}", INDENT * 2)
    record = prompt.variables.name
    for method, result in RENDERERS.items():
        yield ""
        values = [f"**variables: Unpack[{record}]"]
        yield from function(f"def {method}", ["self", "/", *values], result, INDENT * 2)
    yield ""
    is_needed = any(field.is_required for field in contract.fields)
    values = [f"variables: {record}" if is_needed else f"variables: {record} | None = None"]
    config = "config: RunnableConfig | None = None"
    yield from function("def invoke", ["self", *values, config], "PromptValue", INDENT * 2)


def _client(name: str, define: str, prompts: Sequence[TypedPrompt]) -> Iterator[str]:
    is_overloaded = len(prompts) > 1
    yield f"{INDENT}class {name}(promptdb.{name}):"
    yield from docstring("Looks up the prompts of this module, and no others.", INDENT * 2)
    for method in ("get", "render"):
        for prompt in prompts:
            yield ""
            if is_overloaded:
                yield f"{INDENT * 2}@overload"
            parameters = ["self", f"ref: _{prompt.stem}Ref"]
            if method == "get":
                parameters += ["*", *LOOKUP]
                result = f"{prompt.stem}Prompt"
            else:
                parameters += ["/", f"**variables: Unpack[{prompt.variables.name}]"]
                result = RENDERERS["render"]
            yield from function(f"{define} {method}", parameters, result, INDENT * 2)
        if is_overloaded:
            yield ""
            only = ", /" if method == "render" else ""
            yield f"{INDENT * 2}{define} {method}(self, ref: Any{only}, **more: Any) -> Any: ..."
