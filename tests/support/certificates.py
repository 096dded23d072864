"""Certificates of two authorities of our own, for servers and clients on this machine."""

import shutil
import subprocess
from pathlib import Path

import pytest


def make_certificates(folder: Path) -> None:
    """PEM files `NAME.crt` and `NAME.key`. The password of the key that is locked is hunter2."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    def make(name: str, *options: str, kind: str = "crt", key: tuple[str, ...] = ("-nodes",)) -> None:
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
        openssl(
            "req", "-subj", f"/CN={name}", *curve, *key, "-keyout", f"{name}.key", "-out", f"{name}.{kind}", *options
        )

    local = ("-addext", "subjectAltName=IP:127.0.0.1")
    by_authority = ("-CA", "authority.crt", "-CAkey", "authority.key")
    signed = ("-x509", "-days", "2", *by_authority, "-addext", "keyUsage=critical,digitalSignature,keyCertSign")
    # Python 3.13 requires it of an authority (RFC 5280, section 4.2.1.3).
    signs = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
    make("authority", "-x509", *signs)
    make("another", "-x509", *signs)
    make("server", *signed, *local)
    make("elsewhere", *signed, "-addext", "subjectAltName=DNS:db.example.com")
    make("expired", "-new", *local, kind="csr")
    dates = ("-days", "0", "-set_serial", "7", "-copy_extensions", "copy")
    openssl("x509", "-req", "-in", "expired.csr", "-out", "expired.crt", *by_authority, *dates)
    make("client", *signed)
    make("locked", *signed, key=("-passout", "pass:hunter2"))
    make("stranger", "-x509", "-CA", "another.crt", "-CAkey", "another.key")
    (folder / "text.pem").write_text("This is no certificate.\n")
    shutil.copy(folder / "client.key", folder / "open.key")
    (folder / "open.key").chmod(0o644)
