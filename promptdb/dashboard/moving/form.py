"""The button that moves an alias, below all that has to be known before."""

from collections.abc import Sequence

import streamlit as st

from promptdb.dashboard import opened
from promptdb.dashboard.moving.outcome import kept_reason, noted, send
from promptdb.dashboard.moving.request import Request
from promptdb.dashboard.moving.review import show_review
from promptdb.dashboard.registry.protocol import Registry
from promptdb.dashboard.showing.escaping import in_html, in_markdown
from promptdb.dashboard.showing.page import show_empty, show_html, show_note
from promptdb.dashboard.showing.prompts import selector_of, shortened, version_name
from promptdb.dashboard.showing.tables import code_html
from promptdb.domain.access import needed_scope
from promptdb.domain.changes import breaking
from promptdb.domain.scopes import Action
from promptdb.domain.views import BlameEntry
from promptdb.errors import Guard
from promptdb.project.comparison import compare
from promptdb.project.declared import said_of
from promptdb.render.resolved import ResolvedPrompt

MAX_REASON = 500
_MAX_NAMED = 300
_REASON = "reason"


def show_form(
    registry: Registry,
    request: Request,
    current: ResolvedPrompt | None,
    targets: Sequence[ResolvedPrompt],
    last: BlameEntry | None,
    *,
    is_protected: bool,
) -> None:
    """Show what a move changes, and the button for it.

    Args:
        current: the version at which the alias is; None for a new alias.
        targets: the version to which it goes, or those of the arms of a split.
        last: the move that brought it there.
    """
    broken = [] if current is None else _show_changes(current, targets)
    if not registry.may_move(request.prompt, request.alias):
        scope = needed_scope(Action.PROMOTE, request.prompt, request.alias)
        show_empty(f"Your token may not move {request.alias}.", f"It takes a token with the scope {scope}.")
        return
    _show_git(request, last)
    consents = True
    if request.shown is None:
        consents = st.checkbox(in_markdown(f"Create the alias {request.alias}"), key=f"create {_state(request)}")
    if request.action != "rollback":
        consents = _ask_consent(request, broken if is_protected else []) and consents
    elif broken:
        show_note("This breaks callers. A rollback is always allowed.")
    st.session_state.setdefault(_REASON, kept_reason())
    st.text_input(
        "Reason",
        key=_REASON,
        max_chars=MAX_REASON,
        placeholder="why, for those who read the history",
        autocomplete="off",
    )
    allow_breaking = consents and bool(broken or _refused(request))
    st.button(
        in_markdown(_label(request)),
        # Another one after each move, so that a click that comes late does nothing.
        key=f"move {_state(request)}",
        type="primary",
        disabled=not consents,
        on_click=send,
        args=(request, _REASON),
        kwargs={"allow_breaking": allow_breaking},
    )


def _show_changes(current: ResolvedPrompt, targets: Sequence[ResolvedPrompt]) -> list[str]:
    """Show how each target differs. Return what breaks callers."""
    broken: list[str] = []
    for target in targets:
        # The control of a split often is the present version.
        if target is targets[-1] or target.version.id != current.version.id:
            found = compare(current.spec, target.spec)
            show_review(current, target, found)
            broken += [change.message for change in breaking(found.contract)]
    return broken


def _label(request: Request) -> str:
    name = version_name(request.revision)
    if request.action == "split":
        return f"Split {request.alias}"
    return (
        f"Promote {request.alias} to {name}" if request.action == "promote" else f"Roll {request.alias} back to {name}"
    )


def _state(request: Request) -> str:
    generation = None if request.shown is None else request.shown.generation
    return f"{request.prompt} {request.alias} {generation} {request.action} {request.revision} {request.arms}"


def _refused(request: Request) -> list[str]:
    """List what the registry refused to break: it may protect an alias that this dashboard does not know as protected."""
    outcome = noted()
    if outcome is None or outcome.request != request or not isinstance(outcome.error, Guard):
        return []
    return [change.message for change in outcome.error.breaking] or [outcome.error.message]


def _ask_consent(request: Request, broken: list[str]) -> bool:
    named = broken or _refused(request)
    if not named:
        return True
    label = f"Break the callers of {request.alias}: {shortened('; '.join(named), _MAX_NAMED)}"
    help_ = "The alias is protected. The history records that you allowed this."
    return st.checkbox(in_markdown(label), key=f"consent {_state(request)}", help=help_)


def _show_git(request: Request, last: BlameEntry | None) -> None:
    """Say that git moves this alias too, and how to move it there."""
    checkout = opened.checkout()
    said = said_of(checkout.settings, request.alias, [request.prompt], "") if checkout is not None else {}
    is_synced = last is not None and last.run_id is not None
    if not (said or is_synced or (request.shown is not None and request.shown.held)):
        return
    why = said.get(request.prompt, "syncs move this alias")
    command = f"promptdb promote --write {request.prompt}:{selector_of(request.revision)} {request.alias}"
    if request.arms:
        arms = " ".join(f"{selector}={weight}" for selector, weight in request.arms)
        command = f"promptdb alias split --write {request.prompt} {request.alias} {arms}"
    governed = f"Git has this alias too: {in_html(why)}."
    held = "A move by hand to another version is held: syncs leave the alias there, and promptdb status shows it."
    instead = f"To move it in git instead, run {code_html(command)} in the checkout, and commit the file."
    show_html(f'<p class="pdb-note">{governed} {held} {instead}</p>')
