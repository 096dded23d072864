"""Asks a person for an access token. Only the state of the session keeps it."""

import streamlit as st

from promptdb.dashboard.opened import TOKEN
from promptdb.dashboard.showing.escaping import in_markdown
from promptdb.errors import Unauthorized

_FIELD = "pdb_token_field"


def ask_for_token(error: Unauthorized) -> None:
    """Show why a token is needed, and a field for it."""
    if TOKEN in st.session_state:
        what = "The server does not accept this token. It may have ended or been revoked."
        st.error(f"{what}  \n{in_markdown(error.message)}", icon=":material/key:")
    else:
        st.info(in_markdown(error.message), icon=":material/key:")
    with st.form("token", width=560):
        st.text_input("Access token", type="password", key=_FIELD, autocomplete="off", placeholder="pdb_...")
        st.form_submit_button("Use this token", type="primary", on_click=_keep)
    st.caption(
        "Ask the person who runs this dashboard for one: with the scope read, and promote:ALIAS to move an alias."
        " This page forgets it when you reload or close it."
    )


def forget_button() -> None:
    """Show a button that ends the use of the token, if there is one."""
    if TOKEN in st.session_state:
        st.button("Forget the token", on_click=_forget, icon=":material/logout:", type="tertiary")


def _keep() -> None:
    token = str(st.session_state.get(_FIELD) or "").strip()
    if token and token.isascii() and token.isprintable() and " " not in token:
        st.session_state[TOKEN] = token


def _forget() -> None:
    st.session_state.pop(TOKEN, None)
