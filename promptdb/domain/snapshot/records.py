"""The records of a snapshot: a name, one line of JSON, and the specs of versions as they are stored."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from promptdb.domain.blob import object_key
from promptdb.domain.digest import Digest, canonical_json, digest_of, parse_digest
from promptdb.domain.json_fields import Wrong, exact_fields, number, time, typed
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import LATEST, MAX_REVISION
from promptdb.domain.splits import Split, decode_split, split_fields
from promptdb.domain.views import AssetView, PromptVersionView
from promptdb.errors import IntegrityFailure, InvalidRef


@dataclass(frozen=True, slots=True)
class SnapshotAsset:
    """A file of a version. Its bytes begin at `at` behind the records; None if the snapshot has no bytes of assets."""

    view: AssetView
    at: int | None


@dataclass(frozen=True, slots=True)
class SnapshotVersion:
    """A version in a snapshot. Its spec has its digest."""

    view: PromptVersionView
    spec_json: str
    commit_id: str | None
    assets: tuple[SnapshotAsset, ...] = ()


@dataclass(frozen=True, slots=True)
class Pointer:
    """The target of an alias. `generation` is None for `latest`."""

    revision: int
    generation: int | None
    split: Split | None = None

    @property
    def revisions(self) -> tuple[int, ...]:
        return (self.revision,) if self.split is None else self.split.revisions

    def encode(self) -> list[Any]:
        found: list[Any] = [self.revision, self.generation]
        return found if self.split is None else [*found, split_fields(self.split)]


@dataclass(frozen=True, slots=True)
class PromptRecord:
    """A prompt, its aliases that are in the snapshot, and their versions with the arms of splits, the newest first."""

    prompt: PromptId
    archived: bool
    aliases: Mapping[str, Pointer]
    versions: tuple[SnapshotVersion, ...]

    def pointed(self, alias: str) -> SnapshotVersion | None:
        pointer = self.aliases.get(alias)
        return next((each for each in self.versions if pointer and each.view.revision == pointer.revision), None)


def encode_record(record: PromptRecord) -> bytes:
    specs = [version.spec_json.encode() for version in record.versions]
    line = {
        "aliases": {alias: to.encode() for alias, to in record.aliases.items()},
        "archived": record.archived,
        "versions": [
            {
                "id": str(version.view.id),
                "revision": version.view.revision,
                "digest": version.view.spec_hash,
                "user_version": version.view.user_version,
                "created_by": version.view.created_by,
                "created_at": version.view.created_at.isoformat(),
                "commit": version.commit_id,
                "size": len(spec),
                "assets": [
                    {
                        "path": asset.view.path,
                        "kind": asset.view.kind,
                        "content_type": asset.view.content_type,
                        "size": asset.view.byte_size,
                        "digest": asset.view.digest,
                        "at": asset.at,
                    }
                    for asset in version.assets
                ],
            }
            for version, spec in zip(record.versions, specs, strict=True)
        ],
    }
    return b"\n".join([str(record.prompt).encode(), canonical_json(line), b"".join(specs)])


def encode_earlier_name(earlier: PromptId, now: PromptId) -> bytes:
    return b"\n".join([str(earlier).encode(), canonical_json({"renamed_to": str(now)}), b""])


def decode_record(data: bytes) -> PromptRecord | PromptId:
    """Read a record: a prompt, or the present name of a prompt whose earlier name it has.

    Raises:
        Wrong: promptdb does not write such a record.
    """
    name, _, rest = data.partition(b"\n")
    line, end, specs = rest.partition(b"\n")
    try:
        prompt, found = _prompt(name.decode("ascii")), json.loads(line)
        if not end or canonical_json(found) != line:
            raise Wrong("it is not a line of canonical JSON")
        if isinstance(found, dict) and found.keys() == {"renamed_to"} and not specs:
            return _prompt(typed(found["renamed_to"], str))
        aliases, archived, versions = exact_fields(found, aliases=dict, archived=bool, versions=list)
        pointers = {alias: _pointer(alias, to) for alias, to in aliases.items()}
        record = PromptRecord(prompt, archived, pointers, _versions(prompt, versions, specs))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError, InvalidRef, IntegrityFailure) as error:
        raise Wrong(f"it cannot be read: {error}") from error
    revisions = [version.view.revision for version in record.versions]
    if sorted(set(revisions), reverse=True) != revisions or not revisions:
        raise Wrong("its versions are not in order")
    if not {revision for to in pointers.values() for revision in to.revisions} <= set(revisions):
        raise Wrong("an alias points at a version that is not there")
    return record


def _prompt(text: str) -> PromptId:
    prompt = PromptId.from_path(text)
    if str(prompt) != text:
        raise Wrong("its name has no namespace")
    return prompt


def _pointer(alias: str, value: Any) -> Pointer:
    revision, generation, *splits = typed(value, list)
    if alias == LATEST and not splits:
        return Pointer(number(revision, 1, MAX_REVISION), typed(generation, type(None)))
    (split,) = map(decode_split, splits) if splits else (None,)
    if splits and (split is None or split.control != revision):
        raise Wrong("the control of a split is not the version of its alias")
    return Pointer(number(revision, 1, MAX_REVISION), number(generation), split)


def _versions(prompt: PromptId, values: list[Any], specs: bytes) -> tuple[SnapshotVersion, ...]:
    found, start = [], 0
    for value in values:
        key, revision, digest, label, by, at, commit, size, assets = exact_fields(
            value,
            id=str,
            revision=int,
            digest=str,
            user_version=(str, type(None)),
            created_by=str,
            created_at=str,
            commit=(str, type(None)),
            size=int,
            assets=list,
        )
        spec = specs[start : start + number(size, 0, len(specs) - start)]
        start += size
        if digest_of(spec) != digest:
            raise Wrong(f"the spec of revision {revision} does not have its digest")
        view = PromptVersionView(
            UUID(key), prompt, number(revision, 1, MAX_REVISION), Digest(digest), label, by, time(at)
        )
        found.append(SnapshotVersion(view, spec.decode(), commit, tuple(map(_asset, assets))))
    if start != len(specs):
        raise Wrong("it has more than its specs")
    return tuple(found)


def _asset(value: Any) -> SnapshotAsset:
    path, kind, content_type, size, text, at = exact_fields(
        value, path=str, kind=str, content_type=str, size=int, digest=str, at=(int, type(None))
    )
    digest = parse_digest(text)
    checksum = digest.partition(":")[2]
    view = AssetView(kind, object_key(digest), content_type, number(size), checksum, path)
    return SnapshotAsset(view, None if at is None else number(at))
