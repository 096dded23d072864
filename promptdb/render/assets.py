"""Images and datasets of examples that a prompt takes from its assets.

Reads an asset when a render first needs it, and caches its content by digest for the whole process.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, BinaryIO

from promptdb.domain.digest import Digest, normalized
from promptdb.domain.field_path import FieldPath
from promptdb.domain.spec import Asset, JsonObject, Message, PromptSpec
from promptdb.errors import RenderError, StorageError

OpenBlob = Callable[[Digest], BinaryIO]
"""Opens a stream that checks the digest."""

MAX_IMAGE_BYTES = 20 * 1024 * 1024
MAX_DATASET_BYTES = 64 * 1024 * 1024
IMAGE_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
"""The types that models accept. Python's `mimetypes` would differ between machines."""

_SCHEME = "asset:"


class PromptAssets:
    """The assets of one prompt. Without `open_blob`, none can be read."""

    def __init__(self, spec: PromptSpec, open_blob: OpenBlob | None = None) -> None:
        self._spec = spec
        self._assets = {asset.path: asset for asset in spec.assets}
        self._open_blob = open_blob

    def __reduce__(self) -> tuple[type["PromptAssets"], tuple[PromptSpec]]:
        return PromptAssets, (self._spec,)  # connections cannot be pickled

    def data_url(self, name: str) -> str:
        """Read an image as a `data:` URL (RFC 2397).

        Raises:
            RenderError: the asset does not exist, or is too large.
            StorageError, IntegrityFailure: the asset cannot be read.
        """
        return f"data:{image_type(name)};base64,{_encoded(self._blob(name))}"

    @property
    def examples(self) -> Sequence[JsonObject]:
        """The examples of the spec, or of its dataset, which must not be changed. Raises the errors of `data_url`."""
        if (name := dataset(self._spec)) is not None:
            return _examples(self._blob(name))
        return self._spec.few_shot.examples if self._spec.few_shot is not None else ()

    def _blob(self, name: str) -> "_Blob":
        if name not in self._assets:
            raise RenderError(f"the prompt has no asset {name!r}", f"its assets: {', '.join(self._assets) or 'none'}")
        return _Blob(self._assets[name], self._open_blob)


class _Blob:
    """A cache key that can read its asset once. Keys with the same digest are equal."""

    def __init__(self, asset: Asset, open_blob: OpenBlob | None) -> None:
        self.asset = asset
        self._open_blob = open_blob

    def __hash__(self) -> int:
        return hash(self.asset.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Blob) and other.asset.digest == self.asset.digest

    def read(self, limit: int) -> bytes:
        # The cache keeps its keys for the life of the process, so that they must not hold connections.
        open_blob, self._open_blob = self._open_blob, None
        if open_blob is None:
            hint = "get the prompt from a PromptClient or a PromptService in this process"
            raise StorageError(f"no connection to read the asset {self.asset.path!r}", hint)
        with open_blob(self.asset.digest) as stream:
            data = stream.read(limit + 1)
            if len(data) > limit:
                message = f"the asset {self.asset.path!r} is larger than {limit // 1024**2} MiB"
                raise RenderError(message, "it is too large to become a part of a prompt")
            stream.read(1)  # the stream checks the digest at its end
            return data


@lru_cache(maxsize=16)
def _encoded(blob: _Blob) -> str:
    return b64encode(blob.read(MAX_IMAGE_BYTES)).decode()


@lru_cache(maxsize=8)
def _examples(blob: _Blob) -> tuple[JsonObject, ...]:
    lines = blob.read(MAX_DATASET_BYTES).decode("utf-8-sig").split("\n")
    return tuple(normalized(json.loads(line)) for line in lines if line.strip())


def image_type(name: str) -> str | None:
    """Return the content type by the suffix, or None if models do not accept such an image."""
    return IMAGE_TYPES.get("." + name.rpartition(".")[2].lower())


def images_in(parts: str | Sequence[Any], path: FieldPath) -> Iterator[tuple[FieldPath, str]]:
    """Find the images that are assets in the content at `path`: yield the path of the URL and the name of the asset."""
    for index, part in enumerate(() if isinstance(parts, str) else parts):
        where, url = (*path, index, "image_url"), part.get("image_url")
        if isinstance(url, dict):
            where, url = (*where, "url"), url.get("url")
        if isinstance(url, str) and url.startswith(_SCHEME):
            yield where, url.removeprefix(_SCHEME)


def images(spec: PromptSpec) -> Iterator[tuple[FieldPath, str]]:
    """Find the images that are assets in a whole spec, as `images_in` does."""
    for index, item in enumerate(spec.messages or ()):
        if isinstance(item, Message):
            yield from images_in(item.template, ("messages", index, "template"))
    for index, item in enumerate((spec.few_shot and spec.few_shot.chat_messages) or ()):
        yield from images_in(item.template, ("few_shot", "chat_messages", index, "template"))


def dataset(spec: PromptSpec) -> str | None:
    """Return the name of the asset that holds the examples, if there is one."""
    return spec.few_shot.examples_asset if spec.few_shot is not None else None
