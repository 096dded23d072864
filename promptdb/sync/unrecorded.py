"""What `git:` names where no sync has recorded it: looked up in the repository around us, and read from git's objects."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO
from uuid import UUID, uuid5

from promptdb.blobs.store import object_key
from promptdb.db.engine import reading
from promptdb.db.lookup import current_name, find_version
from promptdb.db.repository import PromptRepository
from promptdb.domain.digest import Digest
from promptdb.domain.identity import PromptId
from promptdb.domain.refs import ByCommit, ByDigest, PromptRef
from promptdb.domain.views import AssetView, PromptVersionView, Provenance, StoredVersion
from promptdb.errors import ConfigError, NotFound, StorageError
from promptdb.git.repository import find_repository
from promptdb.settings import AppSettings
from promptdb.sync.content import Content
from promptdb.sync.registry import Registry
from promptdb.sync.source import prompt_in
from promptdb.sync.view import View, open_view

_UNRECORDED = UUID("9d1f6a0e-52f4-5c37-8e0b-6f2f0f6f7a55")
"""The namespace of their ids: none is that of a version."""


@dataclass(frozen=True)
class AssetsOfFiles:
    """The assets of content that no sync has recorded, read from its files."""

    content: Content

    def list(self) -> Sequence[AssetView]:
        return [
            AssetView(a.kind, object_key(a.digest), a.content_type, a.size, a.digest.partition(":")[2], a.path)
            for a in self.content.assets
        ]

    def open(self, digest: Digest) -> BinaryIO:
        return self.content.open_blob(digest)


def find_in_repository(
    registry: Registry, settings: AppSettings, ref: PromptRef, name: str
) -> StoredVersion | str | None:
    """The version that a commit, tag or branch of the repository has.

    Returns:
        A version that is recorded, by that commit or by its content; else what the file held, as a version that is not;
        else why there is none, as the end of a sentence. None where there is no repository.
    """
    repository, commit = find_repository(settings.base), None
    if repository is None:
        return None
    with suppress(StorageError):
        commit = repository.commit_named(name)
    if commit is None:
        return "the repository has no such commit, tag or branch"
    with reading(registry.engine) as connection:
        with suppress(NotFound):
            return find_version(connection, PromptRef(ref.prompt, ByCommit(commit), ref.text))
        prompt = current_name(connection, ref.prompt) or ref.prompt
        names = dict.fromkeys((ref.prompt, prompt, *PromptRepository(connection).earlier_names(prompt)))
    try:
        opened = open_view(settings, View(rev=commit))
        found = next(filter(None, (prompt_in(opened, name) for name in names)), None)
    except (StorageError, ConfigError) as error:
        return error.message
    if found is None:
        return f"there is no file for it in commit {commit[:12]}"
    path, file = found
    if file.content is None:
        return f"its file {path} is invalid in commit {commit[:12]}"
    with reading(registry.engine) as connection, suppress(NotFound):
        digest = ByDigest(file.content.digest.partition(":")[2])
        return find_version(connection, PromptRef(ref.prompt, digest, ref.text))
    at = opened.origin.provenance({path: file.content.reads})[path]
    return _unrecorded(prompt, commit, file.content, at)


def _unrecorded(prompt: PromptId, commit: str, content: Content, at: Provenance) -> StoredVersion:
    view = PromptVersionView(
        uuid5(_UNRECORDED, f"{prompt}:{commit}:{content.digest}"),
        prompt,
        0,
        content.digest,
        content.user_version,
        at.author or "unknown",
        at.committed_at or datetime.fromtimestamp(0, UTC),
        is_recorded=False,
    )
    return StoredVersion(view, content.canonical.decode(), commit_id=commit, assets=AssetsOfFiles(content))
