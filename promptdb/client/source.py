"""The interface between a client and the places that prompts come from."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from promptdb.domain.delivery import Changes, Generation
from promptdb.domain.refs import PromptRef
from promptdb.domain.views import PromptVersionView, StoredVersion
from promptdb.errors import Forbidden, IntegrityFailure, InvalidPrompts, NotFound, PromptDBError

if TYPE_CHECKING:
    from promptdb.service import PromptService


class TakenOver(Exception):
    """A source fails, but has newer answers from elsewhere. `find_many` finds them, and `failure` says what fails."""

    def __init__(self, find_many: "FindMany", failure: PromptDBError) -> None:
        super().__init__(failure.message)
        self.find_many, self.failure = find_many, failure


class Source(Protocol):
    """A place that prompts come from. All methods may be called from several threads."""

    name: str
    """The word for it in `ResolvedPrompt.source`."""

    is_at_hand: bool
    """True if `find` goes on to answer while `changes` fails."""

    def find(self, ref: PromptRef) -> StoredVersion:
        """Find the version that a reference names.

        Raises:
            NotFound: there is no such prompt or version.
            StorageError: the source cannot be reached.
        """
        ...

    def find_many(self, refs: Sequence[PromptRef]) -> list[StoredVersion | PromptDBError]:
        """Find the versions of several references, in one request if the source has requests.

        Returns:
            For each reference, in their order, its version, or an error that says what is wrong with this one alone:
            `ABOUT_ONE_PROMPT`.

        Raises:
            StorageError: the source cannot be reached.
        """
        ...

    def find_all(self, alias: str, namespace: str | None) -> list[StoredVersion]:
        """Find the version of an alias, or of `latest`, for all prompts that have it, in or below a namespace.

        Raises:
            StorageError: the source cannot be reached.
        """
        ...

    def changes(self, since: Generation | None) -> Changes:
        """Report the prompts that changed after a generation, and the generation now. Errors as in `find`.

        Raises:
            TakenOver: only a chain of sources does.
        """
        ...

    def wait(self, since: Generation | None, seconds: float, stopped: Callable[[], bool]) -> None:
        """Return when the generation has changed, when `stopped()` is true, or after some seconds. Errors as in `find`."""
        ...

    def list_versions(self, prompt: str, limit: int | None = None) -> list[PromptVersionView]:
        """List the versions of a prompt, the newest first. Errors as in `find`."""
        ...

    def after_fork(self) -> None:
        """Replace connections and locks in a forked child, without a word to the other end."""
        ...

    def close(self) -> None:
        """Release connections and threads."""
        ...


FindMany = Callable[[Sequence[PromptRef]], list[StoredVersion | PromptDBError]]

ABOUT_ONE_PROMPT = (NotFound, InvalidPrompts, IntegrityFailure, Forbidden)
"""The errors that are an answer of the source. Others say that the source fails."""


def one_by_one(
    find: Callable[[PromptRef], StoredVersion], refs: Sequence[PromptRef]
) -> list[StoredVersion | PromptDBError]:
    """Find the versions of several references with the `find` of a source, for its `find_many`."""
    found: list[StoredVersion | PromptDBError] = []
    for ref in refs:
        try:
            found.append(find(ref))
        except ABOUT_ONE_PROMPT as error:
            found.append(error)
    return found


def news_of(source: Source, since: Generation | None) -> tuple[Changes, FindMany, PromptDBError | None]:
    """Ask a source for changes, where to find the versions now, and what fails although there are newer ones."""
    try:
        return source.changes(since), source.find_many, None
    except TakenOver as newer:
        return Changes(), newer.find_many, newer.failure


@runtime_checkable
class WritableSource(Source, Protocol):
    """A source that is a registry, where new versions can be registered."""

    @property
    def service(self) -> "PromptService":
        """The registry's verbs."""
        ...
