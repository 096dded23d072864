"""What a prompt takes from its assets when it is rendered: images, and the examples of a dataset.

Nothing is read before it is needed. What was read is kept by its digest for the whole process.
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
"""Gives a stream that checks the digest."""

MAX_IMAGE_BYTES = 20 * 1024 * 1024
MAX_DATASET_BYTES = 64 * 1024 * 1024
IMAGE_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
"""Those that models take. Not from the system, whose table differs between machines."""

_SCHEME = "asset:"
_KEPT_IMAGES, _KEPT_DATASETS = 16, 8


class PromptAssets:
    """What one prompt renders besides its templates.

    Args:
        spec: of the prompt.
        open_blob: reads an asset; None where nobody can.
    """

    def __init__(self, spec: PromptSpec, open_blob: OpenBlob | None = None) -> None:
        self._spec = spec
        self._assets = {asset.path: asset for asset in spec.assets}
        self._open_blob = open_blob

    def __reduce__(self) -> tuple[type["PromptAssets"], tuple[PromptSpec]]:
        return PromptAssets, (self._spec,)  # connections stay where they are

    def data_url(self, name: str) -> str:
        """An image as a `data:` URL (RFC 2397).

        Raises:
            RenderError: there is no such asset, or it is too large.
            StorageError, IntegrityFailure: it cannot be read.
        """
        return f"data:{image_type(name)};base64,{_encoded(self._blob(name))}"

    @property
    def examples(self) -> Sequence[JsonObject]:
        """The examples of the spec, or of its dataset. Nobody may change them. Errors as in `data_url`."""
        name = dataset(self._spec)
        if name is not None:
            return _examples(self._blob(name))
        return self._spec.few_shot.examples if self._spec.few_shot is not None else ()

    def _blob(self, name: str) -> "_Blob":
        if name not in self._assets:
            raise RenderError(f"the prompt has no asset {name!r}", f"its assets: {', '.join(self._assets) or 'none'}")
        return _Blob(self._assets[name], self._open_blob)


class _Blob:
    """The key of what is kept: equal where the digest is. It lets go of `open_blob`, since a cache keeps its keys."""

    def __init__(self, asset: Asset, open_blob: OpenBlob | None) -> None:
        self.asset = asset
        self._open_blob = open_blob

    def __hash__(self) -> int:
        return hash(self.asset.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Blob) and other.asset.digest == self.asset.digest

    def read(self, limit: int) -> bytes:
        open_blob, self._open_blob = self._open_blob, None
        if open_blob is None:
            hint = "get the prompt from a PromptClient or a PromptService in this process"
            raise StorageError(f"nothing here can read the asset {self.asset.path!r}", hint)
        with open_blob(self.asset.digest) as stream:
            data = stream.read(limit + 1)
            if len(data) > limit:
                message = f"the asset {self.asset.path!r} is larger than {limit // 1024**2} MiB"
                raise RenderError(message, "it is too large to become a part of a prompt")
            stream.read(1)  # only the end tells whether the bytes are right
            return data


@lru_cache(maxsize=_KEPT_IMAGES)
def _encoded(blob: _Blob) -> str:
    return b64encode(blob.read(MAX_IMAGE_BYTES)).decode()


@lru_cache(maxsize=_KEPT_DATASETS)
def _examples(blob: _Blob) -> tuple[JsonObject, ...]:
    lines = blob.read(MAX_DATASET_BYTES).decode("utf-8-sig").split("\n")
    return tuple(normalized(json.loads(line)) for line in lines if line.strip())


def image_type(name: str) -> str | None:
    """By the suffix; None for what is no image that models take."""
    return IMAGE_TYPES.get("." + name.rpartition(".")[2].lower())


def images_in(parts: str | Sequence[Any], path: FieldPath) -> Iterator[tuple[FieldPath, str]]:
    """The images of a content that are assets: where the URL is, and which asset it names.

    Args:
        parts: content parts, as written.
        path: to them in the spec.
    """
    for index, part in enumerate(() if isinstance(parts, str) else parts):
        where, url = (*path, index, "image_url"), part.get("image_url")
        if isinstance(url, dict):
            where, url = (*where, "url"), url.get("url")
        if isinstance(url, str) and url.startswith(_SCHEME):
            yield where, url.removeprefix(_SCHEME)


def images(spec: PromptSpec) -> Iterator[tuple[FieldPath, str]]:
    """The same of a whole spec."""
    for index, item in enumerate(spec.messages or ()):
        if isinstance(item, Message):
            yield from images_in(item.template, ("messages", index, "template"))
    for index, item in enumerate((spec.few_shot.chat_messages if spec.few_shot is not None else None) or ()):
        yield from images_in(item.template, ("few_shot", "chat_messages", index, "template"))


def dataset(spec: PromptSpec) -> str | None:
    """The asset that has the examples, if one has."""
    return spec.few_shot.examples_asset if spec.few_shot is not None else None
