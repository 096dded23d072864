"""The JSON of aliases and of their moves."""

import json
from typing import Any

from promptdb.api.preconditions import etag_of
from promptdb.domain.alias_condition import alias_state
from promptdb.domain.kept_answer import KeptAnswer
from promptdb.domain.splits import split_fields
from promptdb.domain.views import AliasView
from promptdb.registry.requested_moves import Moved


def alias_fields(view: AliasView) -> dict[str, Any]:
    return {
        "prompt": str(view.prompt),
        "alias": view.alias,
        "revision": view.revision,
        "version_id": str(view.version_id),
        "generation": view.generation,
        "updated_at": view.updated_at.isoformat(),
        "split": split_fields(view.split),
        "held": view.held,
    }


def answer_to(moved: Moved) -> KeptAnswer:
    """Make the answer to a move. An alias that exists has its ETag in the header, for the next move."""
    move, after = moved.move, moved.after
    fields = {
        "prompt": str(move.prompt),
        "alias": move.alias,
        "action": move.action,
        "moved": move.is_needed,
        "from_revision": move.from_revision,
        "to_revision": move.to_revision,
        "from_split": split_fields(move.from_split),
        "to_split": split_fields(move.to_split),
        "from_version": move.from_version and str(move.from_version),
        "to_version": move.to_version and str(move.to_version),
        "generation": move.generation + move.is_needed,
        "breaking": [{"kind": one.kind, "name": one.name, "message": one.message} for one in move.breaking],
        "held": move.is_held,
    }
    status = 201 if moved.before is None else 200
    return KeptAnswer(
        status, None if after is None else etag_of(alias_state(after), held=move.is_held), json.dumps(fields)
    )
