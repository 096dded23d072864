"""Knows the tokens of a registry, and notes their last uses beside the requests."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from anyio import to_thread

from promptdb.api.remembered import Remembered
from promptdb.domain.access import UNLIMITED, Grant
from promptdb.domain.tokens import ApiToken, TokenState, is_token, token_hash
from promptdb.errors import PromptDBError
from promptdb.registry import tokens
from promptdb.registry.stores import Registry

_log = logging.getLogger("promptdb.api")

NOTED = 10.0
"""Seconds between two notes of last uses."""

LAST_NOTE = 1.0
"""The most seconds that the last note may take, when the server ends."""


class Doorkeeper:
    """Finds the grants of requests. Belongs to the event loop.

    Keeps hashes of tokens only, and only of those that exist, so their number has a limit.

    Args:
        registry: returns the stores, with their schema checked. Called in threads.
    """

    def __init__(self, registry: Callable[[], Registry]) -> None:
        self._registry = registry
        self._tokens: dict[str, Remembered[tuple[ApiToken, Grant] | None]] = {}
        self._has_tokens = Remembered(lambda: tokens.has_tokens(registry()))
        self._is_closed = False
        self._uses: dict[int, datetime] = {}
        self._noted: dict[int, datetime] = {}
        self._noting: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to note last uses."""
        self._noting = asyncio.create_task(self._note_often())

    async def close(self) -> None:
        """Note the last uses, if the database lets it at once, and end."""
        if self._noting is not None:
            self._noting.cancel()
            await asyncio.wait([self._noting])
        if self._looking is not None:
            await asyncio.wait([self._looking], timeout=LAST_NOTE)
        await asyncio.gather(self._has_tokens.close(), *(token.close() for token in self._tokens.values()))
        await asyncio.wait([asyncio.create_task(self.note_uses())], timeout=LAST_NOTE)

    async def grant_of(self, text: str) -> Grant | None:
        """Find the grant of a token, or None, for whatever reason.

        Raises:
            PromptDBError: the database fails, and this token was not used in the last hour.
        """
        # Only the hash of the whole text decides. Everyone can check the form, which saves queries.
        hashed = token_hash(text)
        if (remembered := self._tokens.get(hashed)) is None:
            if not is_token(text):
                return None
            remembered = Remembered(lambda: _known(tokens.find_token(self._registry(), hashed)))
        known = await remembered.get()
        if known is None:
            return None
        self._is_closed = True
        self._tokens[hashed] = remembered
        token, grant = known
        now = datetime.now(UTC)
        if token.state(now) is not TokenState.ACTIVE:
            return None
        self._uses[token.id] = now
        return grant

    async def open_grant(self) -> Grant | None:
        """Return the grant without a token: unlimited until the registry has its first one, and None from then on.

        Once this process has seen a token, it stays closed, even if the file of the registry is replaced by one without tokens.

        Raises:
            PromptDBError: the database fails, and has not answered in the last hour.
        """
        if not self._is_closed and await self._has_tokens.get():
            self._is_closed = True
        return None if self._is_closed else UNLIMITED

    async def note_uses(self) -> None:
        """Note the uses that are not noted yet. After a failure, the next note has them again."""
        minutes = {key: used.replace(second=0, microsecond=0) for key, used in self._uses.items()}
        uses = {key: used for key, used in minutes.items() if self._noted.get(key) != used}
        if not uses:
            return
        try:
            await to_thread.run_sync(lambda: tokens.note_uses(self._registry(), uses), abandon_on_cancel=True)
        except PromptDBError as error:
            _log.debug("the last uses of tokens were not noted: %s", error.message)
        else:
            self._noted.update(uses)

    async def _note_often(self) -> None:
        while True:
            # A task of its own: a look that is cancelled would leave its connection behind.
            self._looking = asyncio.create_task(self._look())
            await asyncio.sleep(NOTED)
            await self.note_uses()

    async def _look(self) -> None:
        """Look for the first token, also if no request comes."""
        if self._is_closed:
            return
        with suppress(PromptDBError):
            if await to_thread.run_sync(lambda: tokens.has_tokens(self._registry())):
                self._is_closed = True


def _known(token: ApiToken | None) -> tuple[ApiToken, Grant] | None:
    return None if token is None else (token, Grant.of(token))
