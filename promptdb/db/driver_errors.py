"""The messages of database drivers that promptdb knows: the remedy of each, and whether waiting helps.

libpq gives no SQLSTATE for a connection that failed, so that only its words say why.
"""

from typing import NamedTuple


class Fault(NamedTuple):
    """A phrase of a driver's message. Where waiting helps, the work may succeed a moment later."""

    phrase: str
    remedy: str
    waiting_helps: bool = False


_CHECK = "check the database URL (PROMPTDB_DATABASE_URL or database_url), and that the database is up and writable"
_CROWDED = "close connections, let the server take more, or put PgBouncer in front of it"
_SSLCERT = (
    "the server wants a certificate of yours, add &sslcert=FILE&sslkey=FILE, files that are there, to the database URL"
)
_SSLCERT_REFUSED = (
    "the server does not accept the certificate in sslcert: is it of an authority that it trusts, and valid today?"
)
# The first that fits counts, so narrow phrases precede wide ones.
_FAULTS = (
    Fault("password authentication failed", "check user and password in the database URL, or PGPASSWORD"),
    Fault("authentication failed", "check the user in the database URL; a certificate must be made out to that user"),
    Fault("no password supplied", "put the password into the database URL, or into PGPASSWORD"),
    Fault("does not match host name", "write the host in the database URL by a name that is in the certificate"),
    Fault(
        "certificate verify failed",
        "name the authority of the server with &sslrootcert=FILE in the database URL; if it is, the"
        " certificate may have expired",
    ),
    Fault(
        "root certificate file",
        "let sslrootcert in the database URL name a PEM file with the certificate of the authority",
    ),
    Fault("not private key file", "name the key of your certificate with &sslkey=FILE in the database URL"),
    Fault("group or world access", "let nobody but its owner read the key: chmod 600 FILE"),
    Fault(
        "private key file",
        "let sslkey name the key of the certificate in sslcert, in PEM, with its &sslpassword if it has one",
    ),
    Fault('certificate file "', "let sslcert name a PEM file with your certificate"),
    Fault("alert certificate required", _SSLCERT),
    Fault("alert handshake failure", "if " + _SSLCERT),
    Fault("valid client certificate", _SSLCERT),
    Fault("alert unknown ca", _SSLCERT_REFUSED),
    Fault("alert certificate", _SSLCERT_REFUSED),
    Fault(
        "any SSL protocol version", "the server speaks no such TLS: check host and port, and ssl_min_protocol_version"
    ),
    Fault(
        "does not support SSL",
        "turn on TLS at the server, or, in a network that you trust, take sslmode out of the database URL",
    ),
    Fault("SSL required", "the server takes TLS only: say sslmode=require or sslmode=verify-full in the database URL"),
    Fault("weak sslmode", "sslrootcert=system needs sslmode=verify-full"),
    Fault("invalid sslmode", "sslmode is one of disable, allow, prefer, require, verify-ca and verify-full"),
    Fault(
        "pg_hba.conf",
        "let the pg_hba.conf of the server take this user from this host; if it wants TLS, say sslmode=require",
    ),
    Fault("permission denied", "grant the role what docs/storage.md lists"),
    Fault("too many connections", _CROWDED, waiting_helps=True),
    Fault("too many clients", _CROWDED, waiting_helps=True),
    Fault(
        'database "',
        "create it, for example with createdb, then run: promptdb db upgrade; or correct the database URL",
    ),
    Fault('role "', "check the user in the database URL"),
    Fault("invalid connection option", "the database URL has an option that PostgreSQL does not know"),
    Fault("file is not a database", "the file is something else: correct the database URL"),
    Fault("database disk image is malformed", "restore the file from a backup; see docs/storage.md"),
    Fault("disk is full", "make room"),
    Fault("No space left on device", "make room on the disk of the database server"),
    Fault("Input/output error", "look at the disk of the database server"),
    Fault(
        "connection timeout", "is it the right host and port, and does a firewall let it through?", waiting_helps=True
    ),
    Fault("Connection refused", "start the database, or correct host and port in the database URL", waiting_helps=True),
    Fault("not known", "correct the host in the database URL"),
    *(
        Fault(phrase, _CHECK)
        for phrase in (
            *("password", "certificate", " alert ", "channel binding", "does not exist", "does not support"),
            *("not permitted", "no such", "invalid", "unsupported", "sslmode"),
        )
    ),
    Fault("", _CHECK, waiting_helps=True),
)


def fault_in(message: str) -> Fault:
    """Find what a driver's message is about; one that is not known may pass."""
    words = " ".join(message.split())
    return next(fault for fault in _FAULTS if fault.phrase in words)
