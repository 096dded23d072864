"""The arms of a traffic split: the field for them, and the share of each."""

from collections.abc import Callable, Sequence

from promptdb.dashboard.moving.request import Request
from promptdb.dashboard.showing.address import text_field
from promptdb.dashboard.showing.page import show_html, show_note, show_warning
from promptdb.dashboard.showing.prompts import selector_of, version_name
from promptdb.dashboard.showing.tables import Html, table_html
from promptdb.domain.splits import Arm, Split, parse_arm
from promptdb.domain.views import AliasView
from promptdb.errors import NotFound
from promptdb.render.resolved import ResolvedPrompt

_MAX_CHARS = 1000


def choose_arms(shown: AliasView, revisions: Sequence[int]) -> str:
    """Show the field for the arms, and return its text. It begins with the present split, or a small part for another version.

    Args:
        shown: the alias as it is.
        revisions: those to choose from, the newest first.
    """
    other = next((revision for revision in revisions if revision != shown.revision), None)
    proposed = "" if other is None else f"rev:{shown.revision}=90 rev:{other}=10"
    return text_field(
        "arms",
        "Arms",
        "rev:3=90 rev:4=10",
        default=proposed if shown.split is None else str(shown.split),
        help="Versions with weights. The first is the control, for callers without a key.",
        max_chars=_MAX_CHARS,
    )


def wanted_split(
    shown: AliasView, text: str, find: Callable[[str], ResolvedPrompt]
) -> tuple[Request, list[ResolvedPrompt]] | None:
    """Show the share of each arm, and return the request with its versions. Return None if the alias is like this already.

    Raises:
        InvalidRef: an arm or a weight is malformed, or a version is given twice.
        NotFound: there is no such version.
    """
    arms = tuple(map(parse_arm, text.split()))
    versions = [find(selector) for selector, _ in arms]
    for (selector, _), version in zip(arms, versions, strict=True):
        if not version.version.is_recorded:
            raise NotFound(f"no sync has recorded the version that {selector} names", "sync that commit first")
    split = Split.of(Arm(version.version.revision, weight) for version, (_, weight) in zip(versions, arms, strict=True))
    show_html(_shares_html(split))
    if split.has_arms_of(shown.split):
        show_note(f"{shown.alias} is split like this already.")
        return None
    if shown.split is not None and (what := split.may_move_all(shown.split)) is not None:
        show_warning(
            f"The {what} differs from that of the present split, so any user may get another version. Keep the sum "
            f"{shown.split.total:,} and the control {version_name(shown.split.control)} to move as few as possible."
        )
    exact = tuple((selector_of(arm.revision), arm.weight) for arm in split.arms)
    return Request(shown.prompt, shown.alias, "split", shown, split.control, exact), versions


def _shares_html(split: Split) -> Html:
    lines = [
        (
            version_name(arm.revision),
            f"{100 * arm.weight / split.total:.4g} %",
            "the control: also callers without a key" if arm is split.arms[0] else "",
        )
        for arm in split.arms
    ]
    return table_html("Arms", ["Arm", "Share of the keys", ""], lines)
