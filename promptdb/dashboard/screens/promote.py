"""The aliases of a prompt as stages, and one move at a time: to a version, or back to the one before."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from promptdb.dashboard import opened
from promptdb.dashboard.links import to_history, to_prompt
from promptdb.dashboard.moving.form import show_form
from promptdb.dashboard.moving.outcome import show_outcome
from promptdb.dashboard.moving.request import Action, Request
from promptdb.dashboard.moving.splitting import choose_arms, wanted_split
from promptdb.dashboard.moving.stages import show_stages
from promptdb.dashboard.registry.protocol import PAGE, Registry, Standing
from promptdb.dashboard.showing.address import choice_field
from promptdb.dashboard.showing.escaping import in_markdown
from promptdb.dashboard.showing.moves import utc_text
from promptdb.dashboard.showing.page import (
    named_prompt,
    show_empty,
    show_error,
    show_link,
    show_note,
    show_title,
    show_warning,
)
from promptdb.dashboard.showing.prompts import person_name, selector_of, target_name, version_name
from promptdb.dashboard.showing.versions import find_recorded
from promptdb.domain.aliases import rollback_targets
from promptdb.domain.nearest import nearest
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import LATEST, parse_alias
from promptdb.domain.views import AliasEventView, AliasView, BlameEntry
from promptdb.errors import InvalidRef, NotFound
from promptdb.render.resolved import ResolvedPrompt
from promptdb.settings import load_settings

_ACTION = "action"
_STATE = "state"
"""The generation of the alias from which a rollback goes back."""
_MAX_DIGITS = 10
_MOST_PAGES = 4
"""Pages of the log that are searched for the target of a rollback."""


@dataclass(frozen=True, slots=True)
class Place:
    """The state of the prompt, before anything is chosen."""

    newest: ResolvedPrompt
    standing: Standing
    last: dict[str, BlameEntry]
    protected: frozenset[str]
    kept: dict[int, ResolvedPrompt]
    """Versions by revision that need no question any more."""

    @property
    def prompt(self) -> PromptId:
        return self.newest.prompt


def main() -> None:
    """Show the stages of the prompt that the address names, and the chosen move."""
    name = named_prompt("Promote")
    if name is None:
        return
    show_title(f"Promote {name}", "Point an alias at a version, or roll it back.")
    registry = opened.registry()
    newest = registry.version(f"{name}:{LATEST}")
    last = {entry.alias: entry for entry in registry.blame(prompt=newest.prompt).items}
    protected = frozenset(load_settings().protected_aliases)
    # A rollback has no choice of a version.
    limit = 0 if st.query_params.get(_ACTION) == "rollback" else PAGE
    standing = registry.standing(newest.prompt, limit=limit, with_commits=False)
    place = Place(newest, standing, last, protected, {newest.version.revision: newest})
    if newest.renamed_to is not None:
        show_note(f"The address has an earlier name of {newest.renamed_to}.")
    with st.container(horizontal=True):
        show_link(to_prompt(place.prompt), "Prompt", icon=":material/description:")
        show_link(to_history(place.prompt), "History", icon=":material/history:")
    aliases = place.standing.aliases
    show_stages(aliases, last, protected, st.query_params.get("alias"))
    # Three moves stand side by side, also on a narrow page.
    fields = st.columns([2, 3, 3])
    with fields[0]:
        alias = _choose_alias(place)
    if alias is None:
        show_note("Choose the alias to move, or write the name of a new one.")
        return
    try:
        _show_move(registry, place, parse_alias(alias), fields)
    except (InvalidRef, NotFound) as error:
        show_error(error)


def _choose_alias(place: Place) -> str | None:
    names = [alias.alias for alias in place.standing.aliases]
    return choice_field(
        "alias",
        "Alias",
        names,
        names[0] if len(names) == 1 else None,
        title=str,
        help="One of these, or the name of a new alias.",
    )


def _show_move(registry: Registry, place: Place, alias: str, fields: Sequence[DeltaGenerator]) -> None:
    shown = next((one for one in place.standing.aliases if one.alias == alias), None)
    with fields[1]:
        # A new alias has no earlier target, and no version that most callers keep.
        action: Action = "promote" if shown is None else _choose_action(shown)
    with fields[2]:
        chosen = _choose_target(place, alias, action, shown)
    if show_outcome(shown):
        return
    wanted = _wanted(registry, place, alias, action, shown, chosen)
    if wanted is None:
        return
    request, targets = wanted
    current = None if shown is None else _version(registry, place, selector_of(shown.revision))
    if shown is None:
        near = nearest(alias, (one.alias for one in place.standing.aliases))
        show_warning(f"{alias} is a new alias." + (f" Did you mean {near}?" if near is not None else ""))
        show_link(
            to_prompt(place.prompt, selector_of(request.revision)), f"{place.prompt} {version_name(request.revision)}"
        )
    elif action == "rollback" and (before := place.last.get(alias)) is not None and before.action == "rollback":
        # A link to this page may be opened by two people, one after the other.
        show_warning(
            f"{person_name(before.actor)} rolled it back at {utc_text(before.moved_at)}. This goes back one more step."
        )
    show_form(registry, request, current, targets, place.last.get(alias), is_protected=alias in place.protected)


def _choose_target(place: Place, alias: str, action: Action, shown: AliasView | None) -> str:
    if action == "split" and shown is not None:
        return choose_arms(shown, [entry.version.revision for entry in place.standing.versions])
    return _choose_version(place, alias) if action == "promote" else ""


def _wanted(
    registry: Registry, place: Place, alias: str, action: Action, shown: AliasView | None, chosen: str
) -> tuple[Request, list[ResolvedPrompt]] | None:
    """Find what the visitor chose, and the versions of which it consists. Say so if there is nothing to do."""
    if action == "split" and shown is not None:
        _keep(registry, place, shown, *(arm.rpartition("=")[0] for arm in chosen.split()))
        return wanted_split(shown, chosen, lambda selector: _version(registry, place, selector))
    if action == "rollback" and shown is not None:
        if not _is_of_this_state(shown):
            return None
        revision = previous_target(registry, place.prompt, alias)
        if revision is None:
            show_empty(f"{alias} has no earlier version than {version_name(shown.revision)}.", "Promote it instead.")
            return None
        chosen = selector_of(revision)
    _keep(registry, place, shown, chosen)
    target = _version(registry, place, chosen)
    if not target.version.is_recorded:
        show_error(NotFound(f"no sync has recorded the version that {chosen} names", "sync that commit first"))
        return None
    # To promote the control of a split ends it, and a rollback may bring it back.
    is_whole = shown is not None and shown.split is None
    if action == "promote" and is_whole and shown is not None and shown.version_id == target.version.id:
        show_note(f"{alias} is at {version_name(target.version.revision)} already.")
        return None
    return Request(place.prompt, alias, action, shown, target.version.revision), [target]


def _is_of_this_state(shown: AliasView) -> bool:
    """Check that the alias is as it was when someone chose to roll it back: its address may be opened later.

    An address without a state was written by hand. Its visitor has seen nothing yet that could be rolled back.
    """
    state = st.query_params.get(_STATE)
    if state == str(shown.generation):
        return True
    now = target_name(shown.revision, shown.split)
    there = f"It is at {now} since {utc_text(shown.updated_at)}."
    if state is None:
        show_note(f"This address does not say from which version to roll {shown.alias} back. {there}")
        label = f"Roll back from {now}"
    else:
        show_warning(f"{shown.alias} has moved since this address was made. {there}")
        label = f"Roll back from {now} instead"
    st.button(in_markdown(label), on_click=_write_state, args=(shown.generation,))
    return False


def _write_state(generation: int) -> None:
    st.query_params[_STATE] = str(generation)


def _choose_action(shown: AliasView) -> Action:
    names: dict[Action, str] = {"promote": "Promote", "split": "Split", "rollback": "Roll back"}
    action: Action = next((name for name in names if name == st.query_params.get(_ACTION)), "promote")
    st.session_state[_ACTION] = action
    st.segmented_control(
        "Move",
        list(names),
        key=_ACTION,
        format_func=names.__getitem__,
        required=True,
        on_change=_write_action,
        args=(shown.generation,),
    )
    return action


def _write_action(generation: int) -> None:
    action = st.session_state[_ACTION]
    st.query_params.pop(_STATE, None)
    if action == "promote":
        st.query_params.pop(_ACTION, None)
        return
    st.query_params[_ACTION] = action
    if action == "rollback":
        _write_state(generation)


def _choose_version(place: Place, alias: str) -> str:
    titles = {LATEST: f"latest: {version_name(place.newest.version.revision)}"}
    titles |= {
        other.alias: f"{other.alias}: {version_name(other.revision)}"
        for other in place.standing.aliases
        if other.alias != alias
    }
    for entry in place.standing.versions:
        version = entry.version
        titles[selector_of(version.revision)] = (
            f"{version_name(version.revision)} of {version.created_at:%Y-%m-%d}, {person_name(version.created_by)}"
        )
    chosen = choice_field(
        "version",
        "Version",
        list(titles),
        LATEST,
        title=lambda selector: titles.get(selector, selector),
        help="One of these, or any selector: v3, git:COMMIT, an alias, a label.",
    )
    return chosen or LATEST


def _version(registry: Registry, place: Place, selector: str) -> ResolvedPrompt:
    revision = _revision(place, selector)
    kept = None if revision is None else place.kept.get(revision)
    return find_recorded(registry, place.prompt, selector) if kept is None else kept


def _keep(registry: Registry, place: Place, shown: AliasView | None, *selectors: str) -> None:
    """Ask once for the version of an alias and those to which it may go."""
    wanted = {revision for selector in selectors if (revision := _revision(place, selector)) is not None}
    wanted |= {shown.revision} if shown is not None else set()
    if missing := wanted - place.kept.keys():
        place.kept.update(registry.versions(place.prompt, missing))


def _revision(place: Place, selector: str) -> int | None:
    """Find the revision that a selector names, if the page knows it already."""
    if selector == LATEST:
        return place.newest.version.revision
    pointing = {alias.alias: alias.revision for alias in place.standing.aliases}
    number = selector.removeprefix("rev:")
    is_number = number != selector and number.isascii() and number.isdigit() and len(number) < _MAX_DIGITS
    return int(number) if is_number else pointing.get(selector)


def previous_target(registry: Registry, prompt: PromptId, alias: str) -> int | None:
    """Find the version, or the control of a split, to which a rollback goes, in the newest part of the log that is enough."""
    moves: list[AliasEventView] = []
    cursor = None
    for _ in range(_MOST_PAGES):
        part = registry.moves(prompt, alias, cursor)
        moves += part.items
        targets = rollback_targets(moves)
        if len(targets) > 1:
            return targets[-2].revision
        cursor = part.following
        if cursor is None:
            break
    return None


# Streamlit runs this file by itself.
if __name__ == "__main__":
    main()
