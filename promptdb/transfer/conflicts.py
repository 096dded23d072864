"""Where two histories do not agree: told by the first prompt at which they part."""

import sqlalchemy as sa

from promptdb.errors import Conflict
from promptdb.transfer.source import Source
from promptdb.transfer.staging import INCOMING, equal
from promptdb.transfer.tables import table

_APART = (
    "nothing was written; import it into another registry, or 'promptdb register-file' the text that is missing here"
)


def require_agreement(connection: sa.Connection, source: Source) -> None:
    """Before anything is written.

    Raises:
        Conflict: a revision has other content here, or a name belongs to another prompt.
    """
    versions, real = INCOMING["prompt_versions"], table("prompt_versions")
    prompts = INCOMING["prompts"]
    query = (
        sa.select(prompts.c.namespace, prompts.c.name, real.c.revision, real.c.spec_hash, versions.c.spec_hash)
        .select_from(versions)
        .join(prompts, prompts.c.id == versions.c.prompt_id)
        .join(real, equal(real, versions, ("prompt_id", "revision")))
        .where(real.c.id != versions.c.id)
        .order_by(prompts.c.namespace, prompts.c.name, real.c.revision)
        .limit(1)
    )
    if (row := connection.execute(query).first()) is not None:
        namespace, name, revision, here, there = row
        message = f"revision {revision} of {namespace}/{name} is {here[:19]} here and {there[:19]} in {source.name}"
        raise Conflict(message, _APART)
    _require_own_names(connection, source)


def _require_own_names(connection: sa.Connection, source: Source) -> None:
    """A prompt that is new here takes no name that another one has."""
    prompts, own = INCOMING["prompts"], table("prompts")
    query = (
        sa.select(prompts.c.namespace, prompts.c.name)
        .join(own, equal(own, prompts, ("namespace", "name")))
        .where(own.c.id != prompts.c.id, ~sa.exists().where(_same_prompt()))
        .order_by(prompts.c.namespace, prompts.c.name)
        .limit(1)
    )
    if (row := connection.execute(query).first()) is not None:
        message = f"{row[0]}/{row[1]} of {source.name} and the prompt of that name here are not the same prompt"
        raise Conflict(message, "one of them was renamed; nothing was written; 'promptdb mv' the one here first")


def require_sound(connection: sa.Connection, source: Source) -> None:
    """After it: of the prompts that came in, revisions have no gaps, and a `user_version` names one content.

    Raises:
        Conflict: a revision is missing before one that came in, or a label names other content here.
    """
    versions, prompts, incoming = table("prompt_versions"), table("prompts"), INCOMING["prompt_versions"]
    touched = sa.exists().where(incoming.c.prompt_id == prompts.c.id)
    name = (prompts.c.namespace, prompts.c.name)
    of_prompt = sa.select(*name).join(versions, versions.c.prompt_id == prompts.c.id).where(touched)
    newest, count = sa.func.max(versions.c.revision), sa.func.count()
    query = of_prompt.add_columns(prompts.c.id).group_by(prompts.c.id, *name).having(newest != count).order_by(*name)
    if (row := connection.execute(query.limit(1)).first()) is not None:
        own = sa.select(versions.c.revision).where(versions.c.prompt_id == row.id).order_by(versions.c.revision)
        numbers = list(connection.execute(own).scalars())
        gap = next(index for index, number in enumerate(numbers, 1) if index != number)
        after = f"there are {gap - 1} here" if gap > 1 else "there is none here"
        message = f"revision {numbers[gap - 1]} of {row[0]}/{row[1]} in {source.name} cannot come next: {after}"
        hint = f"nothing was written; import revision {gap} first, or a whole registry: promptdb export --all"
        raise Conflict(message, hint)
    labels = of_prompt.add_columns(versions.c.user_version).where(versions.c.user_version.is_not(None))
    digests = sa.func.count(sa.distinct(versions.c.spec_hash))
    labels = labels.group_by(*name, versions.c.user_version).having(digests > 1).order_by(*name)
    if (found := connection.execute(labels.limit(1)).first()) is not None:
        message = f"user_version {found[2]!r} of {found[0]}/{found[1]} names other content here than in {source.name}"
        raise Conflict(message, _APART)


def _same_prompt() -> sa.ColumnElement[bool]:
    real = table("prompts").alias()
    return real.c.id == INCOMING["prompts"].c.id
