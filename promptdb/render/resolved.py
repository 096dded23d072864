"""What a lookup gives: a version, ready to render."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from promptdb.domain.digest import digest_of
from promptdb.domain.identity import PromptId
from promptdb.domain.refs import PromptRef
from promptdb.domain.spec import PromptSpec
from promptdb.domain.views import PromptVersionView, StoredVersion
from promptdb.errors import IntegrityFailure
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
        _compiled=prompt,
        ref=ref,
        version=view,
        alias=stored.alias,
        commit_id=stored.commit_id,
    )


@lru_cache(maxsize=_COMPILED_VERSIONS)
def compiled(spec_json: str) -> CompiledPrompt:
    """A spec, as stored, compiled once."""
    return CompiledPrompt(PromptSpec.from_canonical(spec_json))
