"""The interface between a client and the places that prompts come from. A source may wrap another one, as a cache does."""

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from promptdb.domain.refs import PromptRef
from promptdb.domain.views import PromptVersionView, StoredVersion

if TYPE_CHECKING:
    from promptdb.service import PromptService


class Source(Protocol):
    """A place that prompts come from."""

    def find(self, ref: PromptRef) -> StoredVersion:
        """Find the version that a reference names.

        Raises:
            NotFound: there is no such prompt or version.
            StorageError: the source cannot be reached.
        """
        ...

    def list_versions(self, prompt: str, limit: int | None = None) -> list[PromptVersionView]:
        """List the versions of a prompt, the newest first. Errors as in `find`."""
        ...

    def close(self) -> None:
        """Release connections and threads."""
        ...


@runtime_checkable
class WritableSource(Source, Protocol):
    """A source that is a registry, where new versions can be registered."""

    @property
    def service(self) -> "PromptService":
        """The registry's verbs."""
        ...
