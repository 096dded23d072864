"""The version that a reference names, wherever it is: in the registry, or in the repository around us."""

from dataclasses import replace

from promptdb.db.engine import reading
from promptdb.db.lookup import UNRECORDED, find_version
from promptdb.domain.refs import ByCommit, PromptRef
from promptdb.domain.views import StoredVersion
from promptdb.errors import NotFound
from promptdb.settings import AppSettings
from promptdb.sync.assets import RecordedAssets
from promptdb.sync.registry import Registry


def find(registry: Registry, settings: AppSettings, ref: PromptRef) -> StoredVersion:
    """What `git:` names and no sync has recorded is read from git, its assets too.

    Raises:
        NotFound: there is no such prompt or version; the hint says what there is.
    """
    found = _find(registry, settings, ref)
    return found if found.assets is not None else replace(found, assets=RecordedAssets(registry, found.view))


def _find(registry: Registry, settings: AppSettings, ref: PromptRef) -> StoredVersion:
    try:
        with reading(registry.engine) as connection:
            return find_version(connection, ref)
    except NotFound as error:
        if not isinstance(ref.selector, ByCommit):
            raise
        from promptdb.sync.unrecorded import find_in_repository  # lookups need no parser

        found = find_in_repository(registry, settings, ref, ref.selector.name)
        if found is None:
            raise
        if isinstance(found, str):
            hint = (error.hint or "").removeprefix(UNRECORDED)
            raise type(error)(f"{error.message}: {found}", hint or None) from error
        return found
