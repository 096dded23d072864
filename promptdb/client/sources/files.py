"""Reads prompts from the work tree, for development: an edit is live, and there is no database."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep, time_ns

from promptdb.client.source import one_by_one
from promptdb.domain.delivery import Changes, Generation
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import ByCommit, ByDigest, ByLabel, ByRevision, ByVersionId, PromptRef
from promptdb.domain.views import PromptVersionView, Provenance, StoredVersion
from promptdb.errors import ConfigError, InvalidPrompts, PromptDBError, PromptNotFound, VersionNotFound
from promptdb.project.load import load_tree, prompt_in
from promptdb.project.read_file import LoadedFile
from promptdb.project.unrecorded import unrecorded
from promptdb.project.view import OpenView, View, open_view
from promptdb.settings import AppSettings, load_settings

LOOK = 0.2
"""Seconds between two looks at the files that were read."""

_TICK = 100_000_000
"""Nanoseconds by which the time of a change may lag behind the clock."""

_Stamp = tuple[int, int, int]
_LATER: _Stamp = (0, 0, 0)
"""The stamp of a file that may have changed since it was read."""


class FilesSource:
    """The prompt files of a checkout. Every alias and label means the file as it is; `git:` reads a commit.

    Args:
        settings: name the prompts root; by default those of the current folder.

    Raises:
        ConfigError: a setting is wrong.
    """

    name = "files"
    is_at_hand = False

    def __init__(self, settings: AppSettings | None = None) -> None:
        self._settings = settings or load_settings()
        self._seen: dict[Path, _Stamp | None] = {}

    def find(self, ref: PromptRef) -> StoredVersion:
        """Find the version in the file of a prompt.

        Raises:
            PromptNotFound: no file has or had this name.
            VersionNotFound: a file has only one version, and it is not this one.
            InvalidPrompts: the file is not a valid prompt.
            ConfigError, StorageError: as in `open_view`.
        """
        if isinstance(ref.selector, ByRevision | ByVersionId):
            message = f"{ref.prompt} comes from a file, which has no revisions"
            raise VersionNotFound(message, "set PROMPTDB_SOURCE=database, or use an alias")
        started = time_ns()
        opened = self._opened(ref)
        prompt, path, file = self._file(opened, ref.prompt)
        found = self._version(prompt, path, file, opened.origin.clean_commit, started)
        match ref.selector:
            case ByDigest(prefix) if not found.view.spec_hash.startswith(f"sha256:{prefix}"):
                raise VersionNotFound(f"the file of {prompt} has the digest {found.view.spec_hash}")
            case ByLabel(label) if label != found.view.user_version:
                return replace(found, alias=label)
        return found

    def _opened(self, ref: PromptRef) -> OpenView:
        if not isinstance(ref.selector, ByCommit):
            return open_view(self._settings)
        try:
            return open_view(self._settings, View(rev=ref.selector.name))
        except ConfigError as error:
            raise VersionNotFound(error.message, error.hint) from error

    def find_many(self, refs: Sequence[PromptRef]) -> list[StoredVersion | PromptDBError]:
        return one_by_one(self.find, refs)

    def find_all(self, alias: str, namespace: str | None) -> list[StoredVersion]:  # noqa: ARG002
        started = time_ns()
        opened = open_view(self._settings)
        return [
            self._version(candidate.prompt, *found, opened.origin.clean_commit, started)
            for candidate in opened.found.candidates
            if namespace is None or f"{candidate.prompt.namespace}/".startswith(f"{namespace}/")
            if (found := prompt_in(opened, candidate.prompt)) is not None and found[1].is_valid
        ]

    def changes(self, since: Generation | None) -> Changes:  # noqa: ARG002
        return Changes()

    def wait(self, since: Generation | None, seconds: float, stopped: Callable[[], bool]) -> None:  # noqa: ARG002
        """Wait until a file that was read has changed."""
        deadline = monotonic() + seconds
        while not stopped() and (left := deadline - monotonic()) > 0:
            now = {path: _stamp(path) for path in tuple(self._seen)}
            changed = any(self._seen[path] != stamp for path, stamp in now.items())
            self._seen.update(now)
            if changed:
                return
            sleep(min(LOOK, left))

    def list_versions(self, prompt: str, limit: int | None = None) -> list[PromptVersionView]:
        found = self.find(PromptRef.parse(prompt)).view
        return [found][:limit]

    def after_fork(self) -> None:
        pass

    def close(self) -> None:
        pass

    def _file(self, opened: OpenView, prompt: PromptId) -> tuple[PromptId, str, LoadedFile]:
        """Find the file of a prompt by its name or an earlier one."""
        if (found := prompt_in(opened, prompt)) is not None:
            return (prompt, *found)
        for item in load_tree(self._settings).desired.items:
            if prompt in item.renamed_from and (found := prompt_in(opened, item.prompt)) is not None:
                return (item.prompt, *found)
        raise PromptNotFound(f"there is no prompt file for {prompt}", "'promptdb check' reads all prompt files")

    def _version(
        self, prompt: PromptId, path: str, file: LoadedFile, commit_id: str | None, started: int
    ) -> StoredVersion:
        found = {path, *(file.content.reads if file.content is not None else ())}
        for read in (path, *file.reads):
            place = self._settings.prompts_path / read
            stamp = _stamp(place)
            # Otherwise the next look would take a change during the reading for what was read.
            is_later = read in found if stamp is None else stamp[0] > started - _TICK
            self._seen[place] = _LATER if is_later else stamp
        if file.content is None:
            raise InvalidPrompts(list(file.problems))
        # The commit of a file that was edited is not that of its content.
        return unrecorded(prompt, file.content, Provenance(path, commit_id))


def _stamp(path: Path) -> _Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ctime_ns, status.st_mtime_ns, status.st_size
