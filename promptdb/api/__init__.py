"""The HTTP API: a FastAPI app over one registry. Needs the extra `api`."""

from typing import TYPE_CHECKING

from promptdb.errors import MissingExtra

if TYPE_CHECKING:
    from fastapi import FastAPI

    from promptdb.settings import AppSettings


def create_app(settings: "AppSettings | None" = None) -> "FastAPI":
    """Make the app that serves a registry. Each app opens its connections when it starts, and closes them when it ends.

    Args:
        settings: name the database, the blob store and the path of the API. The default reads those of the current folder.

    Raises:
        MissingExtra: FastAPI is not installed.
        ConfigError: a setting is wrong.
    """
    try:
        import fastapi  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtra("the HTTP API needs FastAPI", "pip install 'promptdb-git[api]'") from error
    from promptdb.api.app import app_for
    from promptdb.settings import load_settings

    return app_for(settings or load_settings())
