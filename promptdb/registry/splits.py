"""Decides traffic splits of aliases, and their ends."""

import sqlalchemy as sa

from promptdb.db.engine import reading
from promptdb.db.lookup import existing_name, find_version
from promptdb.db.retry import retried
from promptdb.domain.aliases import AliasMove, AliasTarget
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import PromptRef, parse_alias
from promptdb.domain.splits import Arm, Arms, Split, require_count
from promptdb.domain.views import PromptVersionView
from promptdb.errors import Conflict
from promptdb.registry.aliases import existing_alias, promotion
from promptdb.registry.stores import Registry


@retried
def decide_split(registry: Registry, prompt: PromptId, alias: str, arms: Arms) -> AliasMove:
    """Decide to split an old or new alias.

    Raises:
        InvalidRef: the alias, a selector or a weight is malformed, or a revision is given twice.
        NotFound: there is no such prompt or version.
        Conflict: the weights were changed too often.
    """
    parse_alias(alias)
    with reading(registry.engine) as connection:
        return splitting(connection, existing_name(connection, prompt), alias, arms)


def splitting(connection: sa.Connection, prompt: PromptId, alias: str, arms: Arms) -> AliasMove:
    """Make the move that splits an alias. Errors as in `decide_split`."""
    require_count(arms)
    found = [(_version(connection, prompt, selector), weight) for selector, weight in arms]
    split = Split.of(Arm(version.revision, weight) for version, weight in found)
    control = found[0][0]
    return promotion(connection, prompt, AliasTarget(control.revision, control.id, split=split), alias, action="split")


@retried
def decide_end(registry: Registry, prompt: PromptId, alias: str, selector: str) -> AliasMove:
    """Decide to end the split of an alias, with one of its arms.

    Raises:
        InvalidRef: the alias or the selector is malformed.
        NotFound: there is no such prompt, alias or version.
        Conflict: the alias has no split, or the version is not an arm of it.
    """
    parse_alias(alias)
    with reading(registry.engine) as connection:
        there = existing_alias(connection, prompt, alias)
        name = there.prompt
        if there.split is None:
            hint = f"'promptdb promote {name}:{selector} {alias}' points it at a version"
            raise Conflict(f"{name}:{alias} has no split", hint)
        winner = _version(connection, name, selector)
        if winner.revision not in there.split.revisions:
            hint = f"its arms: {there.split}; 'promptdb promote' ends the split with any version"
            raise Conflict(f"rev:{winner.revision} is not an arm of {name}:{alias}", hint)
        return promotion(connection, name, AliasTarget(winner.revision, winner.id), alias)


def _version(connection: sa.Connection, prompt: PromptId, selector: str) -> PromptVersionView:
    return find_version(connection, PromptRef.parse(f"{prompt}:{selector}")).view
