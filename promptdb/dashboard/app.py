"""The script that Streamlit runs for each visit: the menu, and the page that the address names."""

from contextlib import suppress

import streamlit as st
from streamlit.errors import StreamlitAPIException

from promptdb.dashboard.links import SCREENS
from promptdb.dashboard.showing.page import ICON, show_error, show_style
from promptdb.dashboard.tokens import ask_for_token, forget_button
from promptdb.errors import PromptDBError, Unauthorized


def main() -> None:
    """Show a page. An error of promptdb becomes a box with its remedy."""
    st.set_page_config(page_title="promptdb", page_icon=str(ICON), layout="wide")
    first, *_ = SCREENS
    pages = [
        st.Page(
            screen.script,
            title=screen.title,
            icon=screen.icon,
            url_path=screen.path,
            default=screen is first,
            visibility="visible" if screen.in_menu else "hidden",
        )
        for screen in SCREENS
    ]
    page = st.navigation(pages, position="top")
    show_style()
    write_address()
    try:
        page.run()
    except Unauthorized as error:
        ask_for_token(error)
    except PromptDBError as error:
        show_error(error)
    forget_button()


def write_address() -> None:
    """Write the query of this run into the address of the browser, which changes nothing if it is there.

    Streamlit does not do so for a link from a page to itself.
    """
    query = st.query_params.to_dict()
    if not query:
        st.query_params.clear()
    for name, value in query.items():
        # One is enough: all are sent. The browser writes those of widgets itself.
        with suppress(StreamlitAPIException):
            st.query_params[name] = value
            return


# Streamlit runs this file by itself.
if __name__ == "__main__":
    main()
