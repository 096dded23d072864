"""The JSON form of a version with its spec and its list of assets."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from promptdb.domain.blob import object_key
from promptdb.domain.digest import Digest, canonical_json, digest_of, parse_digest
from promptdb.domain.json_fields import Wrong, number, some_fields, time
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import MAX_REVISION
from promptdb.domain.splits import decode_split, split_fields
from promptdb.domain.views import AssetReader, AssetView, PromptVersionView, StoredVersion
from promptdb.errors import IntegrityFailure, InvalidRef


def view_fields(view: PromptVersionView) -> dict[str, Any]:
    """Convert a version without its content to JSON data, as `promptdb log --json` has it."""
    return {
        "id": str(view.id),
        "prompt": str(view.prompt),
        "revision": view.revision,
        "spec_hash": view.spec_hash,
        "user_version": view.user_version,
        "created_by": view.created_by,
        "created_at": view.created_at.isoformat(),
        "is_recorded": view.is_recorded,
    }


def asset_fields(asset: AssetView) -> dict[str, Any]:
    """Convert an asset to JSON data. Its key in the store of the registry is not a part of it."""
    return {
        "kind": asset.kind,
        "path": asset.path,
        "content_type": asset.content_type,
        "byte_size": asset.byte_size,
        "checksum_sha256": asset.checksum_sha256,
    }


def encode_version(stored: StoredVersion, files: Callable[[StoredVersion], Sequence[AssetView]]) -> bytes:
    """Encode a version as a JSON object, with the arms of its split. Its spec has the bytes that are stored.

    Args:
        files: lists the assets of a version.
    """
    state = {"archived": stored.archived, "alias": stored.alias, "commit_id": stored.commit_id}
    fields = {**view_fields(stored.view), **state, "split": split_fields(stored.split)}
    fields["assets"] = [asset_fields(asset) for asset in files(stored)]
    arms = b",".join(encode_version(arm, files) for arm in stored.arms)
    return b"".join([_compact(fields)[:-1], b',"arms":[', arms, b'],"spec":', stored.spec_json.encode(), b"}"])


ReadFiles = Callable[[PromptVersionView, tuple[AssetView, ...]], AssetReader]
"""Gives access to the assets of a version, which are listed."""


def decode_version(value: Any, files: ReadFiles) -> StoredVersion:
    """Read the object of `encode_version`. Other fields are ignored.

    Raises:
        Wrong: it is not a version, or its spec does not have its digest.
    """
    fields, arms = some_fields(value, split=(dict, type(None)), arms=list)
    control, split = _version(value, files), decode_split(fields)
    if split is None:
        return control
    found = replace(control, split=split, arms=tuple(_version(arm, files) for arm in arms))
    expected = [(control.view.prompt, revision) for revision in split.revisions]
    if [(one.view.prompt, one.view.revision) for one in (control, *found.arms)] != expected:
        raise Wrong(f"the versions of the split of {control.view} are not its arms")
    return found


def _version(value: Any, files: ReadFiles) -> StoredVersion:
    try:
        view = _view(value)
        archived, alias, commit, assets, spec = some_fields(
            value, archived=bool, alias=(str, type(None)), commit_id=(str, type(None)), assets=list, spec=dict
        )
        spec_json = canonical_json(spec)
        if digest_of(spec_json) != view.spec_hash:
            raise Wrong(f"the spec of {view} does not have its digest")
        reader = files(view, tuple(map(_asset, assets)))
        return StoredVersion(view, spec_json.decode(), archived, alias, commit, reader)
    except (ValueError, TypeError, OverflowError, RecursionError, InvalidRef, IntegrityFailure) as error:
        raise Wrong(f"a version cannot be read: {error}") from error


def decode_view(value: Any) -> PromptVersionView:
    """Read the object of `view_fields`. Other fields are ignored. Raise `Wrong` if it is not a version."""
    try:
        return _view(value)
    except (ValueError, TypeError, OverflowError, InvalidRef, IntegrityFailure) as error:
        raise Wrong(f"a version cannot be read: {error}") from error


def decode_asset(value: Any) -> AssetView:
    """Read the object of `asset_fields`. Other fields are ignored. Raise `Wrong` if it is not an asset."""
    try:
        return _asset(value)
    except (ValueError, IntegrityFailure) as error:
        raise Wrong(f"an asset cannot be read: {error}") from error


def _view(value: Any) -> PromptVersionView:
    key, prompt, revision, digest, label, by, at, is_recorded = some_fields(
        value,
        id=str,
        prompt=str,
        revision=int,
        spec_hash=str,
        user_version=(str, type(None)),
        created_by=str,
        created_at=str,
        is_recorded=bool,
    )
    return PromptVersionView(
        UUID(key),
        PromptId.parse(prompt),
        number(revision, 1 if is_recorded else 0, MAX_REVISION),
        parse_digest(digest),
        label,
        by,
        time(at),
        is_recorded,
    )


def _asset(value: Any) -> AssetView:
    kind, path, content_type, size, checksum = some_fields(
        value, kind=str, path=(str, type(None)), content_type=str, byte_size=int, checksum_sha256=str
    )
    digest: Digest = parse_digest(f"sha256:{checksum}")
    return AssetView(kind, object_key(digest), content_type, number(size), checksum, path)


def _compact(value: Any) -> bytes:
    # Escaped, since the path of a file may have bytes that are not UTF-8.
    return json.dumps(value, separators=(",", ":")).encode()
