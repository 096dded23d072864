"""Versions as files that `promptdb import` reads."""

import io
from collections.abc import Iterator
from hashlib import sha256
from tempfile import SpooledTemporaryFile
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import JSONResponse, Response

from promptdb.api.auth import READS
from promptdb.api.caching import CHECKED, names
from promptdb.api.names import PromptSegment, SelectorSegment, address, prompt_of
from promptdb.api.openapi import NOT_MODIFIED, problems
from promptdb.api.problems import Refusal
from promptdb.api.served import served
from promptdb.api.streamed import StreamedBytes
from promptdb.api.strict_bodies import StrictRoute
from promptdb.api.write_schemas import Export
from promptdb.domain.blob import CHUNK
from promptdb.domain.integrity import BUNDLE
from promptdb.domain.refs import PromptRef
from promptdb.domain.views import AssetView, PromptVersionView
from promptdb.domain.wire.versions import view_fields
from promptdb.errors import IntegrityFailure
from promptdb.registry.reader import RegistryReader
from promptdb.transfer.export import version_document
from promptdb.transfer.version_file import write_version

router = APIRouter(tags=["exports"], route_class=StrictRoute)

MAX_ASSETS = 256 * 1024 * 1024
"""The most bytes of all assets in one zip. The server makes it before it answers."""

_IN_MEMORY = 1024 * 1024
_BINARY = {"schema": {"type": "string", "format": "binary"}}


@router.post(
    "/exports/{prompt}/{selector}",
    response_model=Export,
    dependencies=[READS],
    status_code=201,
    responses=problems(404, 413, 422),
)
def create_export(
    request: Request,
    prompt: PromptSegment,
    selector: SelectorSegment,
) -> Response:
    """Prepare the export of a version: check that all its files are there, and name the address where it stays the same.

    Each version has its bundle since it was registered, so this writes nothing, and may be repeated.
    """
    reader = served(request).reader
    version = _find(reader, prompt, selector)
    blobs = reader.assets(version)
    files = [blob for blob in blobs if blob.kind != BUNDLE]
    _require_small(files)
    for blob in blobs:
        if (state := reader.blob_state(blob)) != "present":
            raise IntegrityFailure(f"the blob {blob.digest} of {version} is {state}", "see: promptdb verify")
    fields = {
        "version": view_fields(version),
        "bundle": next(blob.digest for blob in blobs if blob.kind == BUNDLE),
        "assets": len(files),
        "byte_size": sum(blob.byte_size for blob in files),
    }
    place = address(request, "exports", version.prompt, f"rev:{version.revision}")
    return JSONResponse(fields, 201, {"Location": place})


@router.get(
    "/exports/{prompt}/{selector}",
    response_class=Response,
    dependencies=[READS],
    responses={
        200: {
            "description": "The file.",
            "content": {"application/json": {"schema": {"type": "object"}}, "application/zip": _BINARY},
        },
        **NOT_MODIFIED,
        **problems(404, 413, 422),
    },
)
def read_export(
    request: Request,
    prompt: PromptSegment,
    selector: SelectorSegment,
    form: Annotated[
        Literal["json", "zip"], Query(alias="format", description="`zip` has the assets, `json` lists them")
    ] = "json",
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Read a version with its history in git, as a file for `promptdb import`."""
    found = served(request)
    version = _find(found.reader, prompt, selector)
    document = version_document(found.reader.registry, version)
    text = io.BytesIO()
    # It has the digests of all assets, so it identifies the zip, too.
    write_version(document, found.reader.registry.blobs, text, zipped=False)
    digest, suffix = sha256(text.getvalue()).hexdigest()[:32], "zip" if form == "zip" else "bundle.json"
    name = f"{str(version.prompt).replace('/', '-')}-rev-{version.revision}.{suffix}"
    headers = {
        "ETag": f'"{digest}-{form}"',
        "Cache-Control": CHECKED,
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    if if_none_match is not None and names(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    if form == "json":
        return Response(text.getvalue(), headers=headers, media_type="application/json")
    _require_small([blob for blob in found.reader.assets(version) if blob.kind != BUNDLE])
    file = cast(io.BytesIO, SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115
    try:
        # Whole before it is sent: a blob that is missing is an answer of its own.
        write_version(document, found.reader.registry.blobs, file, zipped=True)
    except BaseException:
        file.close()
        raise
    headers["Content-Length"] = str(file.tell())
    return StreamedBytes(file, _chunks(file), 200, headers, "application/zip")


def _find(reader: RegistryReader, prompt: str, selector: str) -> PromptVersionView:
    return reader.find(PromptRef.parse(f"{prompt_of(prompt)}:{selector.replace('%2F', '/')}")).view


def _require_small(files: list[AssetView]) -> None:
    if sum(blob.byte_size for blob in files) > MAX_ASSETS:
        hint = "promptdb export writes it to a file"
        raise Refusal(413, "too-large", f"the assets have more than {MAX_ASSETS:,} bytes", hint)


def _chunks(file: io.BytesIO) -> Iterator[bytes]:
    file.seek(0)
    while data := file.read(CHUNK):
        yield data
