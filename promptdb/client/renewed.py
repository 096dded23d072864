"""Finds the answers of a client that are not the present ones any more, and replaces them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from promptdb.client.kept import FOR_GOOD, Kept
from promptdb.client.source import FindMany
from promptdb.domain.delivery import Changes
from promptdb.domain.refs import PromptRef
from promptdb.domain.views import StoredVersion
from promptdb.errors import IntegrityFailure, PromptDBError


def renewed(
    find_many: FindMany,
    kept: Sequence[Kept],
    changes: Changes,
    keep: Callable[[PromptRef, StoredVersion], Kept],
    *,
    evicts: bool,
) -> dict[str, Kept | None]:
    """Find the answers that take the place of others, or None where there is no such version any more.

    Args:
        find_many: as in `Source`.
        kept: the present answers. It reads those again that the changes concern, and those that were late from the start.
        changes: the changes since these answers.
        keep: makes the new answers.
        evicts: an error means that there is no such version. Otherwise the present answer stays.

    Raises:
        IntegrityFailure: one of them cannot be read.
        StorageError: the source fails.
    """
    asked = [
        one
        for one in kept
        if one.lease is not FOR_GOOD
        and (one.is_late or changes.concern(one.ref.prompt) or changes.concern(one.stored.view.prompt))
    ]
    found: dict[str, Kept | None] = {}
    answers = find_many([one.ref for one in asked]) if asked else []
    for before, answer in zip(asked, answers, strict=True):
        if isinstance(answer, PromptDBError):
            if isinstance(answer, IntegrityFailure) and evicts:
                raise answer
            if evicts:
                # The next lookup reports it.
                found[before.ref.text] = None
        elif answer != before.stored or before.is_late:
            new = found[before.ref.text] = keep(before.ref, answer)
            # Here a lookup does not wait for it, and what cannot be read does not replace what can.
            new.again()
    if (origin := changes.origin) is not None:
        # The snapshot of a chain gave these, and the live source confirms them.
        for one in kept:
            if one.lease is not FOR_GOOD and one.source != origin.source and one.ref.text not in found:
                found[one.ref.text] = keep(one.ref, replace(one.stored, origin=origin))
    return found


def replaced(before: Mapping[str, Kept], new: Mapping[str, Kept | None]) -> tuple[dict[str, Kept], tuple[str, ...]]:
    """Replace answers by newer ones, or evict them. Return all answers, and the references that give another version now."""
    for text in new.keys() & before.keys():
        before[text].replaced()
    whole = {text: new.get(text, kept) for text, kept in before.items()}
    # An answer may have made room for another one meanwhile. That says nothing about its prompt.
    known = [text for text in new if text in before]
    said = tuple(text for text in known if (kept := whole[text]) is None or kept.is_another_than(before[text]))
    return {text: kept for text, kept in whole.items() if kept is not None}, said
