"""Hypothesis strategies for texts, JSON data and specs, with what file formats like to get wrong."""

from typing import Any

from hypothesis import strategies as st

from promptdb.domain.spec import PromptSpec

AWKWARD_TEXTS = (
    "",
    " ",
    "no",
    "Yes",
    "on",
    "~",
    "null",
    "NULL",
    "True",
    "0o17",
    "0x1F",
    "010",
    "1e5",
    "1_000",
    "+1",
    ".5",
    "1.",
    ".inf",
    ".nan",
    "12:30:45",
    "2026-04-01",
    "=",
    "<<",
    "---",
    "---\n",
    "--- x",
    "...",
    "---\nrole: system\n---\nhi",
    "a\n---\nb",
    "- a",
    "? a",
    ": a",
    "a: b",
    "a #b",
    "# a",
    "'",
    '"',
    "|",
    ">-",
    "&a",
    "*a",
    "!a",
    "%a",
    "@a",
    "`a",
    "{a",
    "a}",
    "[a",
    "{{x}} {y} {% z %}",
    "a \nb ",
    "\na",
    "a\n",
    "a\n\n",
    "\n",
    "  a\nb",
    " a\n  b\n",
    "\ta\n\tb",
    "a\tb",
    "a\rb",
    "a\r",
    "a\r\nb",
    "\ufeffa",
    "a\u0085b",
    "a\nb\u0085",
    "a\u2028b\u2029",
    "a\n\u2028b",
    "\x07",
    "\x1b[0m\n",
    "\x7f",
    "\u200b",
    "\ud7ff\ue000\ufffd",
    "é €\n😀",
    "\\u0000 \\ud800",
    "word " * 60,
    "a  b " * 40,
    "x" * 300,
)


def texts() -> st.SearchStrategy[str]:
    """Text that a prompt can hold: everything but U+0000 and halves of surrogate pairs."""
    character = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
    return st.sampled_from(AWKWARD_TEXTS) | st.text(character, max_size=30) | st.text("ab \n\t-:#'\"{}", max_size=30)


def json_data() -> st.SearchStrategy[Any]:
    scalars = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.integers(10**17, 10**40)
        | st.floats(allow_nan=False, allow_infinity=False)
        | texts()
    )
    return st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | _objects(inner), max_leaves=6)


def json_objects() -> st.SearchStrategy[dict[str, Any]]:
    return _objects(json_data())


def _objects(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(texts(), values, max_size=3)


def _messages() -> st.SearchStrategy[dict[str, Any]]:
    role = st.sampled_from(["system", "human", "ai", "tool"]).map(lambda name: {"role": name})
    generic = texts().filter(bool).map(lambda name: {"role": "generic", "role_name": name})
    rest = st.fixed_dictionaries(
        {"template": texts() | st.lists(json_objects(), max_size=2)},
        optional={"name": texts(), "additional_kwargs": json_objects()},
    )
    return st.builds(lambda who, fields: {**who, **fields}, role | generic, rest)


def _variables() -> st.SearchStrategy[dict[str, Any]]:
    untyped = st.fixed_dictionaries({}, optional={"required": st.booleans(), "description": texts()})
    with_default = st.fixed_dictionaries({"type": st.just("string"), "default": texts()})
    with_enum = st.fixed_dictionaries({"enum": st.lists(json_data(), min_size=1, max_size=3)})
    return st.dictionaries(texts(), untyped | with_default | with_enum, max_size=3)


_SHARED: dict[str, st.SearchStrategy[Any]] = {
    "variables": _variables(),
    "model": json_objects(),
    "tools": st.lists(json_objects(), max_size=2),
    "response_schema": json_objects(),
    "metadata": st.fixed_dictionaries(
        {},
        optional={
            "title": texts(),
            "description": texts(),
            "tags": st.lists(texts(), max_size=2),
            "owners": st.lists(texts(), max_size=2),
            "labels": st.dictionaries(texts(), texts(), max_size=2),
            "user_version": st.sampled_from(["1.0", "no", "2026-04-01", "v1:b", "é"]),
        },
    ),
}
_FEW_SHOT = st.fixed_dictionaries(
    {
        "examples": st.lists(json_objects(), min_size=1, max_size=2),
        "chat_messages": st.lists(_messages(), min_size=1, max_size=2),
    },
    optional={"insert_at": st.just(0), "example_separator": texts()},
)


def string_prompts() -> st.SearchStrategy[PromptSpec]:
    fields = st.fixed_dictionaries({"template": texts()}, optional=_SHARED)
    return fields.map(lambda data: _spec("string", data))


def chat_prompts() -> st.SearchStrategy[PromptSpec]:
    slot = texts().map("slot {}".format)  # a name of its own: it could not be declared as text
    placeholder = st.fixed_dictionaries({"variable_name": slot}, optional={"optional": st.booleans()})
    items = st.lists(_messages() | placeholder, min_size=1, max_size=3)
    fields = st.fixed_dictionaries({"messages": items}, optional={**_SHARED, "few_shot": _FEW_SHOT})
    return fields.map(lambda data: _spec("chat", data))


def _spec(kind: str, data: dict[str, Any]) -> PromptSpec:
    """In format `plain`, so that any text is a valid template."""
    return PromptSpec.model_validate({"kind": kind, "template_format": "plain", **data})
