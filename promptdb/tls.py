"""The authorities that servers of S3 and receivers of webhooks are verified with."""

import os
import ssl

from promptdb.errors import ConfigError


def verifying_context() -> ssl.SSLContext:
    """Make a context that trusts SSL_CERT_FILE if it is set, otherwise the authorities of the system and of certifi.

    Raises:
        ConfigError: SSL_CERT_FILE has no certificates.
    """
    file = os.environ.get("SSL_CERT_FILE")
    try:
        context = ssl.create_default_context(cafile=file)
    except OSError as error:
        raise ConfigError(f"SSL_CERT_FILE: {file} has no certificates", "name a file in PEM format") from error
    if file is None:
        import certifi  # only a connection over TLS needs it

        context.load_verify_locations(certifi.where())
    return context
