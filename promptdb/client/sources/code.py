"""Makes prompts of the caller's own code, for a missing registry."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from promptdb.domain.delivery import Reason
from promptdb.domain.refs import PromptRef
from promptdb.domain.spec import PromptSpec
from promptdb.domain.version_ids import prompt_id, version_id
from promptdb.domain.views import PromptVersionView, StoredVersion
from promptdb.render.resolved import PromptMaker, ResolvedPrompt, resolved

Fallback = str | Mapping[str, Any] | PromptSpec
"""An f-string, the fields of a prompt file, or a spec."""

SOURCE = "code"


def fallback_prompt(text: str, fallback: Fallback, make: PromptMaker | None = None) -> ResolvedPrompt:
    """Make a fallback ready to render. Its version has the revision 0 and is not recorded.

    Raises:
        InvalidRef: `text` is not a reference.
        InvalidPrompts: the fallback is not a valid prompt.
    """
    # Only an outage pays for the parser.
    from promptdb.project.single_file import content_from_spec

    ref = PromptRef.parse(text)
    content = content_from_spec({"template": fallback} if isinstance(fallback, str) else fallback)
    view = PromptVersionView(
        version_id(prompt_id(ref.prompt), 0, content.digest),
        ref.prompt,
        0,
        content.digest,
        content.user_version,
        SOURCE,
        datetime.now(UTC),
        is_recorded=False,
    )
    return resolved(
        text, StoredVersion(view, content.canonical.decode()), SOURCE, Reason.DEFAULT, make=make or ResolvedPrompt
    )
