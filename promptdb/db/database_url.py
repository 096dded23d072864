"""Reads the database URL of the settings, and keeps its values out of messages."""

from urllib.parse import unquote

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from promptdb.errors import ConfigError

_EXAMPLE = "for example sqlite:///./promptdb.sqlite3"
_POSTGRESQL = ("postgres", "postgresql", "postgresql+psycopg")
# Options that name a file, a host or a database, which a message must show. Each other value may be a misplaced secret.
_SHOWN = frozenset(
    ("host", "hostaddr", "dbname", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslcrldir", "passfile", "servicefile")
)


def parse_database_url(text: str) -> URL:
    """Parse a URL for SQLite or PostgreSQL. It has the driver of promptdb, and hides a password among its options.

    Raises:
        ConfigError: the URL is malformed or names another kind of database. The message shows no value of the URL.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ConfigError("the database URL is malformed", _EXAMPLE) from None
    if "@" in (url.host or ""):
        raise ConfigError("the database URL is malformed", "write an @ in the password as %40")
    if "\0" in unquote(text):
        raise ConfigError("the database URL is malformed", "remove the NUL character, %00")
    if url.get_backend_name() == "sqlite":
        return _sqlite(url)
    if url.drivername in _POSTGRESQL:
        return _with_hidden_password(url.set(drivername="postgresql+psycopg"))
    raise ConfigError(f"{url.drivername!r} is not a supported database", "use sqlite:/// or postgresql://")


def without_values(url: URL, reason: str) -> str:
    """Remove quoted values of the URL's options from a driver's message, because one may be a misplaced secret."""
    for name, value in url.query.items():
        for text in (value,) if isinstance(value, str) else value:
            if text and name not in _SHOWN:
                reason = reason.replace(f'"{text}"', '"..."').replace(f"'{text}'", "'...'").replace(repr(text), "'...'")
    return reason


def _sqlite(url: URL) -> URL:
    if url.host or url.username or url.password or url.port:
        raise ConfigError("a URL for SQLite has no user, password or host", f"write three slashes, {_EXAMPLE}")
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise ConfigError("SQLite needs a file", _EXAMPLE)
    if url.query:
        raise ConfigError("a URL for SQLite has no options", "end it with the file's name, without '?'")
    return url.set(drivername="sqlite+pysqlite")


def _with_hidden_password(url: URL) -> URL:
    # SQLAlchemy hides the password of the URL, but not one among its options.
    password = url.query.get("password")
    if not isinstance(password, str):
        return url
    return url.set(password=password).difference_update_query(["password"])
