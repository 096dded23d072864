"""The form for the values of a prompt. Its address keeps them where they are short, and the session otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from promptdb.dashboard.inputs import (
    HISTORY_ROLES,
    MAX_IN_ADDRESS,
    MAX_SAFE_INTEGER,
    Entry,
    HistoryEntry,
    NotAValue,
    Values,
    choice_label,
    choices_of,
    entry_of,
    from_address,
    in_address,
    kind_of,
    to_json,
    value_of,
    values_in,
)
from promptdb.dashboard.links import Screen
from promptdb.dashboard.showing.escaping import in_html, in_label, in_markdown, visible
from promptdb.dashboard.showing.page import show_empty, show_html, show_note
from promptdb.dashboard.showing.prompts import shortened
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.spec import Variable
from promptdb.errors import MissingVariables

INPUTS = "inputs"
"""The parameter of the address."""

_KEPT = "pdb_inputs"
_MAX_DEFAULT = 80
_HINTS = {None: "text; other values under JSON", "array": '["JSON"]', "object": '{"name": "value"}'}
"""Examples of what a field takes."""


@dataclass(frozen=True)
class _Kept:
    """The values that the session has for a prompt, and the parameter of the address that they belong to."""

    prompt: PromptId
    address: str | None
    values: Values = field(default_factory=dict)
    is_sent: bool = False


def ask_for_values(screen: Screen, prompt: PromptId, contract: Mapping[str, Variable]) -> dict[str, Any] | None:
    """Show the form on a page, and return its values. None if an entry is not a value: the form says so."""
    address = st.query_params.get(INPUTS)
    kept: _Kept | None = st.session_state.get(_KEPT)
    is_new = kept is None or (kept.prompt, kept.address) != (prompt, address)
    if kept is None or is_new:
        kept = _Kept(prompt, address, from_address(address))
    fields = _Fields(screen.path, kept.values, is_new)
    as_json = _asks_for_json(contract, kept.values)
    with st.form("inputs"):
        values = fields.all_as_json() if as_json else fields.each(contract)
        is_sent = st.form_submit_button("Render", key="render", icon=":material/play_arrow:")
    if not as_json:
        _offer_rows(fields, contract)
    if values is not None:
        if is_sent:
            kept = _moved_to_address(prompt, values)
        if kept.address is None and kept.values:
            show_note(f"These inputs are too long for the address, which holds {MAX_IN_ADDRESS:,} characters of them.")
    st.session_state[_KEPT] = kept
    return values


def show_missing(error: MissingVariables, place: str) -> None:
    """Ask for the missing values. Before anything was given, they are not a mistake yet."""
    kept: _Kept | None = st.session_state.get(_KEPT)
    is_given = kept is not None and (kept.is_sent or kept.address is not None)
    show_empty(error.message if is_given else place, "Fill in the form.")


def _moved_to_address(prompt: PromptId, values: Values) -> _Kept:
    text = in_address(values)
    if text:
        st.query_params[INPUTS] = text
    else:
        st.query_params.pop(INPUTS, None)
    return _Kept(prompt, text or None, values, is_sent=True)


def _asks_for_json(contract: Mapping[str, Variable], values: Values) -> bool:
    chosen = st.segmented_control("Inputs as", ["Form", "JSON"], default="Form", required=True, key="inputs_as")
    if chosen == "JSON":
        return True
    try:
        for name, value in values.items():
            if name not in contract:
                raise NotAValue("the form has no field for it")
            entry_of(contract[name], value)
    except NotAValue as error:
        show_note(f"{name}: {error}. So the inputs are shown as JSON.")
        return True
    return False


@dataclass(frozen=True)
class _Fields:
    """The fields of the form. `is_new`: they show other values than in the last run.

    `page` begins their keys: on another page, Streamlit would take one of the same key for a new and empty field.
    """

    page: str
    values: Values
    is_new: bool

    def all_as_json(self) -> dict[str, Any] | None:
        """Ask for all values in one field."""
        key = self._prepared("all", to_json(self.values, indent=2) if self.values else "")
        label = "All inputs as one JSON object"
        text = st.text_area(label, key=key, height=220, placeholder='{"name": "value"}')
        try:
            return values_in(text)
        except NotAValue as error:
            st.error(in_markdown(str(error)), icon=":material/error:")
            return None

    def each(self, contract: Mapping[str, Variable]) -> dict[str, Any] | None:
        """Ask for each value in a field of its own."""
        found: dict[str, Any] | None = {}
        for name, variable in contract.items():
            entry = entry_of(variable, self.values[name]) if name in self.values else None
            try:
                given = value_of(variable, self._ask(name, variable, entry))
            except NotAValue as error:
                st.error(f"{in_markdown(name)}: {in_markdown(str(error))}", icon=":material/error:")
                found = None
                continue
            if found is not None and given:
                found[name] = given[0]
        if not contract:
            show_note("The prompt has no variables.")
        return found

    def _ask(self, name: str, variable: Variable, entry: Entry) -> Entry:
        kind = kind_of(variable)
        title = f"{name}, {variable.type or 'any value'}{'' if variable.required else ', optional'}"
        label = in_label(title)
        tip = None if variable.description is None else in_markdown(variable.description)
        hint = (
            None
            if variable.default is None
            else f"default: {visible(shortened(to_json(variable.default), _MAX_DEFAULT))}"
        )
        if kind == "history":
            return self._ask_for_history(name, title, variable, entry if isinstance(entry, list) else [])
        if kind == "choice":
            choices = choices_of(variable)
            key = self._prepared(f"{name} {hash(tuple(choices))}", entry)
            return st.selectbox(
                label,
                choices,
                index=None,
                format_func=lambda choice: visible(choice_label(variable, choice)),
                key=key,
                help=tip,
                placeholder=hint or "not given",
            )
        if kind == "integer":
            key = self._prepared(f"{name} integer", entry)
            low, high = -MAX_SAFE_INTEGER, MAX_SAFE_INTEGER
            return st.number_input(label, low, high, None, step=1, key=key, help=tip, placeholder=hint)
        if variable.type == "number":
            return st.text_input(label, key=self._prepared(f"{name} number", entry or ""), help=tip, placeholder=hint)
        hint = hint or _HINTS.get(variable.type)
        key = self._prepared(f"{name} {kind}", entry or "")
        return st.text_area(label, key=key, help=tip, placeholder=hint, height="content")

    def _ask_for_history(self, name: str, title: str, variable: Variable, entries: list[HistoryEntry]) -> Entry:
        count = self.count_of(name)
        if self.is_new or count not in st.session_state:
            st.session_state[count] = max(1, len(entries))
        show_html(f'<p class="pdb-line">{in_html(title)}</p>')
        if variable.description:
            show_note(variable.description)
        rows = []
        for index in range(st.session_state[count]):
            entry = entries[index] if index < len(entries) else HistoryEntry()
            key = self._prepared(f"{name} role {index}", entry.role)
            role = st.segmented_control(f"Role of message {index + 1}", HISTORY_ROLES, required=True, key=key)
            key = self._prepared(f"{name} content {index}", entry.content)
            hint = "Without a text, it is left out"
            text = st.text_area(f"Message {index + 1}", key=key, height="content", placeholder=hint)
            rows.append(HistoryEntry(role or HISTORY_ROLES[0], text))
        return rows

    def count_of(self, name: str) -> str:
        """Name the number of rows of a history in the state of the session."""
        return f"{self.page} messages of {name}"

    def _prepared(self, name: str, entry: Any) -> str:
        """Put an entry into a field before it is shown, unless the field has one of this visit."""
        key = f"{self.page} {name}"
        if self.is_new or key not in st.session_state:
            st.session_state[key] = entry
        return key


def _offer_rows(fields: _Fields, contract: Mapping[str, Variable]) -> None:
    # Not in the form, whose first button is the one for Enter.
    for name, variable in contract.items():
        if kind_of(variable) == "history":
            label = f"Add a message to {in_label(name)}"
            st.button(label, key=f"add {name}", on_click=_add_row, args=(fields.count_of(name),), icon=":material/add:")


def _add_row(count: str) -> None:
    st.session_state[count] += 1
