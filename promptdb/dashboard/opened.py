"""The registry and the checkout of a session: in this process, or behind the HTTP API with a token of the person's own."""

from collections.abc import Mapping, Sequence

import streamlit as st
from pydantic import SecretStr

from promptdb.dashboard.registry.local import LocalRegistry
from promptdb.dashboard.registry.protocol import Registry
from promptdb.dashboard.registry.remote import RemoteRegistry
from promptdb.dashboard.showing.prompts import FileLink
from promptdb.dashboard.showing.prompts import file_link as link_of
from promptdb.domain.exposure import is_loopback, reason_to_refuse
from promptdb.errors import ConfigError, Unauthorized
from promptdb.project.source_links import source_link
from promptdb.settings import AppSettings, load_settings
from promptdb.workspace import Workspace

TOKEN = "pdb_token"  # noqa: S105
_REMOTE = "pdb_remote"
"""Keys of the state of a session, which ends with the tab of the browser."""


def registry() -> Registry:
    """Return the registry of this session.

    Raises:
        ConfigError: a setting is wrong, or this visit may not use the registry.
        Unauthorized: the person must enter a token first.
        StorageError: it cannot be opened.
    """
    settings = load_settings()
    reason = _refusal_of_visit()
    if settings.url is None:
        _require_local(reason)
        return LocalRegistry(_workspace(settings).service)
    if settings.token is not None:
        _require_local(reason)
        return _remote(settings)
    token: str | None = st.session_state.get(TOKEN)
    if token is not None:
        return _remote(settings.model_copy(update={"token": SecretStr(token)}))
    if reason is not None:
        # A server without tokens takes requests from its own machine, where the dashboard is.
        raise Unauthorized(f"{settings.url} needs an access token of yours")
    return _remote(settings)


def checkout() -> Workspace | None:
    """Return the checkout around this process, or None if there is none, or the registry is on a server."""
    settings = load_settings()
    return _workspace(settings) if settings.url is None and settings.prompts_path.is_dir() else None


def main_alias() -> str:
    """Return the alias that matters most: the first protected one."""
    return next(iter(load_settings().protected_aliases), "production")


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


def _remote(settings: AppSettings) -> RemoteRegistry:
    kept: tuple[AppSettings, RemoteRegistry] | None = st.session_state.get(_REMOTE)
    if kept is not None and kept[0] == settings:
        return kept[1]
    opened = RemoteRegistry(settings)
    st.session_state[_REMOTE] = (settings, opened)
    return opened


def _refusal_of_visit() -> str | None:
    headers = {name.lower(): st.context.headers.get_all(name) for name in st.context.headers}
    return refusal(st.get_option("server.address"), headers)


def _require_local(reason: str | None) -> None:
    if reason is not None:
        hint = "start it with 'promptdb dashboard', or with PROMPTDB_URL and no token, so that each person enters one"
        raise ConfigError(
            f"this dashboard has the rights of whoever started it, and refuses this visit: {reason}", hint
        )


def refusal(address: str | None, headers: Mapping[str, Sequence[str]]) -> str | None:
    """Find a reason to refuse a visit the rights of whoever started the dashboard. None if it is from this machine.

    Args:
        address: the one at which the server listens. None means all.
        headers: those of the connection, by names in lower case. A call without a browser has none.
    """
    if not is_loopback(address or ""):
        return "others can reach this address"
    # Streamlit does not pass on the address of the peer, which reached an address of this machine only.
    here = (address or "", None)
    return reason_to_refuse(here, here, headers) if headers else None
