"""The dashboard without a browser: its script runs in this process, and what it shows is looked at."""

from collections.abc import Mapping
from typing import Any

from streamlit.testing.v1 import AppTest

from promptdb.dashboard.launch import SCRIPT
from promptdb.dashboard.links import SCREENS, Link
from promptdb.settings import AppSettings

HOSTILE = '<script>alert(1)</script> **bold** [x](javascript:alert(1)) $x^2$ :red[r] \x1b[31mred \u202eabc <img src=x onerror="a()">'
"""Text that HTML, Markdown, a terminal or the direction of letters would take for more than text."""


def environment_of(settings: AppSettings) -> dict[str, str]:
    """The variables that make a process use these settings."""
    return {
        "PROMPTDB_DATABASE_URL": settings.database_url.get_secret_value(),
        "PROMPTDB_BLOB_ROOT": str(settings.blob_path),
        "PROMPTDB_PROMPTS_ROOT": str(settings.prompts_path),
    }


def visit(link: Link, state: Mapping[str, Any] | None = None) -> AppTest:
    """Open a page by its address. Errors of Python fail the test, those of promptdb are boxes."""
    app = AppTest.from_file(str(SCRIPT), default_timeout=60)
    for key, value in (state or {}).items():
        app.session_state[key] = value
    # The first run tells which pages there are.
    app.query_params.update(link.query)
    seen(app.run())
    if link.screen is not SCREENS[0]:
        app.switch_page(link.screen.script)
        app.query_params.update(link.query)
        seen(app.run())
    return app


def seen(app: AppTest) -> AppTest:
    assert [box.message for box in app.exception] == []
    return app


def html_of(app: AppTest) -> str:
    """All HTML of a page, in its order, without the style sheet."""
    return "\n".join(block.proto.body for block in app.main.get("html") if not block.proto.body.startswith("<style>"))


def links_of(app: AppTest) -> list[tuple[str, str]]:
    """The labels and addresses of the links between pages."""
    return [
        (link.proto.label.replace("\\", ""), f"{link.proto.page}?{link.proto.query_string}")
        for link in app.get("page_link")
    ]
