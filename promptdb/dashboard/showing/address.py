"""Fields whose value is in the address of the page, so that a link chooses it and the address can be sent."""

from collections.abc import Callable, Sequence

import streamlit as st

_CURSOR = "cursor"


def text_field(
    name: str,
    label: str,
    placeholder: str,
    *,
    default: str = "",
    help: str | None = None,  # noqa: A002
    max_chars: int = 300,
    disabled: bool = False,
) -> str:
    """Show a field for text, and return its value. The default is not in the address."""
    st.session_state[name] = value = st.query_params.get(name, default)[:max_chars]
    st.text_input(
        label,
        key=name,
        placeholder=placeholder,
        help=help,
        max_chars=max_chars,
        disabled=disabled,
        on_change=_write,
        args=(name, default),
    )
    return value.strip()


def choice_field(
    name: str,
    label: str,
    options: Sequence[str],
    default: str | None,
    *,
    title: Callable[[str], str],
    help: str,  # noqa: A002
) -> str | None:
    """Show a field that offers options and takes other text too, and return its value. The default is not in the address."""
    st.session_state[name] = value = st.query_params.get(name) or default
    offered = [*options, *([value] if value is not None and value not in options else [])]
    st.selectbox(
        label,
        offered,
        index=None,
        key=name,
        format_func=title,
        accept_new_options=True,
        help=help,
        on_change=_write,
        args=(name, default),
    )
    return value


def _write(name: str, default: str | None) -> None:
    value = st.session_state[name]
    if value in (None, "", default):
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = value
    # It is a place in the list of other values.
    st.query_params.pop(_CURSOR, None)
