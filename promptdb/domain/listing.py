"""Long lists of a registry: what one page has, and which prompts a filter takes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from promptdb.domain.prompt_id import PromptId
from promptdb.domain.views import PromptSummary


@dataclass(frozen=True, slots=True)
class PromptFilter:
    """The prompts that a list has. None means any.

    Attributes:
        namespace: the namespace of a prompt, or one around it.
        tag: one of its tags.
        owner: one of its owners.
        text: a part of its name, title, description or templates, in upper or lower case.
        fragment: a fragment that it includes, as a template names it.
        behind: an alias of it that does not point at its highest revision.
        archived: take archived prompts too.
    """

    namespace: str | None = None
    tag: str | None = None
    owner: str | None = None
    text: str | None = None
    fragment: str | None = None
    behind: str | None = None
    archived: bool = False

    def takes(self, prompt: PromptId, spec: Mapping[str, Any]) -> bool:
        """Check the stored spec of a prompt for tag, owner, text and fragment."""
        metadata = spec["metadata"]
        return (
            (self.tag is None or self.tag in metadata["tags"])
            and (self.owner is None or self.owner in metadata["owners"])
            and (self.fragment is None or self.fragment in spec["includes"])
            and (self.text is None or any(self.text.lower() in text.lower() for text in _texts(prompt, spec)))
        )


def _texts(prompt: PromptId, spec: Mapping[str, Any]) -> list[str]:
    metadata = spec["metadata"]
    items = [spec, *(spec["messages"] or ())]
    # A template may be a list of content parts.
    templates = [
        template if isinstance(template, str) else json.dumps(template, ensure_ascii=False)
        for item in items
        if (template := item.get("template")) is not None
    ]
    return [str(prompt), metadata["title"] or "", metadata["description"] or "", *templates]


@dataclass(frozen=True, slots=True)
class ListedPrompt:
    """A prompt with the metadata of its highest revision."""

    summary: PromptSummary
    title: str | None
    description: str | None
    tags: tuple[str, ...]
    owners: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Behind:
    """A prompt with an alias that does not point at its highest revision: the version there, and the newest one."""

    prompt: PromptId
    there: int
    newest: int
    spec_there: str
    newest_spec: str


@dataclass(frozen=True, slots=True)
class SyncRun:
    """A recorded sync. `outcome` is `applied`, or `superseded` if a newer commit was recorded before."""

    id: int
    root: str
    git_ref: str | None
    commit_id: str | None
    is_dirty: bool
    outcome: str
    counts: Mapping[str, int]
    created_by: str
    started_at: datetime
    finished_at: datetime
