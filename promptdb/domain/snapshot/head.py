"""The head of a snapshot: which registry, which state of it, and which of its prompts are inside."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Self
from uuid import UUID

from promptdb.domain.delivery import Generation
from promptdb.domain.digest import Digest, canonical_json, digest_of, parse_digest
from promptdb.domain.json_fields import Wrong
from promptdb.errors import IntegrityFailure

MAGIC = b"promptdb snapshot 1\n"
UNSIGNED = bytes(64)
"""In place of a signature."""

HEAD_AT = len(MAGIC) + 4 + 32 + len(UNSIGNED)
"""Where the head begins: behind its length, the SHA-256 of the rest, and its signature."""

BLOCK = 4096
OFFSET = 8
MAX_HEAD = 64 * 1024
MAX_BODY = 4 * 1024**3
"""Bytes. A file that claims more is refused before its content is read."""


@dataclass(frozen=True, slots=True)
class Head:
    """The contents of a snapshot.

    Attributes:
        registry: the id of the registry that it was made of.
        generation: of the registry then. A newer snapshot has a higher one.
        aliases: the aliases whose versions are inside, sorted.
        namespace: only prompts in it and below it are inside; None for all.
        prompts, versions: how many there are.
        names: the number of records: prompts and their earlier names.
        with_assets: the bytes of assets are inside.
        size: bytes of the body.
        blocks: the digest of the table.
        key: the digest of the public key that belongs to the signature; None if it is not signed.
    """

    registry: UUID
    generation: int
    aliases: tuple[str, ...]
    namespace: str | None
    prompts: int
    versions: int
    names: int
    with_assets: bool
    size: int
    blocks: Digest
    key: Digest | None = None

    def start_of_file(self, signature: bytes = UNSIGNED) -> bytes:
        """Write everything in front of the table."""
        data = self.encode()
        return MAGIC + len(data).to_bytes(4, "big") + hashlib.sha256(signature + data).digest() + signature + data

    def signed(self) -> bytes:
        """Return the bytes that a signature covers."""
        return MAGIC + self.encode()

    def encode(self) -> bytes:
        return canonical_json({**asdict(self), "registry": str(self.registry), "aliases": list(self.aliases)})

    @property
    def digest(self) -> Digest:
        """The identity of the whole file."""
        return digest_of(self.encode())

    @property
    def blocks_count(self) -> int:
        return -(-self.size // BLOCK)

    @property
    def content(self) -> tuple[object, ...]:
        """Everything but the generation, which also grows with changes of prompts that are not inside."""
        return (self.registry, self.aliases, self.namespace, self.with_assets, self.size, self.blocks, self.key)

    @property
    def state(self) -> Generation:
        return Generation(self.registry, self.generation)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read the output of `encode`. Raise Wrong for anything else."""
        try:
            fields = json.loads(data)
            counts = [fields[name] for name in ("generation", "prompts", "versions", "names", "size")]
            if not all(type(count) is int and 0 <= count <= MAX_BODY for count in counts):
                raise Wrong("a count is out of range")
            parse_digest(fields["blocks"])
            if fields["key"] is not None:
                parse_digest(fields["key"])
            head = cls(**{**fields, "registry": UUID(fields["registry"]), "aliases": tuple(fields["aliases"])})
            # Also refuses a key that appears twice, another order, and values of another type.
            is_canonical = head.encode() == data
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, IntegrityFailure) as error:
            raise Wrong("the head cannot be read") from error
        if not is_canonical or (head.names + 1) * OFFSET > head.size:
            raise Wrong("the head is not one that promptdb writes")
        if type(head.with_assets) is not bool or type(head.namespace) not in (str, type(None)):
            raise Wrong("the head is not one that promptdb writes")
        if not all(type(alias) is str for alias in head.aliases):
            raise Wrong("the head is not one that promptdb writes")
        return head


def require_successor(new: Head, old: Head, name: str) -> None:
    """Check that a snapshot may take the place of another one.

    Raises:
        IntegrityFailure: it is of another registry, or older.
    """
    if new.registry != old.registry:
        message = f"the snapshot {name} is refused: it is of the registry {new.registry}, not of {old.registry}"
        raise IntegrityFailure(message, "publish one of the same registry, or restart the application")
    if new.generation < old.generation:
        message = f"the snapshot {name} is refused: it is older, of generation {new.generation} before {old.generation}"
        raise IntegrityFailure(message, "publish a newer one, or restart the application")
