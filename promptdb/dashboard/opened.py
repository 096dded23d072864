"""The registry and the checkout of a session: in this process, or behind the HTTP API with a token of the person's own."""

from collections.abc import Mapping, Sequence

import streamlit as st

from promptdb.dashboard.registry.local import LocalRegistry
from promptdb.dashboard.registry.protocol import Registry
from promptdb.dashboard.showing.prompts import FileLink
from promptdb.dashboard.showing.prompts import file_link as link_of
from promptdb.domain.exposure import is_loopback, reason_to_refuse
from promptdb.errors import ConfigError
from promptdb.project.source_links import source_link
from promptdb.settings import AppSettings, load_settings
from promptdb.workspace import Workspace


def registry() -> Registry:
    """Return the registry that the settings name.

    Raises:
        ConfigError: a setting is wrong, or this visit may not use it.
        StorageError: it cannot be opened.
    """
    settings = load_settings()
    _require_local()
    return LocalRegistry(_workspace(settings).service)


def checkout() -> Workspace | None:
    """Return the checkout around this process, or None if there is none, or the registry is on a server."""
    settings = load_settings()
    return _workspace(settings) if settings.url is None and settings.prompts_path.is_dir() else None


def file_link() -> FileLink:
    """Return the finder of files on the web, from the settings or from the remote of the checkout."""
    return link_of(source_link(load_settings()))


def _identity(settings: AppSettings) -> tuple[str, str, str]:
    # Secrets are stars in JSON.
    return str(settings.base), settings.database_url.get_secret_value(), settings.model_dump_json()


@st.cache_resource(show_spinner=False, hash_funcs={AppSettings: _identity})
def _workspace(settings: AppSettings) -> Workspace:
    """Open a workspace once for all sessions. Its connections are pooled."""
    return Workspace(settings)


def _require_local() -> None:
    """Refuse a visit that is not from this machine: it would have the rights of whoever started the dashboard."""
    headers = {name.lower(): st.context.headers.get_all(name) for name in st.context.headers}
    reason = refusal(st.get_option("server.address"), headers)
    if reason is not None:
        hint = "start it with 'promptdb dashboard', or set PROMPTDB_URL so that each person uses a token"
        raise ConfigError(
            f"this dashboard has the rights of whoever started it, and refuses this visit: {reason}", hint
        )


def refusal(address: str | None, headers: Mapping[str, Sequence[str]]) -> str | None:
    """Find a reason to refuse a visit.

    Args:
        address: the one at which the server listens. None means all.
        headers: those of the connection, by names in lower case; none if there is no browser.
    """
    if not is_loopback(address or ""):
        return "others can reach this address"
    # Streamlit does not pass on the address of the peer, which reached an address of this machine only.
    here = (address or "", None)
    return reason_to_refuse(here, here, headers) if headers else None
