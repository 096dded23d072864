"""Where a client's prompts come from. A source may wrap another one, which is how a cache joins."""

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from promptdb.domain.refs import PromptRef
from promptdb.domain.views import PromptVersionView, StoredVersion

if TYPE_CHECKING:
    from promptdb.service import PromptService


class Source(Protocol):
    """What a client asks."""

    def find(self, ref: PromptRef) -> StoredVersion:
        """Find the version that a reference names.

        Raises:
            NotFound: there is none: a definite answer.
            StorageError: the source cannot be reached: no answer.
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
