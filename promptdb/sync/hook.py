"""What hooks of git do after a commit, a merge, a checkout or a rebase: sync the commit that is checked out."""

from promptdb.db.engine import reading
from promptdb.db.runs import RunRepository
from promptdb.domain.plan import Policy
from promptdb.git.repository import find_repository
from promptdb.settings import AppSettings
from promptdb.sync.apply import Applied
from promptdb.sync.registry import Registry
from promptdb.sync.source import load_tree
from promptdb.sync.tree import sync_tree
from promptdb.sync.view import View


def sync_head(registry: Registry, settings: AppSettings) -> Applied | None:
    """Sync HEAD, and not the work tree: that may hold half an edit. None where the newest sync was of this commit.

    Raises:
        InvalidPrompts, Conflict, LockTimeout, StorageError, ConfigError: as in `load_tree` and `sync_tree`.
    """
    repository = find_repository(settings.base)
    if repository is not None and repository.head is not None:
        with reading(registry.engine) as connection:
            if RunRepository(connection).newest_commit() == repository.head:
                return None
    return sync_tree(registry, load_tree(settings, view=View(rev="HEAD")), Policy(local=True))
