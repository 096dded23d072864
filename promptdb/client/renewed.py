"""Finds the answers of a client that are not the present ones any more."""

from collections.abc import Callable, Iterable

from promptdb.client.kept import FOR_GOOD, Kept
from promptdb.client.source import Source
from promptdb.domain.delivery import Changes
from promptdb.domain.refs import PromptRef
from promptdb.domain.views import StoredVersion
from promptdb.errors import IntegrityFailure, PromptDBError


def renewed(
    source: Source, kept: Iterable[Kept], changes: Changes, keep: Callable[[PromptRef, StoredVersion], Kept]
) -> dict[str, Kept | None]:
    """Find the references that give another version now, or None where there is no such version any more.

    Raises:
        IntegrityFailure: one of them cannot be read.
        StorageError: the source fails.
    """
    asked = [
        one
        for one in kept
        if one.lease is not FOR_GOOD and (changes.concern(one.ref.prompt) or changes.concern(one.stored.view.prompt))
    ]
    found: dict[str, Kept | None] = {}
    for before, answer in zip(asked, source.find_many([one.ref for one in asked]), strict=True):
        if isinstance(answer, IntegrityFailure):
            raise answer
        if isinstance(answer, PromptDBError):
            # The next lookup reports it.
            found[before.ref.text] = None
        elif answer != before.stored:
            new = found[before.ref.text] = keep(before.ref, answer)
            # Here a lookup does not wait for it, and what cannot be read does not replace what can.
            new.again()
    return found
