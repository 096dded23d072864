"""A limit on the work of many renders together, such as those of all tests of a file, or those for one request.

Each render has limits of its own, which an application wants to be generous. A file may have thousands of tests and examples,
and a server renders for anyone.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from promptdb.errors import TemplateError

MAX_STEPS = 1_500_000
"""Loop steps of all renders together."""

MAX_CHARACTERS = 100_000_000
"""Characters that all renders make together."""

REQUEST_STEPS = 250_000
"""Loop steps of all templates of a prompt in one request: about a quarter of a second."""

REQUEST_CHARACTERS = 4 * 1024 * 1024
"""Characters that all templates of a prompt make in one request."""


@dataclass
class _Left:
    steps: int
    characters: int
    excess: tuple[str, str]
    """The message and the hint of the error after the limit."""


_SHARED: ContextVar[_Left | None] = ContextVar("shared work", default=None)
_OF_A_FILE = (
    "the tests and examples of this file take too long together",
    "loop over fewer items, and use shorter values",
)
_OF_A_REQUEST = "the templates make too much text, or take too long together", "give shorter values, or fewer of them"


@contextmanager
def limited_work(
    steps: int = MAX_STEPS, characters: int = MAX_CHARACTERS, excess: tuple[str, str] = _OF_A_FILE
) -> Iterator[None]:
    """Limit the renders in this context: each one after the limit is an error."""
    token = _SHARED.set(_Left(steps, characters, excess))
    try:
        yield
    finally:
        _SHARED.reset(token)


def work_of_a_request() -> AbstractContextManager[None]:
    """Limit the renders of one prompt for one request of a server, or for one look at a page."""
    return limited_work(REQUEST_STEPS, REQUEST_CHARACTERS, _OF_A_REQUEST)


def require_work_left() -> bool:
    """Report whether this context has a limit. Raise TemplateError if its renders have used it up."""
    left = _SHARED.get()
    if left is None:
        return False
    if left.steps < 0 or left.characters < 0:
        raise TemplateError(*left.excess)
    return True


def steps_left(most: int) -> int:
    """Return the steps that one render may take, `most` or what the context has left."""
    left = _SHARED.get()
    return most if left is None else min(most, left.steps)


def characters_left(most: int) -> int:
    """Return the characters that one render may make, `most` or what the context has left."""
    left = _SHARED.get()
    return most if left is None else min(most, left.characters)


def spend(steps: int, characters: int) -> None:
    """Note the work of a render."""
    left = _SHARED.get()
    if left is not None:
        left.steps -= steps
        left.characters -= characters
