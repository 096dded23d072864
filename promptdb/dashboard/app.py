"""The script that Streamlit runs for each visit: the menu, and the page that the address names."""

import streamlit as st

from promptdb.dashboard.links import SCREENS
from promptdb.dashboard.showing.page import ICON, show_error, show_style
from promptdb.dashboard.tokens import ask_for_token, forget_button
from promptdb.errors import PromptDBError, Unauthorized


def main() -> None:
    """Show a page. An error of promptdb becomes a box with its remedy."""
    st.set_page_config(page_icon=str(ICON), layout="wide")
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
    name = st.query_params.get("name")
    st.set_page_config(page_title=" · ".join(filter(None, [name, page.title, "promptdb"])))
    show_style()
    # A link from a page to the same page changes the query for this script, but not in the browser.
    st.query_params.update({})
    try:
        page.run()
    except Unauthorized as error:
        ask_for_token(error)
    except PromptDBError as error:
        show_error(error)
    forget_button()


# Streamlit runs this file by itself.
if __name__ == "__main__":
    main()
