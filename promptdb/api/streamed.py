"""Answers with the bytes of a stream. Assets and exports are the only ones."""

from collections.abc import Iterable, Mapping
from typing import BinaryIO

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send


class StreamedBytes(StreamingResponse):
    """Closes its stream in the end, also for a client that hangs up. A generator would wait for Python's collector.

    Args:
        stream: what `content` reads.
        content: the bytes to send.
    """

    def __init__(
        self, stream: BinaryIO, content: Iterable[bytes], status: int, headers: Mapping[str, str], media_type: str
    ) -> None:
        super().__init__(content, status, headers, media_type)
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._stream.close()
