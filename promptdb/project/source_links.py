"""Finds where the repository of a checkout is on the web."""

from functools import lru_cache
from pathlib import Path

from promptdb.domain.forges import link_template
from promptdb.git.repository import find_repository
from promptdb.settings import AppSettings


def source_link(settings: AppSettings) -> str | None:
    """Return the template of links to files at their commits: the setting, or that of the remote `origin`."""
    return settings.source_link or _of_remote(settings.base)


@lru_cache(maxsize=16)
def _of_remote(folder: Path) -> str | None:
    repository = find_repository(folder)
    remote = repository.ask("config", "--get", "remote.origin.url") if repository is not None else None
    return link_template(remote) if remote is not None else None
