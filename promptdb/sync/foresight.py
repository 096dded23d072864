"""What a sync would break for the callers behind protected aliases, before it is performed."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

import sqlalchemy as sa

from promptdb.db.lookup import find_version, stored_specs
from promptdb.domain.identity import PromptId
from promptdb.domain.moves import AliasMove
from promptdb.domain.plan import Desired, Plan
from promptdb.domain.refs import ByRevision, PromptRef
from promptdb.errors import Guard
from promptdb.sync.content import Content
from promptdb.sync.pointers import Due, Pointers
from promptdb.sync.protection import asked_for, broken_between, refusal


def with_broken(
    connection: sa.Connection,
    pointers: Pointers,
    protected: Collection[str],
    items: dict[PromptId, Desired],
    content: Callable[[Desired], Content],
) -> Iterator[AliasMove]:
    """The moves, those of protected aliases with what they break.

    Args:
        connection: sees the registry as it is.
        pointers: what would move.
        protected: names of aliases.
        items: the prompts of the tree.
        content: what is behind one of them.
    """
    for due in pointers.due:
        if due.there is None or due.move.alias not in protected:
            yield due.move
            continue
        old = stored_specs(connection, [due.there.version_id])[due.there.version_id]
        item = items.get(due.move.prompt)
        is_in_tree = item is not None and item.digest == due.target.digest
        new = content(item).canonical.decode() if item is not None and is_in_tree else _stored(connection, due)
        yield replace(due.move, breaking=broken_between(old, new))


def require_unbroken(intended: Plan) -> None:
    """
    Raises:
        Guard: a sync would refuse the plan, since it breaks callers of protected aliases.
    """
    refused = [move for move in intended.moves if move.breaking]
    if refused:
        error = refusal([(move, move.breaking) for move in refused])
        raise Guard(error.message, f"{asked_for([move.reason for move in refused])}; {error.hint}")


def _stored(connection: sa.Connection, due: Due) -> str:
    prompt = due.there.prompt if due.there is not None else due.move.prompt
    ref = PromptRef(prompt, ByRevision(due.target.revision), f"{prompt}:rev:{due.target.revision}")
    return find_version(connection, ref).spec_json
