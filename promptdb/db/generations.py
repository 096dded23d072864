"""The generation of a registry: a number that grows with each transaction that changes a prompt or an alias."""

from collections.abc import Collection

import sqlalchemy as sa

from promptdb.db.columns import changes, generations, registries
from promptdb.domain.delivery import Changes, Generation
from promptdb.domain.prompt_id import PromptId


def raise_generation(connection: sa.Connection, prompts: Collection[PromptId] | None) -> None:
    """Note in the transaction that changes them which prompts give another version. None means any prompt."""
    number = connection.execute(
        sa.update(generations).values(number=generations.c.number + 1).returning(generations.c.number)
    ).scalar_one()
    if prompts is None:
        connection.execute(sa.update(generations).values(changed_all=number))
        return
    rows = [{"namespace": prompt.namespace, "name": prompt.name, "generation": number} for prompt in prompts]
    where = (changes.c.namespace == sa.bindparam("_namespace"), changes.c.name == sa.bindparam("_name"))
    keys = [{"_namespace": prompt.namespace, "_name": prompt.name} for prompt in prompts]
    connection.execute(sa.delete(changes).where(*where), keys)
    connection.execute(sa.insert(changes), rows)


def generation_of(connection: sa.Connection) -> Generation:
    """Read the present generation."""
    return _now(connection)[0]


def changes_since(connection: sa.Connection, since: Generation | None) -> Changes:
    """Find the prompts that changed after a generation: any of them, if that is of another or a restored registry."""
    now, changed_all = _now(connection)
    if since == now:
        return Changes(now, frozenset())
    if since is None or since.registry != now.registry or not changed_all <= since.number <= now.number:
        return Changes(now)
    query = sa.select(changes.c.namespace, changes.c.name).where(changes.c.generation > since.number)
    return Changes(now, frozenset(PromptId(found.namespace, found.name) for found in connection.execute(query)))


def _now(connection: sa.Connection) -> tuple[Generation, int]:
    """Read the present generation, and the last one in which any prompt may have changed."""
    row = connection.execute(
        sa.select(registries.c.id, generations.c.number, generations.c.changed_all).join(generations, sa.true())
    ).one()
    return Generation(row.id, row.number), row.changed_all
