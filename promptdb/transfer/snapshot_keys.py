"""Signatures of snapshots: ed25519 (RFC 8032), with keys in PEM files as OpenSSL writes them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from promptdb.domain.digest import Digest, digest_of
from promptdb.domain.snapshot.reader import Snapshot
from promptdb.errors import ConfigError, IntegrityFailure

_MAKE = "'openssl genpkey -algorithm ed25519' makes a private key, and 'openssl pkey -pubout' the public one"
_MAX_KEY = 64 * 1024


@dataclass(frozen=True)
class Signer:
    """A private key. `key` is the digest of its public one."""

    key: Digest
    _private: Any

    @classmethod
    def of(cls, file: Path) -> Self:
        """Read a private key. Raise ConfigError if the file has none."""
        private = _read(file)
        if not private.has_private():
            raise ConfigError(f"{file} has no private key", _MAKE)
        return cls(_digest(private), private)

    def sign(self, data: bytes) -> bytes:
        from Crypto.Signature import eddsa

        signature: bytes = eddsa.new(self._private, "rfc8032").sign(data)
        return signature


@dataclass(frozen=True)
class PublicKey:
    """The key that snapshots must be signed with. `key` is its digest."""

    key: Digest
    _public: Any

    @classmethod
    def of(cls, file: Path) -> Self:
        """Read a public key. Raise ConfigError if the file has none."""
        public = _read(file)
        if public.has_private():
            raise ConfigError(
                f"{file} has a private key", "keep it where you sign; 'openssl pkey -pubout' makes the public one"
            )
        return cls(_digest(public), public)

    def require_signature(self, snapshot: Snapshot) -> None:
        """Check who made a snapshot.

        Raises:
            IntegrityFailure: it is not signed with this key.
        """
        from Crypto.Signature import eddsa

        if snapshot.head.key is None:
            raise _refused(snapshot, "it is not signed")
        if snapshot.head.key != self.key:
            raise _refused(snapshot, "it is signed with another key")
        try:
            eddsa.new(self._public, "rfc8032").verify(snapshot.head.signed(), snapshot.signature)
        except ValueError as error:
            raise _refused(snapshot, "its signature is wrong") from error


def _refused(snapshot: Snapshot, reason: str) -> IntegrityFailure:
    hint = "sign it with 'promptdb snapshot --sign', or correct PROMPTDB_SNAPSHOT_KEY"
    return IntegrityFailure(f"the snapshot {snapshot.name} is refused: {reason}", hint)


def _read(file: Path) -> Any:
    # Slow to import, and only for those who sign.
    from Crypto.PublicKey import ECC

    try:
        with file.open("rb") as stream:
            key = ECC.import_key(stream.read(_MAX_KEY))
    except OSError as error:
        raise ConfigError(f"cannot read the key {file}: {error.strerror}", _MAKE) from error
    except (ValueError, IndexError, TypeError) as error:
        raise ConfigError(f"{file} has no key in PEM format", _MAKE) from error
    if key.curve.lower() != "ed25519":
        raise ConfigError(f"the key in {file} is not of the kind ed25519", _MAKE)
    return key


def _digest(key: Any) -> Digest:
    return digest_of(key.public_key().export_key(format="raw"))
