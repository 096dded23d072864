"""A CSV file with a prompt in each row."""

import csv
from dataclasses import replace
from io import StringIO

from promptdb.files.tree import MAX_TEXT_BYTES
from promptdb.neighbours.foreign import ForeignPrompt, Loss, NotHeld, compact
from promptdb.neighbours.reading import text_in

SUFFIXES = (".csv",)

_TEXTS = ("prompt", "template", "text", "system_prompt", "prompts")
_NAMES = ("name", "id", "act", "title")
_ROWS = 10_000


def read(data: bytes) -> list[ForeignPrompt]:
    """Read the rows. The first one names the columns."""
    csv.field_size_limit(MAX_TEXT_BYTES)
    try:
        found = csv.DictReader(StringIO(text_in(data), newline=""), strict=True)
        rows = list(found)
    except csv.Error as error:
        raise NotHeld(f"it is not CSV: {error}") from error
    columns = {column.strip().lower(): column for column in found.fieldnames or [] if column}
    if len(columns) < sum(1 for column in found.fieldnames or [] if column):
        raise NotHeld("two columns have the same name")
    text = next((columns[name] for name in _TEXTS if name in columns), None)
    name = next((columns[name] for name in _NAMES if name in columns), None)
    if text is None:
        raise NotHeld(f"it has no column for the text; one is named {', '.join(_TEXTS)}")
    if len(rows) > _ROWS:
        raise NotHeld(f"it has more than {_ROWS:,} rows")
    used = {text, name, columns.get("description"), columns.get("title")} - {None}
    full = [(at, row) for at, row in enumerate(rows, 2) if (row[text] or "").strip()]
    if not full:
        raise NotHeld(f"no row has a text in the column {text!r:.60}")
    made = [_prompt(row, text, name, columns, used, at) for at, row in full]
    empty = tuple(
        Loss(f"row {at}", "it has no text")
        for at, row in enumerate(rows, 2)
        if not (row[text] or "").strip() and any(row.values())
    )
    return [replace(made[0], losses=(*made[0].losses, *empty)), *made[1:]]


def _prompt(
    row: dict[str, str | None], text: str, name: str | None, columns: dict[str, str], used: set[str | None], at: int
) -> ForeignPrompt:
    metadata = compact(title=row.get(columns.get("title", "")), description=row.get(columns.get("description", "")))
    losses = tuple(
        Loss(f"row {at}, {'the cells without a column' if column is None else column}", "promptdb has no field for it")
        for column, value in row.items()
        if column not in used and value
    )
    fields = compact(template_format="plain", metadata=metadata, template=(row[text] or "").strip("\n"))
    return ForeignPrompt((row[name] or None) if name is not None else None, fields, losses)
