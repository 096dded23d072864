"""Finds versions in the repository of the current folder, for `git:` selectors that no sync has recorded."""

from contextlib import suppress
from dataclasses import replace

from promptdb.db.engine import reading
from promptdb.db.lookup import UNRECORDED, current_name
from promptdb.db.repository import PromptRepository
from promptdb.domain.refs import ByCommit, ByDigest, PromptRef
from promptdb.domain.views import StoredVersion
from promptdb.errors import ConfigError, NotFound, StorageError
from promptdb.git.repository import find_repository
from promptdb.project.load import prompt_in
from promptdb.project.unrecorded import unrecorded
from promptdb.project.view import View, open_view
from promptdb.registry.reader import RegistryReader
from promptdb.settings import AppSettings


def find_in_repository(
    reader: RegistryReader, settings: AppSettings, ref: PromptRef, missing: NotFound
) -> StoredVersion:
    """Find the version that a commit, tag or branch of the repository has.

    The registry may have recorded the same content from another commit. `missing` is its error for `ref`.

    Raises:
        NotFound: the version does not exist. The message says why.
    """
    found = _find(reader, settings, ref, str(getattr(ref.selector, "name", "")))
    if found is None:
        raise missing
    if isinstance(found, str):
        hint = (missing.hint or "").removeprefix(UNRECORDED)
        raise type(missing)(f"{missing.message}: {found}", hint or None) from missing
    return found


def _find(reader: RegistryReader, settings: AppSettings, ref: PromptRef, name: str) -> StoredVersion | str | None:
    """Find a version, or the reason why there is none, as the end of a message. Without a repository, return None."""
    repository, commit = find_repository(settings.base), None
    if repository is None:
        return None
    with suppress(StorageError):
        commit = repository.commit_named(name)
    if commit is None:
        return "the repository has no such commit, tag or branch"
    with suppress(NotFound):
        return reader.find(PromptRef(ref.prompt, ByCommit(commit), ref.text))
    with reading(reader.registry.engine) as connection:
        prompt = current_name(connection, ref.prompt) or ref.prompt
        names = dict.fromkeys((ref.prompt, prompt, *PromptRepository(connection).earlier_names(prompt)))
    reason = f"there is no file for it in commit {commit[:12]}"
    # The commit by its own settings, and then as `sync --history` reads it.
    for view in (View(rev=commit), View(rev=commit, past=True)):
        try:
            opened = open_view(settings, view)
            found = next(filter(None, (prompt_in(opened, name) for name in names)), None)
        except (StorageError, ConfigError) as error:
            reason, found = error.message, None
        if found is not None and found[1].content is not None:
            break
    if found is None:
        return reason
    path, file = found
    if file.content is None:
        return f"its file {path} is invalid in commit {commit[:12]}"
    with suppress(NotFound):
        return reader.find(PromptRef(ref.prompt, ByDigest(file.content.digest.partition(":")[2]), ref.text))
    at = opened.origin.provenance({path: file.content.reads})[path]
    return unrecorded(prompt, file.content, replace(at, commit_id=commit))
