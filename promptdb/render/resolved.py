"""A version found by a lookup, ready to render."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, BinaryIO

from promptdb.domain.delivery import Reason
from promptdb.domain.digest import Digest, digest_of
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import PromptRef
from promptdb.domain.spec import PromptSpec
from promptdb.domain.splits import Split
from promptdb.domain.views import AssetReader, AssetView, PromptVersionView, StoredVersion
from promptdb.errors import AssetNotFound, IntegrityFailure, StorageError
from promptdb.render.compiled import CompiledPrompt
from promptdb.render.messages import RenderedMessage
from promptdb.render.renderable import RenderablePrompt

_SHOWN = 60
"""The most characters of a text in `repr`."""


@dataclass(frozen=True)
class PromptRenderResult:
    """A rendered version: the prompt as one text, and the same prompt as messages. `str` gives the text."""

    version: PromptVersionView
    text: str
    messages: tuple[RenderedMessage, ...]

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        start = self.text if len(self.text) <= _SHOWN else f"{self.text[:_SHOWN]}..."
        return f"PromptRenderResult({str(self.version)!r}, {start!r})"


@dataclass(frozen=True, kw_only=True)
class ResolvedPrompt(RenderablePrompt):
    """The version found by `ref`. It never changes, although a later lookup may find another version.

    `alias` is set if the reference named one. `commit_id` is the first known commit with this version. `archived`: the
    prompt has no file any more. `source` names the place that it came from, and `reason` says how. `split` is that of the
    alias: with a key, `version` is its arm for the key, and otherwise the control.
    """

    ref: str
    version: PromptVersionView
    alias: str | None = None
    commit_id: str | None = None
    archived: bool = False
    source: str = "database"
    reason: Reason = Reason.STATIC
    split: Split | None = None
    _arms: tuple[StoredVersion, ...] = field(default=(), repr=False, compare=False)
    _age: Callable[[], float] | None = field(default=None, repr=False, compare=False)
    _reader: AssetReader | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return str(self.version)

    def __repr__(self) -> str:
        return f"ResolvedPrompt({self.ref!r}, {self.version!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_reader": None, "_age": None, "_arms": ()}  # connections cannot be pickled

    def stored(self) -> StoredVersion:
        """Return the version as its source gave it, with the arms of a split."""
        facts = (self.archived, self.alias, self.commit_id, self._reader)
        return StoredVersion(self.version, self.spec_json, *facts, split=self.split, arms=self._arms)

    @property
    def age(self) -> float:
        """Seconds since the source confirmed this answer. Zero for a version that cannot change, or that was pickled."""
        return self._age() if self._age is not None else 0.0

    @property
    def variant(self) -> str | None:
        """The word for this version in OpenFeature, such as `rev:4`. None if the version is not recorded."""
        return f"rev:{self.version.revision}" if self.version.is_recorded else None

    @property
    def renamed_to(self) -> PromptId | None:
        """The current name of the prompt if `ref` has an earlier one, otherwise None."""
        return self.version.prompt if PromptRef.parse(self.ref).prompt != self.version.prompt else None

    @property
    def trace_metadata(self) -> dict[str, Any]:
        """Prompt, digest and revision for traces, with alias and commit if known. The values are text and numbers."""
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
            StorageError: the registry cannot be reached, or the prompt was pickled.
        """
        return tuple(self._assets().list()) if self._compiled.spec.assets else ()

    def asset(self, path: str) -> BinaryIO:
        """Open a file of the version for reading. Close the stream, or use it in a `with` statement.

        Args:
            path: the file's path as written in the prompt file, such as `_assets/examples.jsonl`.

        Raises:
            AssetNotFound: the version does not have this file. The hint lists its files.
            StorageError: the file cannot be read, or the prompt was pickled.
            IntegrityFailure: raised by the stream at its end, if the bytes do not match the digest.
        """
        assets = self._compiled.spec.assets
        digest = next((asset.digest for asset in assets if asset.path == path), None)
        if digest is None:
            raise asset_not_found(self.version, path, [asset.path for asset in assets])
        return self.open_blob(digest)

    def open_blob(self, digest: Digest) -> BinaryIO:
        """Open a file of the version by its digest."""
        return self._assets().open(digest)

    def _assets(self) -> AssetReader:
        if self._reader is None:
            hint = "get the prompt from a PromptClient or a PromptService in this process"
            raise StorageError(f"no connection to read the assets of {self.prompt}", hint)
        return self._reader

    def render(self, variables: Mapping[str, Any] | None = None, /, **more: Any) -> PromptRenderResult:
        """Render the prompt as text and as messages."""
        text, messages = self.render_text(variables, **more), self.render_messages(variables, **more)
        return PromptRenderResult(self.version, text, tuple(messages))


PromptMaker = Callable[..., ResolvedPrompt]
"""Makes a prompt from the fields of `ResolvedPrompt`."""


def resolved(
    ref: str,
    stored: StoredVersion,
    source: str = "database",
    reason: Reason = Reason.STATIC,
    age: Callable[[], float] | None = None,
    make: PromptMaker = ResolvedPrompt,
) -> ResolvedPrompt:
    """Make a stored version ready to render. Each content is compiled once in a process.

    Raises:
        IntegrityFailure: the stored spec does not match its digest, or cannot be read.
    """
    view = stored.view
    if digest_of(stored.spec_json.encode()) != view.spec_hash:
        message = f"the stored spec of {view.prompt} revision {view.revision} does not have its digest"
        raise IntegrityFailure(message, "the database was changed by hand; restore it")
    prompt = compiled(stored.spec_json)
    if prompt.spec.metadata.user_version != view.user_version:
        message = f"{view.prompt} revision {view.revision} does not have the user_version of its spec"
        raise IntegrityFailure(message, "the database was changed by hand; see: promptdb verify")
    return make(
        prompt=view.prompt,
        spec_json=stored.spec_json,
        _compiled=prompt.reading(stored.assets.open if stored.assets is not None else None),
        ref=ref,
        version=view,
        alias=stored.alias,
        commit_id=stored.commit_id,
        archived=stored.archived,
        source=source,
        reason=reason,
        split=stored.split,
        _arms=stored.arms,
        _age=age,
        _reader=stored.assets,
    )


def resolved_for(ref: str, stored: StoredVersion, key: str | None, source: str = "database") -> ResolvedPrompt:
    """Make the version that a key gets ready to render. Without a key or a split, that is the version itself."""
    if key is None or stored.split is None:
        return resolved(ref, stored, source)
    return resolved(ref, replace(stored.for_key(key), split=stored.split), source, Reason.SPLIT)


def asset_not_found(version: PromptVersionView, path: str, there: Sequence[str]) -> AssetNotFound:
    which = f"revision {version.revision}" if version.is_recorded else "as it is in git,"
    hint = f"its assets: {', '.join(there)}" if there else "it has no assets"
    return AssetNotFound(f"{version.prompt} {which} has no asset {path!r}", hint)


@lru_cache(maxsize=2048)
def compiled(spec_json: str) -> CompiledPrompt:
    """Compile a stored spec, once in a process."""
    return CompiledPrompt(PromptSpec.from_canonical(spec_json))
