"""Finds the versions of many references in one state of the database."""

from collections import defaultdict
from collections.abc import Sequence

import sqlalchemy as sa

from promptdb.db.lookup import find_version, find_versions
from promptdb.db.repository import ReadAssets, chunks
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import LATEST, ByLabel, Latest, PromptRef
from promptdb.domain.views import StoredVersion
from promptdb.errors import IntegrityFailure, NotFound, PromptDBError


def find_each(
    connection: sa.Connection, refs: Sequence[PromptRef], assets: ReadAssets | None = None
) -> list[StoredVersion | PromptDBError]:
    """Find the version of each reference, or the reason why there is none, in the order of the references.

    Those with the same alias share a SELECT, so that a change of a thousand prompts is not a thousand requests of each client.
    """
    pointed = _pointed(connection, refs, assets)
    return [pointed.get((ref.prompt, _alias(ref))) or _one(connection, ref, assets) for ref in refs]


def _pointed(
    connection: sa.Connection, refs: Sequence[PromptRef], assets: ReadAssets | None
) -> dict[tuple[PromptId, str | None], StoredVersion]:
    wanted: dict[str, set[PromptId]] = defaultdict(set)
    for ref in refs:
        if (alias := _alias(ref)) is not None:
            wanted[alias].add(ref.prompt)
    return {
        (stored.view.prompt, alias): stored
        for alias, prompts in wanted.items()
        if len(prompts) > 1
        for chunk in chunks(sorted(prompts))
        for stored in find_versions(connection, alias, assets=assets, names=chunk)
    }


def _alias(ref: PromptRef) -> str | None:
    match ref.selector:
        case Latest():
            return LATEST
        case ByLabel(label):
            return label
        case _:
            return None


def _one(connection: sa.Connection, ref: PromptRef, assets: ReadAssets | None) -> StoredVersion | PromptDBError:
    """Find what is not among those: a label, an earlier name, another selector, or nothing."""
    try:
        return find_version(connection, ref, assets)
    except (NotFound, IntegrityFailure) as error:
        return error
