"""Streams of large files: measured, and with other line ends."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptdb.domain.digest import digest_of
from promptdb.files.streams import CHUNK, measured, with_lf


class Slow(io.BytesIO):
    """Gives a few bytes at a time, as pipes do."""

    def __init__(self, data: bytes, step: int) -> None:
        super().__init__(data)
        self.step = step

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(self.step, size) if size is not None and size > 0 else self.step)


BYTES = st.lists(st.sampled_from([b"\r", b"\n", b"a", b"\0"]), max_size=20).map(b"".join)


@given(BYTES, st.integers(1, 4))
def test_one_pass_tells_digest_size_line_ends_and_nul(data: bytes, step: int):
    found = measured(Slow(data, step))
    assert (found.digest, found.size, found.crlfs) == (digest_of(data), len(data), data.count(b"\r\n"))
    assert found.has_nul == (b"\0" in data)


@given(BYTES, st.integers(1, 4), st.integers(1, 7))
def test_each_crlf_becomes_lf_however_the_bytes_come(data: bytes, step: int, asked: int):
    stream = with_lf(Slow(data, step))
    found = b"".join(iter(lambda: stream.read(asked), b""))
    assert found == data.replace(b"\r\n", b"\n")
    before = measured(Slow(data, step))
    assert len(found) == before.size - before.crlfs


@pytest.mark.parametrize("before", [CHUNK - 2, CHUNK - 1, CHUNK])
def test_a_line_end_at_the_edge_of_a_chunk(before: int):
    data = b"x" * before + b"\r\n" + b"y" * 9
    assert measured(io.BytesIO(data)).crlfs == 1
    assert with_lf(io.BytesIO(data)).read() == data.replace(b"\r\n", b"\n")


def test_what_is_closed_is_closed_below():
    source = io.BytesIO(b"x")
    with_lf(source).close()
    assert source.closed
