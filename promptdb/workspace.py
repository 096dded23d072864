"""The verbs of one checkout and its registry, for commands, the watcher and hooks."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from promptdb.domain.plan import Policy
from promptdb.domain.prompt_id import PromptId
from promptdb.errors import ConfigError
from promptdb.progress import UPLOADING, Progress, ShowProgress, unwatched
from promptdb.project.check_files import Checked
from promptdb.project.load import LoadedTree, check_tree, load_prompt, load_tree, require_clean
from promptdb.project.placing import wanted
from promptdb.project.read_file import LoadedFile
from promptdb.project.view import WORK_TREE, View
from promptdb.settings import AppSettings, load_settings

if TYPE_CHECKING:
    from promptdb.domain.aliases import AliasMove
    from promptdb.domain.splits import Arms
    from promptdb.project.edits.mv_plan import Rename
    from promptdb.registry.stores import Registry, Sharing
    from promptdb.service import PromptService
    from promptdb.sync.apply import Applied
    from promptdb.sync.history import RecordedHistory
    from promptdb.sync.status import Status
    from promptdb.sync.sync_tree import Planned, Synced


class Workspace:
    """One checkout and its registry, opened on first use. Use it as a context manager, or call `close`.

    Args:
        settings: name the prompts root and the stores; by default those of the current folder.
        sharing: called before the first write into a blob store that other registries use too.
        progress: shows the progress of long steps.

    Raises:
        ConfigError: a setting is wrong.
    """

    # Each verb imports only what it needs: `check` loads no database, and `plan` no renderer.

    def __init__(
        self,
        settings: AppSettings | None = None,
        sharing: "Sharing | None" = None,
        progress: ShowProgress = unwatched,
    ) -> None:
        self.settings = settings or load_settings()
        self._sharing = sharing
        self._progress = progress

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database connections."""
        if "stores" in self.__dict__:
            self.stores.close()

    @cached_property
    def stores(self) -> "Registry":
        """The database and the blob store, not connected yet."""
        from promptdb.registry.stores import registry_of

        return registry_of(self.settings, self._sharing)

    @cached_property
    def registry(self) -> "Registry":
        """The connected stores. Errors as in `Registry.ready`."""
        return self.stores.ready()

    @cached_property
    def created(self) -> "Registry":
        """The stores for a sync, which creates a missing SQLite database. Errors as in `Registry.created`."""
        return self.stores.created()

    @cached_property
    def service(self) -> "PromptService":
        """The verbs of the registry, over the same connections."""
        from promptdb.registry.reader import RegistryReader
        from promptdb.service import PromptService

        return PromptService(self.settings, reader=RegistryReader(self.stores))

    @property
    def top(self) -> Path | None:
        """The top folder of the repository, if there is one."""
        from promptdb.git.repository import repository_root

        return repository_root(self.settings.base)

    # Files alone

    def check(self, view: View = WORK_TREE, only: Sequence[str] = ()) -> Checked:
        """Parse every file and run its golden tests, without a database. Returns problems, and does not raise them.

        Args:
            view: the state of the files to read.
            only: names, namespaces, or paths of files and folders, to check no others.

        Raises:
            ConfigError: there is no such folder, commit or repository.
            PromptNotFound: there is no file for one of `only`.
            StorageError: git cannot read the repository.
        """
        with self._progress("checking prompts") as progress:
            return check_tree(self.settings, progress, view, wanted(only, self.settings))

    def update_tests(self) -> Checked:
        """Write the present output into golden tests that fail, then check. Errors as in `check`."""
        from promptdb.project.edits.update_tests import update_tests

        with self._progress("checking prompts") as progress:
            return update_tests(self.settings, progress)

    def load(self, view: View = WORK_TREE, ref: str | None = None) -> LoadedTree:
        """Read the prompt files. Problems of files are in the result.

        Args:
            view: the state of the files to read.
            ref: the branch, or `tags/TAG`, of a commit that has no name of its own.

        Raises:
            ConfigError: there is no such folder, commit or repository, or the commit has another name.
            StorageError: git cannot read the repository.
        """
        with self._progress("reading prompts") as progress:
            loaded = load_tree(self.settings, progress, view)
        return loaded.on_ref(ref)

    def load_prompt(self, prompt: PromptId, view: View = WORK_TREE) -> tuple[str, LoadedFile] | None:
        """Read the file of one prompt. Return its path and content, or None without a file. Errors as in `load`."""
        return load_prompt(self.settings, prompt, view)

    def mv(self, old: str, new: str, *, dry_run: bool = False) -> "Rename":
        """Rename a prompt and keep its history.

        Args:
            old: the name of the prompt, or the path of its file from the current folder.
            new: another name or path; a folder if it ends with `/`.
            dry_run: check everything and write nothing.

        Raises:
            ConfigError, Conflict, InvalidPrompts, StorageError: the file cannot be moved; nothing was written.
        """
        from promptdb.project.edits.mv_perform import perform_move
        from promptdb.project.edits.mv_plan import decide_move

        move = decide_move(self.settings, old, new, Path.cwd())
        if not dry_run:
            perform_move(self.settings.prompts_path, move)
        return move

    # Files and registry

    def plan(self, policy: Policy | None = None, view: View = WORK_TREE, ref: str | None = None) -> "Planned":
        """Decide what `sync` would do now. Writes nothing.

        Args:
            policy: limits what a sync may do; the default prunes nothing.
            view, ref: as in `load`.

        Raises:
            InvalidPrompts: a file has an error, or a declared alias names a version that does not exist.
            ConfigError, StorageError: as in `load`, or the registry cannot be reached.
        """
        from promptdb.sync.sync_tree import Planned, plan_tree

        tree = self.load(view, ref)
        tree.desired.require_valid()
        registry = self.stores.compared()
        return Planned(tree, plan_tree(registry, tree, policy or Policy()), registry)

    def sync(
        self,
        policy: Policy | None = None,
        view: View = WORK_TREE,
        ref: str | None = None,
        *,
        keep_going: bool = False,
        clean: bool | None = None,
    ) -> "Synced":
        """Write the changes of the files into the registry, in one transaction.

        Args:
            policy: limits what the sync may do; the default prunes nothing.
            view, ref: as in `load`.
            keep_going: write the valid prompts even if others are invalid. Nothing is pruned then.
            clean: refuse uncommitted changes. By default, only a local registry takes them.

        Raises:
            InvalidPrompts: a file has an error, and `keep_going` is not set.
            Guard: there are uncommitted changes that `clean` refuses, or the sync exceeds a limit of the policy.
            ConfigError, Conflict, LockTimeout, StorageError: nothing was written either.
        """
        from promptdb.sync.commit_order import require_local
        from promptdb.sync.sync_tree import Synced, sync_tree

        if policy is not None and policy.local:
            require_local(self.stores)
        tree = self.load(view, ref)
        audience = None if self.stores.is_local else self.stores.audience
        if clean or (clean is None and audience is not None):
            require_clean(tree, audience)
        with self._show(UPLOADING) as progress:
            applied = sync_tree(self.created, tree, policy or Policy(), keep_going=keep_going, progress=progress)
        return Synced(tree, applied)

    def sync_head(self) -> "Applied | None":
        """Sync the current commit into a local registry, for git hooks. Errors as in `sync`.

        Returns None if the newest sync recorded this commit.
        """
        from promptdb.sync.sync_tree import is_synced, sync_tree

        if not self.stores.is_local:
            hint = "a local one is a SQLite file in or beside the checkout, with blobs in a folder"
            raise ConfigError(f"the registry {self.stores.address} is not local", hint)
        if is_synced(self.created, self.settings):
            return None
        # The commit, because the work tree may hold half an edit.
        return sync_tree(self.created, load_tree(self.settings, view=View(rev="HEAD")), Policy(local=True))

    def sync_valid(self, proceed: Callable[[LoadedTree], bool]) -> "Applied | None":
        """Sync the valid files of the work tree into a local registry, for `watch`.

        Args:
            proceed: called with the files that were read. If it returns False, nothing is synced and the result is None.
        """
        from promptdb.sync.sync_tree import sync_tree

        tree = load_tree(self.settings)
        if not proceed(tree):
            return None
        try:
            return sync_tree(self.stores.created(), tree, Policy(local=True), keep_going=True)
        finally:
            # The file of the database may be replaced before the next call.
            self.stores.close()

    def sync_history(self, rev: str = "HEAD") -> "RecordedHistory":
        """Record each commit that changed a prompt, the oldest first. Errors as in `record_history`."""
        from promptdb.sync.history import record_history

        return record_history(self.created, self.settings, rev, self._show)

    def sync_after_history(self, rev: str = "HEAD") -> "Applied":
        """Move the aliases of the newest commit of a history that `sync_history` recorded. Errors as in `sync`."""
        from promptdb.sync.sync_tree import sync_after_history

        return sync_after_history(self.registry, self.load(View(rev=rev)))

    def status(self) -> "Status":
        """Compare the files with the registry. Problems of files are in the result. Errors as in `load`."""
        from promptdb.sync.status import status_of

        return status_of(self.service.reader, self.load(), self.settings.prompts_path)

    def declare(
        self, source: str, alias: str, *, arms: "Arms" = (), everywhere: bool = False, allow_breaking: bool = False
    ) -> "list[AliasMove]":
        """Declare the version of an alias in `_aliases.yaml`. The sync of that commit moves the alias.

        Args:
            source: a reference; with `everywhere`, an alias or `latest`; with `arms`, the name of a prompt.
            alias: the alias to declare.
            arms: those of a traffic split, as in `PromptService.split`.
            everywhere: declare the alias for every prompt that has `source`.
            allow_breaking: declare a protected alias even if that breaks its callers.

        Returns:
            The moves that the file did not declare yet.

        Raises:
            InvalidRef, NotFound, Guard: as in `PromptService.promote`.
            ConfigError, InvalidPrompts, StalePlan, StorageError: as in `declare`.
        """
        from promptdb.project.edits.declare_aliases import declare
        from promptdb.registry.aliases import decide_all, perform

        if everywhere:
            moves = decide_all(self.registry, source, alias)
            perform(self.registry, moves, dry_run=True, allow_breaking=allow_breaking)
        elif arms:
            moves = [self.service.split(source, alias, arms, dry_run=True, allow_breaking=allow_breaking)]
        else:
            moves = [self.service.promote(source, alias, dry_run=True, allow_breaking=allow_breaking)]
        return declare(self.settings, moves)

    def _show(self, title: str) -> AbstractContextManager[Progress | None]:
        # A folder takes blobs too fast for a progress bar.
        is_instant = title == UPLOADING and self.settings.storage_backend == "local"
        return nullcontext() if is_instant else self._progress(title)
