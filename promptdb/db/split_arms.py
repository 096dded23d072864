"""Reads the versions of the arms of splits."""

from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa

from promptdb.db.columns import prompts, versions
from promptdb.db.lookup import first_commit
from promptdb.db.repository import ReadAssets, among, select_versions, stored_of
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.views import StoredVersion
from promptdb.errors import IntegrityFailure, PromptDBError

_Key = tuple[PromptId, int]


def with_arms(
    connection: sa.Connection, found: Sequence[StoredVersion | PromptDBError], assets: ReadAssets | None = None
) -> list[StoredVersion | PromptDBError]:
    """Add the versions of the other arms to each version whose alias has a split. One query reads all of them.

    An arm that is missing, which no command makes, is an error in place of the version.
    """
    wanted = sorted({key for one in found if isinstance(one, StoredVersion) for key in _others(one)})
    if not wanted:
        return list(found)
    key = (prompts.c.namespace, prompts.c.name, versions.c.revision)
    query = select_versions().add_columns(versions.c.spec_json, first_commit().label("commit_id"))
    rows = among(connection, query, sa.tuple_(*key), [(*prompt, revision) for prompt, revision in wanted])
    arms = {_key(arm): arm for arm in (stored_of(row, None, row[-1], assets) for row in rows)}
    return [_with_arms(one, arms) if isinstance(one, StoredVersion) else one for one in found]


def _with_arms(control: StoredVersion, arms: dict[_Key, StoredVersion]) -> StoredVersion | IntegrityFailure:
    keys = _others(control)
    if missing := [revision for prompt, revision in keys if (prompt, revision) not in arms]:
        message = f"the split of {control.view.prompt}:{control.alias} has rev:{missing[0]}, which does not exist"
        return IntegrityFailure(message, "see: promptdb verify")
    return replace(control, arms=tuple(replace(arms[key], alias=control.alias) for key in keys))


def _others(control: StoredVersion) -> list[_Key]:
    split = control.split
    return [(control.view.prompt, revision) for revision in split.revisions[1:]] if split is not None else []


def _key(stored: StoredVersion) -> _Key:
    return stored.view.prompt, stored.view.revision
