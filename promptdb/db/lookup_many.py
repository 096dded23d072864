"""Finds the versions of many references in one state of the database."""

from collections import defaultdict
from collections.abc import Collection, Sequence

import sqlalchemy as sa

from promptdb.db.columns import versions
from promptdb.db.lookup import edited, find_version, find_versions, first_commit, found_in
from promptdb.db.repository import ReadAssets, chunks, named, select_versions
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


def find_revisions(
    connection: sa.Connection, prompt: PromptId, revisions: Collection[int], assets: ReadAssets | None = None
) -> list[StoredVersion]:
    """Find some revisions of a prompt by its present name with one SELECT. Revisions that do not exist are left out.

    Raises:
        IntegrityFailure: a row was edited.
    """
    query = (
        select_versions()
        .add_columns(versions.c.spec_json, versions.c.prompt_id, first_commit().label("commit_id"))
        .add_columns(sa.null().label("alias"), sa.null().label("split_json"))
        .where(*named(prompt), versions.c.revision.in_(revisions))
    )
    try:
        return [found_in(row, prompt, assets) for row in connection.execute(query).all()]
    except IntegrityFailure as error:
        raise edited(prompt) from error


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
