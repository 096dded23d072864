"""What a lookup gives: a version, ready to render."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, BinaryIO

from promptdb.domain.digest import Digest, digest_of
from promptdb.domain.identity import PromptId
from promptdb.domain.refs import PromptRef
from promptdb.domain.spec import PromptSpec
from promptdb.domain.views import AssetReader, AssetView, PromptVersionView, StoredVersion
from promptdb.errors import AssetNotFound, IntegrityFailure, StorageError
from promptdb.render.messages import RenderedMessage
from promptdb.render.prompt import CompiledPrompt
from promptdb.render.renderable import RenderablePrompt

_COMPILED_VERSIONS = 2048


@dataclass(frozen=True)
class PromptRenderResult:
    """`text` is the whole prompt as one text, `messages` the same as messages; `version` says what was rendered."""

    version: PromptVersionView
    text: str
    messages: tuple[RenderedMessage, ...]


@dataclass(frozen=True, kw_only=True)
class ResolvedPrompt(RenderablePrompt):
    """A version found by `ref`. It never changes: a later lookup may give another one.

    `alias` is the one that the reference named, `commit_id` the first commit that had the version; None where there is none.
    """

    ref: str
    version: PromptVersionView
    alias: str | None = None
    commit_id: str | None = None
    _reader: AssetReader | None = field(default=None, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_reader": None}  # connections stay where they are

    @property
    def renamed_to(self) -> PromptId | None:
        """The name that the prompt has now, where `ref` has an earlier one; else None."""
        return self.version.prompt if PromptRef.parse(self.ref).prompt != self.version.prompt else None

    @property
    def trace_metadata(self) -> dict[str, Any]:
        """Prompt, revision, digest, alias and commit; what there is of them. The values are text and numbers."""
        found = {
            **super().trace_metadata,
            "promptdb_revision": self.version.revision,
            "promptdb_alias": self.alias,
            "promptdb_commit": self.commit_id,
        }
        return {key: value for key, value in found.items() if value is not None}

    @property
    def assets(self) -> tuple[AssetView, ...]:
        """The files of the version, with their kind, content type, size in bytes and digest.

        Raises:
            StorageError: the registry cannot be reached, or the prompt was pickled since.
        """
        return tuple(self._assets().list()) if self._compiled.spec.assets else ()

    def asset(self, path: str) -> BinaryIO:
        """A stream of the bytes of a file of the version. Close it, or use it in a `with`.

        Args:
            path: as the prompt file names it, such as `_assets/examples.jsonl`.

        Raises:
            AssetNotFound: the version has no such file; the hint says which it has.
            StorageError: it cannot be read, or the prompt was pickled since.
            IntegrityFailure: by the stream, in place of its end: the bytes do not have the digest they had.
        """
        assets = self._compiled.spec.assets
        digest = next((asset.digest for asset in assets if asset.path == path), None)
        if digest is None:
            raise asset_not_found(self.version, path, [asset.path for asset in assets])
        return self.open_blob(digest)

    def open_blob(self, digest: Digest) -> BinaryIO:
        """The same by the digest of an asset."""
        return self._assets().open(digest)

    def _assets(self) -> AssetReader:
        if self._reader is None:
            hint = "get the prompt from a PromptClient or a PromptService in this process"
            raise StorageError(f"nothing here can read the assets of {self.prompt}", hint)
        return self._reader

    def render(self, variables: Mapping[str, Any] | None = None, /, **more: Any) -> PromptRenderResult:
        """Text and messages at once, with the version."""
        values = {**(variables or {}), **more}
        return PromptRenderResult(self.version, self.render_text(values), tuple(self.render_messages(values)))


def resolved(ref: str, stored: StoredVersion) -> ResolvedPrompt:
    """Make a stored version ready to render; the templates of one content are compiled once in a process.

    Raises:
        IntegrityFailure: the stored spec does not have its digest, or cannot be read.
    """
    view = stored.view
    if digest_of(stored.spec_json.encode()) != view.spec_hash:
        message = f"the stored spec of {view.prompt} revision {view.revision} does not have its digest"
        raise IntegrityFailure(message, "the database was changed by hand; restore it")
    prompt = compiled(stored.spec_json)
    if prompt.spec.metadata.user_version != view.user_version:
        message = f"{view.prompt} revision {view.revision} does not have the user_version of its spec"
        raise IntegrityFailure(message, "the database was changed by hand; see: promptdb verify")
    return ResolvedPrompt(
        prompt=view.prompt,
        spec_json=stored.spec_json,
        _compiled=prompt.reading(stored.assets.open if stored.assets is not None else None),
        ref=ref,
        version=view,
        alias=stored.alias,
        commit_id=stored.commit_id,
        _reader=stored.assets,
    )


def asset_not_found(version: PromptVersionView, path: str, there: Sequence[str]) -> AssetNotFound:
    which = f"revision {version.revision}" if version.is_recorded else "as it is in git,"
    hint = f"its assets: {', '.join(there)}" if there else "it has no assets"
    return AssetNotFound(f"{version.prompt} {which} has no asset {path!r}", hint)


@lru_cache(maxsize=_COMPILED_VERSIONS)
def compiled(spec_json: str) -> CompiledPrompt:
    """A spec, as stored, compiled once."""
    return CompiledPrompt(PromptSpec.from_canonical(spec_json))
