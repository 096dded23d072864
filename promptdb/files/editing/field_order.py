"""The order in which people read the fields of a prompt file: what it is, what it takes, what it says, how it is tested."""

from collections.abc import Iterable

FIELD_ORDER = (
    "$schema",
    "kind",
    "template_format",
    "undefined",
    "role",
    "role_name",
    "name",
    "metadata",
    "model",
    "variables",
    "input_variables",
    "optional_variables",
    "partial_variables",
    "assets",
    "template_file",
    "template",
    "messages",
    "few_shot",
    "tools",
    "response_schema",
    "tests",
    "renamed_from",
)

_MESSAGE = ("role", "role_name", "name", "variable_name", "optional", "template_file", "template", "additional_kwargs")

_ORDERS: dict[tuple[str, ...], tuple[str, ...]] = {
    (): FIELD_ORDER,
    ("metadata",): ("title", "description", "tags", "owners", "labels", "user_version"),
    ("variables", "*"): ("type", "enum", "required", "default", "description"),
    ("assets", "*"): ("path", "kind"),
    ("messages", "*"): _MESSAGE,
    ("few_shot",): (
        "examples_file",
        "examples_asset",
        "insert_at",
        "example_separator",
        "string_template",
        "chat_messages",
        "examples",
    ),
    ("few_shot", "chat_messages", "*"): _MESSAGE,
    ("tests", "*"): ("name", "variables", "expect"),
    ("tests", "*", "expect"): ("equals", "contains", "not_contains", "messages"),
    ("tests", "*", "expect", "messages", "*"): ("role", "content"),
}
"""Place of a mapping -> the order of its keys. `*` stands for any item or name. All other mappings are the author's own."""


def ranks(path: tuple[str, ...], keys: Iterable[str]) -> list[int] | None:
    """Give each key its rank in the mapping at a path; None where the author decides. Unknown keys come last."""
    order = _ORDERS.get(path)
    if order is None:
        return None
    return [order.index(key) if key in order else len(order) for key in keys]


def below(path: tuple[str, ...], key: str | None) -> tuple[str, ...]:
    """Return the path of a value in the mapping or list at a path. `key` is None for an item of a list."""
    return (*path, "*" if key is None or path == ("variables",) else key)
