"""Remedies for the messages of database drivers, and which failures may pass.

libpq gives no SQLSTATE for a failed connection: only the words of its message say why.
"""

from typing import NamedTuple


class Fault(NamedTuple):
    """A phrase of a driver's message. If `waiting_helps`, the work may succeed a moment later."""

    phrase: str
    remedy: str
    waiting_helps: bool = False


_CHECK = "check the database URL (PROMPTDB_DATABASE_URL or database_url), and that the database is up and writable"
_CROWDED = "close connections, raise the limit of the server, or put PgBouncer in front of it"
_OWNER = "the role that owns the schema runs 'promptdb db upgrade'; see the roles in docs/storage.md"
_SSLCERT = (
    "the server requires a client certificate: add &sslcert=FILE&sslkey=FILE, existing files, to the database URL"
)
_SSLCERT_REFUSED = "the server rejects the certificate in sslcert: check its authority and its dates"
# The first match counts: narrow phrases precede wide ones.
_REMEDIES = {
    "password authentication failed": "check user and password in the database URL, or PGPASSWORD",
    "authentication failed": "check the user in the database URL; a client certificate must name the same user",
    "no password supplied": "put the password into the database URL, or into PGPASSWORD",
    "does not match host name": "in the database URL, use a host name that the certificate names",
    "certificate verify failed": "name the server's certificate authority with &sslrootcert=FILE in the database URL; if it is"
    " right, the certificate may have expired",
    "root certificate file": "set sslrootcert in the database URL to a PEM file with the authority's certificate",
    "not private key file": "name the key of your certificate with &sslkey=FILE in the database URL",
    "group or world access": "make the key readable by its owner only: chmod 600 FILE",
    "private key file": "set sslkey to the PEM file with the key of the certificate in sslcert, and &sslpassword if it has one",
    'certificate file "': "set sslcert to a PEM file with your certificate",
    "alert certificate required": _SSLCERT,
    "alert handshake failure": f"perhaps {_SSLCERT}",
    "valid client certificate": _SSLCERT,
    "alert unknown ca": _SSLCERT_REFUSED,
    "alert certificate": _SSLCERT_REFUSED,
    "any SSL protocol version": "the server does not support this TLS version: check host, port and ssl_min_protocol_version",
    "does not support SSL": "turn on TLS at the server, or, in a trusted network, remove sslmode from the database URL",
    "SSL required": "the server requires TLS: set sslmode=require or sslmode=verify-full in the database URL",
    "weak sslmode": "sslrootcert=system needs sslmode=verify-full",
    "invalid sslmode": "sslmode is one of disable, allow, prefer, require, verify-ca and verify-full",
    "pg_hba.conf": "allow this user and host in the server's pg_hba.conf; if it requires TLS, set sslmode=require",
    "permission denied for schema": _OWNER,
    "must be owner": _OWNER,
    "permission denied": "grant the role the privileges that docs/storage.md lists: 'promptdb db doctor' names them",
    "too many connections": _CROWDED,
    "too many clients": _CROWDED,
    "no more connections allowed": "raise max_client_conn of PgBouncer, or close connections",
    'database "': "create it, for example with createdb, then run: promptdb db upgrade; or correct the database URL",
    'role "': "check the user in the database URL",
    "unable to open database file": "its folder is missing, or read-only for you: check both, or set database_url",
    "readonly database": "the file or its folder is read-only for you: make both writable, or set database_url",
    "file is not a database": "correct the database URL: the file is not a SQLite database",
    "database disk image is malformed": "restore the file from a backup; see docs/operations.md",
    "disk is full": "free some disk space",
    "No space left on device": "free some disk space on the database server",
    "Input/output error": "check the disk of the database server",
    "connection timeout": "check host and port in the database URL, and firewalls",
    "Connection refused": "start the database, or correct host and port in the database URL",
    "not known": "correct the host in the database URL",
}
_WAITING_HELPS = {
    *("too many connections", "too many clients", "no more connections allowed"),
    *("connection timeout", "Connection refused"),
}
# Failures of these kinds stay, and have no remedy of their own.
_LASTING = (
    *("password", "certificate", " alert ", "channel binding", "does not exist", "does not support"),
    *("not permitted", "no such", "invalid", "unsupported", "sslmode"),
)
_FAULTS = (
    *(Fault(phrase, remedy, phrase in _WAITING_HELPS) for phrase, remedy in _REMEDIES.items()),
    *(Fault(phrase, _CHECK) for phrase in _LASTING),
    Fault("", _CHECK, waiting_helps=True),
)


def fault_in(message: str) -> Fault:
    """Find the fault that a driver's message describes. An unknown fault may pass."""
    words = " ".join(message.split())
    return next(fault for fault in _FAULTS if fault.phrase in words)
