"""What a lookup gives: a version, its spec, and ways to render it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from promptdb.domain.digest import digest_of
from promptdb.domain.spec import PromptSpec, Variable
from promptdb.domain.views import PromptVersionView, StoredVersion
from promptdb.errors import IntegrityFailure
from promptdb.render.messages import RenderedMessage
from promptdb.render.prompt import CompiledPrompt

_COMPILED_VERSIONS = 2048


@dataclass(frozen=True)
class PromptRenderResult:
    """`text` is the whole prompt as one text, `messages` the same as messages; `version` says what was rendered."""

    version: PromptVersionView
    text: str
    messages: tuple[RenderedMessage, ...]


@dataclass(frozen=True)
class ResolvedPrompt:
    """A version found by `ref`. It never changes: a later lookup may give another one."""

    ref: str
    version: PromptVersionView
    _spec_json: str
    _compiled: CompiledPrompt

    @cached_property
    def spec(self) -> PromptSpec:
        """All fields of the version. Made for this object: what a caller does to it reaches no other lookup."""
        return PromptSpec.from_canonical(self._spec_json)

    @property
    def variables(self) -> dict[str, Variable]:
        """The contract: what a caller must or may give."""
        return {name: variable.model_copy(deep=True) for name, variable in self._compiled.contract.items()}

    @property
    def names(self) -> frozenset[str]:
        """What a caller can usefully give: the contract, and names that a section of a mustache template may look up."""
        return self._compiled.names

    def render_text(self, variables: Mapping[str, Any] | None = None, /, **more: Any) -> str:
        """The prompt as one text; a chat as lines of `Speaker: content`.

        Args:
            variables: values by name. Names that the prompt does not have are ignored.
            more: values too, for names that are Python identifiers; they win.

        Raises:
            MissingVariables: naming all that are missing.
            RenderError: a value does not fit.
        """
        return self._compiled.render_text({**(variables or {}), **more})

    def render_messages(self, variables: Mapping[str, Any] | None = None, /, **more: Any) -> list[RenderedMessage]:
        """The prompt as messages; a string prompt as one human message. Arguments and errors as in `render_text`."""
        return self._compiled.render_messages({**(variables or {}), **more})

    def render(self, variables: Mapping[str, Any] | None = None, /, **more: Any) -> PromptRenderResult:
        """Both at once, with the version. Arguments and errors as in `render_text`."""
        values = {**(variables or {}), **more}
        text = self._compiled.render_text(values)
        return PromptRenderResult(self.version, text, tuple(self._compiled.render_messages(values)))


def resolved(ref: str, stored: StoredVersion) -> ResolvedPrompt:
    """Make a stored version ready to render; the templates of one content are compiled once in a process.

    Raises:
        IntegrityFailure: the stored spec does not have its digest, or cannot be read.
    """
    if digest_of(stored.spec_json.encode()) != stored.view.spec_hash:
        message = f"the stored spec of {stored.view.prompt} revision {stored.view.revision} does not have its digest"
        raise IntegrityFailure(message, "the database was changed by hand; restore it")
    return ResolvedPrompt(ref, stored.view, stored.spec_json, _compiled(stored.spec_json))


@lru_cache(maxsize=_COMPILED_VERSIONS)
def _compiled(spec_json: str) -> CompiledPrompt:
    return CompiledPrompt(PromptSpec.from_canonical(spec_json))
