"""Patterns of gitignore, matched as git matches them: byte by byte, and the last pattern that matches a path decides.

Follows `dir.c` and `wildmatch.c` of git, where https://git-scm.com/docs/gitignore leaves something open. Patterns with
wildcards become one automaton, so that the time for a path grows with its length, and never with the square of it.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

MAX_WILD = 64 * 1024
"""The most bytes in patterns with wildcards. Each takes a bit of the automaton, which moves once for each byte of a path."""

_WILDCARDS = frozenset(b"*?[")
_SLASH, _BACKSLASH = b"/\\"
_ANY = frozenset(range(1, 256)) - {_SLASH}
_ONLY_SLASH = frozenset({_SLASH})
_ASCII: dict[bytes, Callable[[bytes], bool]] = {
    b"alnum": bytes.isalnum,
    b"alpha": bytes.isalpha,
    b"blank": lambda byte: byte in b" \t",
    b"cntrl": lambda byte: byte[0] < 32 or byte[0] == 127,
    b"digit": bytes.isdigit,
    b"graph": lambda byte: 32 < byte[0] < 127,
    b"lower": bytes.islower,
    b"print": lambda byte: 32 <= byte[0] < 127,
    b"punct": lambda byte: 32 < byte[0] < 127 and not byte.isalnum(),
    b"space": bytes.isspace,
    b"upper": bytes.isupper,
    b"xdigit": lambda byte: byte in b"0123456789abcdefABCDEF",
}
_CLASSES = {name: frozenset(code for code in _ANY if test(bytes([code]))) for name, test in _ASCII.items()}

_NOTHING, _IN_FOLDER, _ANYTHING = range(3)
"""The bytes that a star before a step may skip."""

_FOLDER, _FILE = range(2)


class TooManyPatterns(Exception):
    """More bytes in patterns with wildcards than `MAX_WILD`. The argument is the number of the line."""


class _Step(NamedTuple):
    """One byte of a path, after a star or not. `is_optional` is `**/`, which matches no folder too."""

    accepts: frozenset[int]
    star: int = _NOTHING
    is_optional: bool = False


class _Pattern(NamedTuple):
    """A line. Its text has no slash at the ends. An anchored pattern is one for whole paths, not for names."""

    text: bytes
    is_negated: bool
    is_anchored: bool
    is_for_folders: bool

    @property
    def kinds(self) -> tuple[int, ...]:
        return (_FOLDER,) if self.is_for_folders else (_FOLDER, _FILE)

    @property
    def is_wild(self) -> bool:
        return not _WILDCARDS.isdisjoint(self.text)

    @property
    def literal(self) -> bytes:
        """The only path or name that a pattern without wildcards matches. A path starts with `/`."""
        text = re.sub(rb"\\(.)", rb"\1", self.text, flags=re.DOTALL) if b"\\" in self.text else self.text
        return b"/" + text if self.is_anchored else text


def matcher(data: bytes) -> Callable[[bytes], bool]:
    """Compile an ignore file into a test of paths, without their parent folders. Paths of folders end with `/`.

    Raises:
        TooManyPatterns: the patterns with wildcards are too long together.
    """
    # Each literal has the number of the last pattern for folders, and for files.
    literals: tuple[dict[bytes, int], dict[bytes, int]] = ({}, {})
    negated: list[bool] = []
    automaton, wild = _Automaton(), 0
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        pattern = _parsed(line.removesuffix(b"\r"))
        if pattern is None:
            continue
        if pattern.is_wild:
            wild += len(pattern.text)
            if wild > MAX_WILD:
                raise TooManyPatterns(number)
            automaton.add(pattern, len(negated))
        else:
            for kind in pattern.kinds:
                literals[kind][pattern.literal] = len(negated)
        negated.append(pattern.is_negated)
    find_wild = automaton.compiled()

    def is_ignored(path: bytes) -> bool:
        kind, path = _FOLDER if path.endswith(b"/") else _FILE, path.removesuffix(b"/")
        name = path[path.rfind(b"/") + 1 :]
        last = max(literals[kind].get(name, -1), literals[kind].get(b"/" + path, -1), find_wild(path, kind))
        return last >= 0 and not negated[last]

    return is_ignored


class _Automaton:
    """The states of all patterns at once, as bits: one for each step that a path may have reached."""

    def __init__(self) -> None:
        self.size = 0
        self._accepting: dict[frozenset[int], int] = {}
        self._stars = [0, 0, 0]
        self._optional = self._starts = self._starts_in_folders = 0
        self._ends = [0, 0]
        self._numbers: dict[int, int] = {}

    def add(self, pattern: _Pattern, number: int) -> None:
        steps = _steps(pattern.text, is_anchored=pattern.is_anchored)
        if steps is None:
            return
        start = 1 << self.size
        self._starts |= start
        self._starts_in_folders |= 0 if pattern.is_anchored else start
        for bit, step in enumerate(steps, self.size):
            self._accepting[step.accepts] = self._accepting.get(step.accepts, 0) | 1 << bit
            self._stars[step.star] |= 1 << bit
            self._optional |= step.is_optional << bit
        self.size += len(steps)
        self._numbers[self.size] = number
        for kind in pattern.kinds:
            self._ends[kind] |= 1 << (self.size - 1)

    def compiled(self) -> Callable[[bytes, int], int]:
        """Return a function that finds the number of the last pattern for a path, or -1."""
        if not self.size:
            return lambda path, kind: -1  # noqa: ARG005
        accepts = [0] * 256
        for codes, bits in self._accepting.items():
            for code in codes:
                accepts[code] |= bits
        stays = [self._stars[_IN_FOLDER] | self._stars[_ANYTHING]] * 256
        stays[_SLASH] = self._stars[_ANYTHING]
        optional, anywhere, ends, numbers = self._optional, self._starts_in_folders, self._ends, self._numbers

        def passed(state: int, text: bytes) -> int:
            for code in text:
                moved = (state & accepts[code]) << 1
                state = moved | (moved & optional) << 1 | state & stays[code]
                if code == _SLASH:
                    state |= anywhere
            return state

        first = self._starts | (self._starts & optional) << 1

        # Files of one folder follow one another.
        @lru_cache(maxsize=64)
        def in_folder(folder: bytes) -> int:
            return passed(first, folder)

        def find(path: bytes, kind: int) -> int:
            cut = path.rfind(b"/") + 1
            # The last pattern has the highest bit.
            found = passed(in_folder(path[:cut]), path[cut:]) & ends[kind]
            return numbers[found.bit_length()] if found else -1

        return find


def _parsed(line: bytes) -> _Pattern | None:
    """Read a line. Return None if it matches no path."""
    text = _without_spaces(line.partition(b"\0")[0])
    if text[:1] == b"#":
        return None
    is_negated = text[:1] == b"!"
    text = text[is_negated:]
    is_for_folders = text[-1:] == b"/"
    text = text[: len(text) - is_for_folders]
    is_anchored = b"/" in text
    text = text.removeprefix(b"/")
    # A backslash at the end escapes nothing.
    if not text or (len(text) - len(text.rstrip(b"\\"))) % 2:
        return None
    return _Pattern(text, is_negated, is_anchored, is_for_folders)


def _without_spaces(line: bytes) -> bytes:
    """Remove spaces at the end, except after a backslash. A backslash at the very end keeps all of them."""
    if not line.endswith(b" "):
        return line
    end, index = 0, 0
    while index < len(line):
        if line[index] == ord("\\"):
            index += 1
            if index == len(line):
                return line
            end = index + 1
        elif line[index] != ord(" "):
            end = index + 1
        index += 1
    return line[:end]


def _steps(text: bytes, *, is_anchored: bool) -> list[_Step] | None:
    steps: list[_Step] = []
    # Git compares the text before the first wildcard by itself. For wildmatch, the rest is then a pattern of its own.
    start = (
        next((index for index, code in enumerate(text) if code in _WILDCARDS or code == _BACKSLASH), len(text))
        if is_anchored
        else 0
    )
    index, star = 0, _NOTHING
    while index < len(text):
        code = text[index : index + 1]
        if code == b"*":
            end = index + len(text[index:]) - len(text[index:].lstrip(b"*"))
            star, is_optional = _star(text, index, end, start) if is_anchored else (_IN_FOLDER, False)
            index = end
            if is_optional:
                # Several `**/` in a row are like one.
                if not (steps and steps[-1].is_optional):
                    steps.append(_Step(_ONLY_SLASH, _ANYTHING, is_optional=True))
                index, star = end + 1, _NOTHING
            continue
        found = _one(text, index)
        if found is None:
            return None
        accepts, index = found
        steps.append(_Step(accepts, star))
        star = _NOTHING
    return [*steps, _Step(frozenset(), star)]


def _star(text: bytes, index: int, end: int, start: int) -> tuple[int, bool]:
    """Read the stars from `index` to `end`: what they may skip, and whether they are `**/`, which may match nothing."""
    is_whole = end - index > 1 and (index == start or text[index - 1] == _SLASH)
    rest = text[end : end + 2]
    if is_whole and (not rest or rest[:1] == b"/" or rest == b"\\/"):
        return _ANYTHING, rest[:1] == b"/"
    return _IN_FOLDER, False


def _one(text: bytes, index: int) -> tuple[frozenset[int], int] | None:
    """Read the part of a pattern that stands for one byte, and the index after it. None if it matches nothing."""
    code = text[index]
    if code == ord("?"):
        return _ANY, index + 1
    if code == ord("["):
        return _class(text, index + 1)
    if code == ord("\\"):
        index += 1
    return (frozenset({text[index]}), index + 1) if index < len(text) else None


def _class(text: bytes, index: int) -> tuple[frozenset[int], int] | None:
    """Read the rest of `[a-z]`. The bytes are those that it accepts."""
    is_negated = text[index : index + 1] in (b"!", b"^")
    index += is_negated
    found: set[int] = set()
    low: int | None = None
    is_first = True
    while is_first or text[index : index + 1] != b"]":
        is_first = False
        member = _member(text, index, low)
        if member is None:
            return None
        codes, low, index = member
        found.update(codes)
    return _ANY - found if is_negated else _ANY & found, index + 1


def _member(text: bytes, index: int, low: int | None) -> tuple[Iterable[int], int | None, int] | None:
    """Read one member of a class: its bytes, the byte that may start a range, and the index after it."""
    first, second = text[index : index + 1], text[index + 1 : index + 2]
    if first == b"-" and low is not None and second not in (b"", b"]"):
        index += 2 if second == b"\\" else 1
        return (range(low, text[index] + 1), None, index + 1) if index < len(text) else None
    if first + second == b"[:":
        end = text.find(b"]", index)
        if end < 0:
            return None
        if end > index + 2 and text[end - 1 : end] == b":":
            known = _CLASSES.get(text[index + 2 : end - 1])
            return (known, None, end + 1) if known is not None else None
    index += first == b"\\"
    return ((text[index],), text[index], index + 1) if index < len(text) else None
