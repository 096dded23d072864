"""The prompts that have an alias, as their source last gave them."""

from collections.abc import Callable

from promptdb.client.source import Source, TakenOver
from promptdb.domain.delivery import Changes, Generation
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.views import StoredVersion
from promptdb.render.resolved import ResolvedPrompt, resolved

LOOK = 10.0
"""The most seconds between two looks at the source. Most sources report a change at once."""


class Catalog:
    """The prompts of a source that have an alias and are not archived.

    Args:
        source: the place that prompts come from.
        alias: an alias, or `latest`.
        namespace: only prompts in this namespace and below it.
    """

    def __init__(self, source: Source, alias: str, namespace: str | None) -> None:
        self.alias, self._source, self._namespace = alias, source, namespace
        self._generation: Generation | None = None
        self._found: dict[str, StoredVersion] = {}
        self.names: list[str] = []

    def refresh(self) -> bool:
        """Read the prompts again if the source has changed. Return if a prompt is new or gone, or has another version.

        Raises:
            PromptDBError: the source fails. The prompts stay as they are.
        """
        try:
            generation = self._source.changes(self._generation).generation
        except TakenOver:
            generation = Changes().generation
        if generation is not None and generation == self._generation:
            return False
        before = self._digests()
        found = self._source.find_all(self.alias, self._namespace)
        self._found = {str(stored.view.prompt): stored for stored in found if not stored.archived}
        self.names = sorted(self._found)
        self._generation = generation
        return before != self._digests()

    def _digests(self) -> dict[str, str]:
        return {name: stored.view.spec_hash for name, stored in self._found.items()}

    def find(self, name: str) -> ResolvedPrompt | None:
        """Find a prompt by its name, ready to render.

        Raises:
            InvalidRef: no prompt can have this name.
            IntegrityFailure: the registry was changed by hand.
        """
        prompt = PromptId.parse(name)
        stored = self._found.get(str(prompt))
        return None if stored is None else resolved(f"{prompt}:{self.alias}", stored, self._source.name)

    def wait(self, stopped: Callable[[], bool]) -> None:
        """Return when the source may have changed, or when `stopped()` is true. Errors as in `refresh`."""
        self._source.wait(self._generation, LOOK, stopped)

    def close(self) -> None:
        """Release the connections of the source."""
        self._source.close()
