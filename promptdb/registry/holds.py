"""Holds: aliases that were moved by hand away from the version that git gives them, until someone releases them."""

from datetime import UTC, datetime

from promptdb.db.engine import reading, writing
from promptdb.db.git_targets import read_holds
from promptdb.db.lookup import existing_name
from promptdb.db.repository import PromptRepository
from promptdb.db.retry import retried
from promptdb.db.writer import RegistryWriter
from promptdb.domain.aliases import RELEASE, AliasMove, AliasTarget
from promptdb.domain.holds import Hold
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import parse_alias
from promptdb.errors import NotFound
from promptdb.registry.aliases import require_storable, write_moves
from promptdb.registry.stores import Registry


@retried
def holds_of(registry: Registry, prompt: PromptId | None = None) -> list[Hold]:
    """Read the holds of one prompt, or of all prompts."""
    with reading(registry.engine) as connection:
        return read_holds(connection, existing_name(connection, prompt) if prompt is not None else None)


@retried
def release(registry: Registry, prompt: PromptId, alias: str, reason: str | None = None) -> Hold:
    """End a hold, and log that. The next sync moves the alias to the version that git gives it.

    Raises:
        InvalidRef: `alias` is malformed.
        NotFound: the prompt does not exist, or the alias is not held.
        ConfigError: the reason cannot be stored.
    """
    parse_alias(alias)
    require_storable(reason)
    with writing(registry.engine) as connection:
        name = existing_name(connection, prompt)
        hold = next((hold for hold in read_holds(connection, name) if hold.alias == alias), None)
        if hold is None:
            raise NotFound(f"{name}:{alias} is not held", "'promptdb status' shows the holds")
        repository = PromptRepository(connection)
        there = next(iter(repository.aliases(name, alias)), None)
        target = AliasTarget(there.revision, there.version_id, split=there.split) if there is not None else None
        generation = repository.generations(alias, name)[name]
        event = AliasMove.between(name, alias, RELEASE, there, target, generation, reason)
        write_moves(RegistryWriter(connection, datetime.now(UTC)), registry.actor, [event], repository.ids([name]))
    return hold
