"""The content of a new version: canonical JSON, its digest, and the assets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, cast

from promptdb.domain.blob import Blob
from promptdb.domain.bundle import BundledAsset
from promptdb.domain.content_types import content_type
from promptdb.domain.digest import Digest, digest_of
from promptdb.domain.field_path import FieldPath
from promptdb.errors import OutsideRoot, StalePlan, StorageError
from promptdb.files.streams import StoredFile
from promptdb.files.tree import ABSENT, FileTooLarge, Tree, beside, open_stored
from promptdb.streams import Readable, checked

if TYPE_CHECKING:
    from promptdb.domain.spec import PromptSpec
    from promptdb.files.reading.parse import ParsedPrompt


@dataclass(frozen=True)
class Content:
    """The canonical JSON of a spec with its digest, and the assets with their bytes.

    `reads` are the other files that went into it, by their paths from the prompts root. `texts` names the files among them
    that hold a text of the spec.
    """

    canonical: bytes
    digest: Digest
    user_version: str | None = None
    assets: tuple[BundledAsset, ...] = ()
    blobs: tuple[Blob, ...] = ()
    reads: tuple[str, ...] = ()
    texts: Mapping[FieldPath, str] = field(default_factory=dict)

    def open_blob(self, digest: Digest) -> BinaryIO:
        """Open the file of an asset.

        Raises:
            StalePlan: the file has changed since it was digested. The stream raises this too, instead of its end.
            StorageError: no asset has this digest.
        """
        for blob in self.blobs:
            if blob.digest == digest:
                return blob.open()
        raise StorageError(f"no asset has the digest {digest}")

    @property
    def spec(self) -> "PromptSpec":
        # Parsed for each caller: ten thousand live specs would keep the garbage collector busy. The import is slow, and
        # only new content needs it.
        from promptdb.domain.spec import PromptSpec

        return PromptSpec.from_canonical(self.canonical)


def content_of_file(parsed: "ParsedPrompt", tree: Tree) -> Content:
    """Collect the content of a parsed file. Its assets are read from `tree` when they are stored."""
    canonical = parsed.spec.canonical()
    bundled, blobs = [], []
    for asset in parsed.spec.assets:
        where = beside(parsed.document.path, asset.path)
        stored = parsed.stored[where]
        bundled.append(BundledAsset(asset.path, asset.kind, asset.digest, stored.size, content_type(where)))
        blobs.append(Blob(asset.digest, stored.size, partial(_open_asset, tree, where, stored)))
    return Content(
        canonical,
        digest_of(canonical),
        parsed.spec.metadata.user_version,
        tuple(bundled),
        tuple(blobs),
        tuple(path for path, digest in parsed.reads.items() if digest != ABSENT),
        parsed.texts,
    )


def _open_asset(tree: Tree, path: str, stored: StoredFile) -> BinaryIO:
    edited = StalePlan(f"{path} was edited while it was synced", "run the command again")
    try:
        stream = open_stored(tree, path, stored)
    except (OSError, FileTooLarge, OutsideRoot) as error:
        raise edited from error
    return checked(cast("Readable", stream), stored.digest, lambda: edited)
