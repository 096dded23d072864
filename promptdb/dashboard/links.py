"""The pages of the dashboard, and their addresses with all that they show."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import LATEST


@dataclass(frozen=True, slots=True)
class Screen:
    """A page: its script below this folder, and the path of its address. Pages outside the menu need a link with a prompt."""

    script: str
    path: str
    title: str
    icon: str
    in_menu: bool = False


OVERVIEW = Screen("screens/overview.py", "", "Overview", ":material/space_dashboard:", in_menu=True)
PROMPTS = Screen("screens/prompts.py", "prompts", "Prompts", ":material/article:", in_menu=True)
PROMPT = Screen("screens/prompt.py", "prompt", "Prompt", ":material/description:")
COMPARE = Screen("screens/compare.py", "compare", "Compare", ":material/difference:")
TRY = Screen("screens/try_out.py", "try", "Try", ":material/play_arrow:")
PROMOTE = Screen("screens/promote.py", "promote", "Promote", ":material/publish:")
HISTORY = Screen("screens/history.py", "history", "History", ":material/history:", in_menu=True)

SCREENS = (OVERVIEW, PROMPTS, HISTORY, PROMPT, COMPARE, TRY, PROMOTE)
"""The pages that there are, in the order of the menu. The first one is at the address of the dashboard itself."""

FILE = "file"
"""In place of a selector: the file of a prompt as it is in the checkout. No alias is looked up under this name."""


@dataclass(frozen=True, slots=True)
class Link:
    """The address of a page. Its query holds what the page shows, by the names that `st.query_params` has on it."""

    screen: Screen
    query: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"/{self.screen.path}" + (f"?{urlencode(self.query)}" if self.query else "")

    @property
    def leads_somewhere(self) -> bool:
        return self.screen in SCREENS


def to_prompts(
    namespace: str | None = None, tag: str | None = None, owner: str | None = None, q: str | None = None
) -> Link:
    """Link to the prompts that these filters take."""
    return _link(PROMPTS, namespace=namespace, tag=tag, owner=owner, q=q)


def to_prompt(prompt: PromptId, selector: str | None = None) -> Link:
    """Link to a version of a prompt, by default the newest."""
    return _link(PROMPT, name=str(prompt), version=None if selector == LATEST else selector)


def to_comparison(prompt: PromptId, old: str, new: str = LATEST, **more: str | None) -> Link:
    """Link to the comparison of two versions by their selectors. One of them may be `FILE`.

    `more` may have the `view` of differences, and the `inputs` of the renders as JSON.
    """
    return _link(COMPARE, name=str(prompt), **{"from": old, "to": new}, **more)


def to_trial(prompt: PromptId, selector: str | None = None, inputs: str | None = None) -> Link:
    """Link to the form that renders a version, maybe with inputs as JSON."""
    return _link(TRY, name=str(prompt), version=selector, inputs=inputs)


def to_promotion(prompt: PromptId, alias: str | None = None, selector: str | None = None) -> Link:
    """Link to the aliases of a prompt, with one of them chosen to move, maybe to a version."""
    return _link(PROMOTE, name=str(prompt), alias=alias, version=selector)


def to_history(prompt: PromptId | None = None, at: datetime | None = None) -> Link:
    """Link to the moves of aliases, or to what they pointed at at a time."""
    return _link(HISTORY, name=None if prompt is None else str(prompt), at=None if at is None else at.isoformat())


def _link(screen: Screen, **query: str | None) -> Link:
    return Link(screen, {name: value for name, value in query.items() if value is not None})
