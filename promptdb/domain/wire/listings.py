"""Reads the items of the lists of the HTTP API. Other fields are ignored.

Each function raises `Wrong` if a value is not such an item.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

from promptdb.domain.aliases import AliasMove
from promptdb.domain.changes import ContractChange
from promptdb.domain.digest import parse_digest
from promptdb.domain.json_fields import Wrong, number, some_fields, time, typed
from promptdb.domain.listing import ListedPrompt, SyncRun
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.splits import decode_split
from promptdb.domain.views import AliasEventView, AliasView, BlameEntry, LogEntry, PromptSummary, Provenance
from promptdb.domain.wire.versions import decode_view
from promptdb.errors import IntegrityFailure, InvalidRef

_T = TypeVar("_T")
_TEXT: Any = (str, type(None))
_NUMBER: Any = (int, type(None))
_SPLIT: Any = (dict, type(None))


def _checked(decode: Callable[[Any], _T]) -> Callable[[Any], _T]:
    @wraps(decode)
    def read(value: Any) -> _T:
        try:
            return decode(value)
        except (ValueError, TypeError, OverflowError, InvalidRef, IntegrityFailure) as error:
            raise Wrong(f"an item of a list cannot be read: {error}") from error

    return read


@_checked
def decode_prompt(value: Any) -> ListedPrompt:
    prompt, key, revision, digest, at, archived, aliases, splits, title, about, tags, owners = some_fields(
        value,
        prompt=str,
        version_id=str,
        revision=int,
        spec_hash=str,
        updated_at=str,
        archived=bool,
        aliases=dict,
        splits=dict,
        title=_TEXT,
        description=_TEXT,
        tags=list,
        owners=list,
    )
    pointing = {typed(alias, str): number(target, 1) for alias, target in aliases.items()}
    divided = {typed(alias, str): split for alias, data in splits.items() if (split := decode_split(data)) is not None}
    version = (UUID(key), number(revision, 1), parse_digest(digest))
    summary = PromptSummary(PromptId.parse(prompt), *version, time(at), archived, pointing, divided)
    return ListedPrompt(summary, title, about, _texts(tags), _texts(owners))


@_checked
def decode_version_entry(value: Any) -> LogEntry:
    source, aliases = some_fields(value, source=(dict, type(None)), aliases=list)
    return LogEntry(decode_view(value), None if source is None else _source(source), _texts(aliases))


def _source(value: Any) -> Provenance:
    path, commit, branch, author, at, blob, is_dirty = some_fields(
        value,
        path=str,
        commit_id=_TEXT,
        branch=_TEXT,
        author=_TEXT,
        committed_at=_TEXT,
        blob_id=_TEXT,
        is_dirty=bool,
    )
    return Provenance(path, commit, branch, author, None if at is None else time(at), blob, is_dirty)


def decode_aliases(prompt: PromptId, values: list[Any]) -> tuple[AliasView, ...]:
    """Read the aliases of a prompt, which do not name it."""
    return tuple(_alias({**typed(value, dict), "prompt": str(prompt)}) for value in values)


@_checked
def _alias(value: Any) -> AliasView:
    prompt, alias, revision, key, generation, at, held, split = some_fields(
        value,
        prompt=str,
        alias=str,
        revision=int,
        version_id=str,
        generation=int,
        updated_at=str,
        held=bool,
        split=_SPLIT,
    )
    target = (number(revision, 1), UUID(key), number(generation))
    return AliasView(PromptId.parse(prompt), alias, *target, time(at), held, decode_split(split))


@_checked
def decode_move(value: Any) -> AliasEventView:
    prompt, alias, action, before, after, actor, reason, at, breaking, run, split = some_fields(
        value,
        prompt=str,
        alias=str,
        action=str,
        from_revision=_NUMBER,
        to_revision=_NUMBER,
        actor=str,
        reason=_TEXT,
        created_at=str,
        breaking=list,
        run_id=_NUMBER,
        split=_SPLIT,
    )
    changes = tuple(
        ContractChange(*some_fields(change, kind=str, name=str, message=str, is_breaking=bool)) for change in breaking
    )
    move = (action, before, after, actor, reason, time(at), changes, run)
    return AliasEventView(PromptId.parse(prompt), alias, *move, decode_split(split))


@_checked
def decode_blame(value: Any) -> BlameEntry:
    prompt, alias, key, revision, digest, commit, action, actor, reason, at, run, split = some_fields(
        value,
        prompt=str,
        alias=str,
        version_id=str,
        revision=int,
        spec_hash=str,
        commit_id=_TEXT,
        action=str,
        actor=str,
        reason=_TEXT,
        moved_at=str,
        run_id=_NUMBER,
        split=_SPLIT,
    )
    version = (UUID(key), number(revision, 1), parse_digest(digest))
    entry = BlameEntry(PromptId.parse(prompt), alias, *version, commit, action, actor, reason, time(at), run)
    return replace(entry, split=decode_split(split))


@_checked
def decode_run(value: Any) -> SyncRun:
    key, root, ref, commit, is_dirty, outcome, counts, by, start, end = some_fields(
        value,
        id=int,
        root=str,
        git_ref=_TEXT,
        commit_id=_TEXT,
        is_dirty=bool,
        outcome=str,
        counts=dict,
        created_by=str,
        started_at=str,
        finished_at=str,
    )
    return SyncRun(key, root, ref, commit, is_dirty, outcome, _counts(counts), by, time(start), time(end))


def _broken(value: Any) -> ContractChange:
    kind, name, message = some_fields(value, kind=str, name=str, message=str)
    return ContractChange(kind, name, message, is_breaking=True)


@_checked
def decode_made_move(value: Any) -> AliasMove:
    """Read the answer to a move."""
    prompt, alias, action, before, after, generation, breaking, *splits = some_fields(
        value,
        prompt=str,
        alias=str,
        action=str,
        from_revision=_NUMBER,
        to_revision=_NUMBER,
        generation=int,
        breaking=list,
        from_split=_SPLIT,
        to_split=_SPLIT,
    )
    left, right = map(decode_split, splits)
    changes = tuple(map(_broken, breaking))
    move = AliasMove(PromptId.parse(prompt), alias, action, before, after, generation=generation, breaking=changes)
    return replace(move, from_split=left, to_split=right)


def _counts(value: Mapping[str, Any]) -> dict[str, int]:
    return {name: number(count) for name, count in value.items()}


def _texts(values: list[Any]) -> tuple[str, ...]:
    return tuple(typed(value, str) for value in values)
