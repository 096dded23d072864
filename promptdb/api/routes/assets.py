"""The assets of versions: their list and their bytes."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, BinaryIO
from urllib.parse import quote

from fastapi import APIRouter, Header, Request
from starlette.responses import Response

from promptdb.api.auth import READS, Reads
from promptdb.api.caching import ALIAS, PINNED, names, private
from promptdb.api.names import PromptSegment, Selector, prompt_of
from promptdb.api.openapi import NOT_MODIFIED, parameter, problems
from promptdb.api.problems import Refusal
from promptdb.api.schemas import Asset, Page
from promptdb.api.served import served
from promptdb.api.streamed import StreamedBytes
from promptdb.api.strict_bodies import StrictRoute
from promptdb.domain.refs import LATEST, PromptRef
from promptdb.domain.views import AssetView
from promptdb.domain.wire.versions import asset_fields
from promptdb.render.resolved import asset_not_found

router = APIRouter(tags=["assets"], route_class=StrictRoute)

CHUNK = 256 * 1024
_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{1,18})?|-(\d{1,18}))")
_PATH = parameter("path", "path", "the path in the prompt file", "_assets/examples.jsonl", required=True)
_BYTES = {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}
"""In the media type of the asset."""


@router.get("/prompts/{prompt}/assets", response_model=Page[Asset], dependencies=[READS], responses=problems(404, 422))
def assets(request: Request, prompt: PromptSegment, selector: Selector = LATEST) -> dict[str, Any]:
    """List the assets of a version."""
    found = served(request).prompt(f"{prompt_of(prompt)}:{selector}")
    return {"items": [asset_fields(asset) for asset in found.assets], "next": None}


@router.get(
    "/prompts/{prompt}/assets/{path:path}",
    response_class=Response,
    responses={
        200: {"description": "The bytes of the asset.", **_BYTES},
        206: {"description": "The part of the asset that `Range` names.", **_BYTES},
        **NOT_MODIFIED,
        **problems(404, 416, 422),
    },
    openapi_extra={"parameters": [_PATH]},
)
def asset(
    request: Request,
    grant: Reads,
    prompt: PromptSegment,
    selector: Selector = LATEST,
    range_: Annotated[str | None, Header(alias="Range", description="one range of bytes")] = None,
    if_range: Annotated[str | None, Header()] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Read an asset, or one range of its bytes."""
    # Read here, because it may have bytes that are not UTF-8, which FastAPI refuses.
    path: str = request.path_params["path"]
    ref = PromptRef.parse(f"{prompt_of(prompt)}:{selector}")
    found = served(request).prompt(ref.text)
    view = next((one for one in found.assets if one.path == path), None)
    if view is None:
        raise asset_not_found(found.version, path, [one.path or "" for one in found.assets])
    caching = PINNED if ref.is_pinned else ALIAS
    etag, name = f'"{view.digest}"', path.rpartition("/")[2]
    headers = {
        "ETag": etag,
        "Cache-Control": private(caching) if grant.token_id else caching,
        "Accept-Ranges": "bytes",
        # A browser must save it: a page from this origin could use what the origin is trusted with.
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='', errors='surrogateescape')}",
    }
    if if_none_match is not None and names(if_none_match, etag):
        return Response(status_code=304, headers=headers)
    first, last = 0, view.byte_size - 1
    if range_ is not None and (if_range is None or if_range == etag) and (part := _part(range_, view)) is not None:
        first, last = part
        headers["Content-Range"] = f"bytes {first}-{last}/{view.byte_size}"
    headers["Content-Length"] = str(last - first + 1)
    status = 206 if "Content-Range" in headers else 200
    if request.state.is_head:
        return Response(None, status, headers, media_type=view.content_type)
    stream = found.asset(path)
    return StreamedBytes(stream, _bytes(stream, first, last - first + 1), status, headers, view.content_type)


def _part(text: str, asset: AssetView) -> tuple[int, int] | None:
    """Read a range as its first and last byte, or None if it is not one range of bytes, which a server may ignore.

    Raises:
        Refusal: the asset does not have these bytes.
    """
    match = _RANGE.fullmatch(text.strip())
    if match is None or (match[1] and match[2] and int(match[2]) < int(match[1])):
        return None
    size = asset.byte_size
    first = int(match[1]) if match[1] else max(size - int(match[3]), 0)
    if first >= size or match[3] == "0":
        headers = {"Content-Range": f"bytes */{size}"}
        hint = "the header Content-Range has its size"
        raise Refusal(416, "range-not-satisfiable", f"the asset has {size:,} bytes", hint, headers=headers)
    return first, min(int(match[2]), size - 1) if match[2] else size - 1


def _bytes(stream: BinaryIO, skip: int, count: int) -> Iterator[bytes]:
    """Yield a part of a stream. The last chunk waits for the end of the stream, which checks the digest of the whole."""
    while skip and (data := stream.read(min(CHUNK, skip))):
        skip -= len(data)
    held = b""
    while count and (data := stream.read(min(CHUNK, count))):
        count -= len(data)
        if held:
            yield held
        held = data
    stream.read(1)
    yield held
