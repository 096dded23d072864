"""Traffic splits: an alias that gives the versions of several revisions, each to a part of the keys, such as users.

A key has the same number everywhere, and so the same version in every process. The rule is that of flagd's `fractional`
(https://flagd.dev/reference/custom-operations/fractional-operation): murmur3 over canonical CBOR, and integers alone.
"""

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import asdict, dataclass, replace
from itertools import accumulate, groupby
from typing import Any, Generic, Literal, TypeVar

from mmh3 import mmh3_32_uintdigest

from promptdb.domain.json_fields import Wrong, exact_fields, number
from promptdb.domain.prompt_id import PromptId, quoted
from promptdb.domain.refs import MAX_REVISION
from promptdb.errors import Conflict, IntegrityFailure, InvalidRef

MAX_ARMS = 10
MAX_TOTAL = 2**31 - 1
"""The highest sum of weights, as in flagd."""

MAX_SLICES = 1000
_EXAMPLE = "for example: rev:3=90 rev:4=10"


Arms = Sequence[tuple[str, int]]
"""Selectors with their weights, as a person names the arms of a split. The first is the control."""


@dataclass(frozen=True, slots=True)
class Arm:
    """A revision, and its part of the keys."""

    revision: int
    weight: int

    def __str__(self) -> str:
        return f"rev:{self.revision}={self.weight}"


@dataclass(frozen=True, slots=True)
class Split:
    """The arms in the order in which they were declared. The first is the control, for callers without a key.

    `slices` divide the line of all keys in the order that flagd gets. At first they are the arms. A change of the weights
    cuts them, so that an arm may have several. Two splits with the same arms and other slices are different values.
    """

    arms: tuple[Arm, ...]
    slices: tuple[Arm, ...]

    @classmethod
    def of(cls, arms: Iterable[Arm]) -> "Split":
        """Make a split whose slices are its arms.

        Raises:
            InvalidRef: there are too few or too many arms, one of them twice, or a weight is out of range.
        """
        found = tuple(arms)
        require_count(found)
        revisions = [arm.revision for arm in found]
        if twice := next((each for each in revisions if revisions.count(each) > 1), None):
            raise InvalidRef(f"rev:{twice} is in the split twice", "add up its weights")
        if wrong := next((arm for arm in found if arm.weight < 1), None):
            raise InvalidRef(f"the weight of {wrong} is not a whole number from 1", "leave out an arm without keys")
        if sum(arm.weight for arm in found) > MAX_TOTAL:
            raise InvalidRef(f"the sum of the weights is above {MAX_TOTAL:,}", "use smaller weights")
        return cls(found, found)

    def __str__(self) -> str:
        return " ".join(map(str, self.arms))

    @property
    def control(self) -> int:
        return self.arms[0].revision

    @property
    def revisions(self) -> tuple[int, ...]:
        return tuple(arm.revision for arm in self.arms)

    @property
    def total(self) -> int:
        return sum(arm.weight for arm in self.arms)

    def may_move_all(self, before: "Split") -> Literal["sum", "control"] | None:
        """Name what differs from the split before so that any key may move, also one whose arm does not shrink."""
        if before.total != self.total:
            return "sum"
        return "control" if before.control != self.control else None

    def has_arms_of(self, other: "Split | None") -> bool:
        """Check that another split gives each revision as many keys, and has the same control."""
        return other is not None and self.control == other.control and set(self.arms) == set(other.arms)

    def after(self, before: "Split | None") -> "Split":
        """Cut the slices of the split before, so that only keys of shrinking arms move, and no more than necessary.

        This is so for an equal control and an equal sum of weights. Otherwise the slices are the arms.

        Raises:
            Conflict: there would be too many slices.
        """
        if before is None or self.may_move_all(before) is not None:
            return self
        missing = {arm.revision: arm.weight for arm in self.arms}
        slices = tuple(_merged(_filled(_kept(before, missing), missing)))
        if len(slices) > MAX_SLICES:
            message = f"the weights of this split changed so often that it would have more than {MAX_SLICES} slices"
            raise Conflict(message, "use weights with another sum: all keys then move once")
        return replace(self, slices=slices)

    def arm_of(self, prompt: PromptId, key: str) -> int:
        """Find the revision that a key gets."""
        return Buckets(self, prompt, {revision: revision for revision in self.revisions}).find(key)


def are_same(one: Split | None, other: Split | None) -> bool:
    """Compare the arms of two splits, or of none."""
    return one is other if one is None or other is None else one.has_arms_of(other)


def require_count(arms: Sized) -> None:
    """Require a number of arms that a split may have. Raise InvalidRef otherwise."""
    if not 2 <= len(arms) <= MAX_ARMS:
        raise InvalidRef(f"a split has 2 to {MAX_ARMS} arms, not {len(arms)}", _EXAMPLE)


def parse_arm(text: str) -> tuple[str, int]:
    """Split `SELECTOR=WEIGHT`. Raise InvalidRef if it has another form."""
    selector, _, weight = text.rpartition("=")
    if not selector or not (weight.isascii() and weight.isdigit() and len(weight) <= len(str(MAX_TOTAL))):
        raise InvalidRef(f"{quoted(text)} is not an arm of a split", f"write SELECTOR=WEIGHT, {_EXAMPLE}")
    return selector, int(weight)


def split_fields(split: Split | None) -> dict[str, Any] | None:
    """Convert a split to JSON data."""
    if split is None:
        return None
    return {"arms": [asdict(arm) for arm in split.arms], "slices": [asdict(each) for each in split.slices]}


def decode_split(value: Any) -> Split | None:
    """Read the output of `split_fields`. Raise `Wrong` for anything else."""
    if value is None:
        return None
    arms, slices = (_arms(items) for items in exact_fields(value, arms=list, slices=list))
    try:
        split = replace(Split.of(arms), slices=slices)
    except InvalidRef as error:
        raise Wrong(error.message) from error
    sums = {revision: sum(each.weight for each in slices if each.revision == revision) for revision in split.revisions}
    if sums != {arm.revision: arm.weight for arm in arms} or split.total != sum(each.weight for each in slices):
        raise Wrong("the slices of a split are not those of its arms")
    return split


def split_text(split: Split | None) -> str | None:
    """Write a split as it is stored."""
    return None if split is None else json.dumps(split_fields(split), separators=(",", ":"))


def stored_split(text: str | None) -> Split | None:
    """Read the output of `split_text`. Raise IntegrityFailure for anything else."""
    if text is None:
        return None
    try:
        return decode_split(json.loads(text))
    except (ValueError, RecursionError, Wrong) as error:
        raise IntegrityFailure(f"the stored split {text[:80]!r} cannot be read", "see: promptdb verify") from error


def _arms(items: Sequence[Any]) -> tuple[Arm, ...]:
    if len(items) > MAX_SLICES:
        raise Wrong("a split has too many slices")
    found = (exact_fields(item, revision=int, weight=int) for item in items)
    return tuple(Arm(number(revision, 1, MAX_REVISION), number(weight, 1, MAX_TOTAL)) for revision, weight in found)


# Slices

_Piece = tuple[int | None, int]
"""A revision, or None for a free part of the line, and its length."""


def _kept(before: Split, missing: dict[int, int]) -> list[_Piece]:
    """Take from each slice what its arm still has. `missing` is the rest that each arm lacks then."""
    # The control is cut at its end, and the others at their beginning: then a change and its reverse leave no trace.
    numbers = range(len(before.slices))
    is_control = [each.revision == before.control for each in before.slices]
    kept = dict[int, int]()
    for at in sorted(numbers, key=lambda at: at if is_control[at] else len(numbers) - at):
        each = before.slices[at]
        kept[at] = min(each.weight, missing.get(each.revision, 0))
        if kept[at]:
            missing[each.revision] -= kept[at]
    pieces: list[_Piece] = []
    for at, each in enumerate(before.slices):
        own, free = (each.revision, kept[at]), (None, each.weight - kept[at])
        pieces += [own, free] if is_control[at] else [free, own]
    return [piece for piece in pieces if piece[1]]


def _filled(pieces: Sequence[_Piece], missing: dict[int, int]) -> Iterator[Arm]:
    """Give the free pieces to the arms that lack some, beside slices of their own if there are any."""
    for at, (revision, length) in enumerate(pieces):
        if revision is not None:
            yield Arm(revision, length)
            continue
        left = pieces[at - 1][0] if at else None
        right = pieces[at + 1][0] if at + 1 < len(pieces) else None
        for each in sorted(missing, key=lambda each: (each == right) - (each == left)):
            taken = min(length, missing[each])
            if taken:
                yield Arm(each, taken)
                missing[each], length = missing[each] - taken, length - taken


def _merged(slices: Iterable[Arm]) -> Iterator[Arm]:
    for revision, group in groupby(slices, key=lambda each: each.revision):
        yield Arm(revision, sum(each.weight for each in group))


# Keys

_SHORT = 100
"""Bytes of keys whose beginning is ready."""


_T = TypeVar("_T")


class Buckets(Generic[_T]):
    """Finds what the keys of one prompt get, in less than a microsecond.

    Args:
        found: for each revision of the split, what its keys get.
    """

    __slots__ = ("_ends", "_found", "_head", "_heads", "_total")

    def __init__(self, split: Split, prompt: PromptId, found: Mapping[int, _T]) -> None:
        self._head = b"\x82" + _text(str(prompt).encode())
        self._heads = [self._head + _head(length) for length in range(_SHORT)]
        self._ends = list(accumulate(each.weight for each in split.slices))
        self._found = [found[each.revision] for each in split.slices]
        self._total = split.total

    def find(self, key: str) -> _T:
        try:
            text = key.encode()
        except UnicodeEncodeError:
            # A key comes from users, and no text may make a lookup fail.
            text = key.encode(errors="surrogatepass")
        length = len(text)
        head = self._heads[length] if length < _SHORT else self._head + _head(length)
        bucket = mmh3_32_uintdigest(head + text) * self._total >> 32
        return self._found[bisect_right(self._ends, bucket)]


def _text(text: bytes) -> bytes:
    return _head(len(text)) + text


def _head(length: int) -> bytes:
    """Write the head of a text in canonical CBOR (RFC 8949, section 4.2.1)."""
    if length < 24:
        return bytes([0x60 + length])
    size, code = next((size, code) for size, code in ((1, 0x78), (2, 0x79), (4, 0x7A), (8, 0x7B)) if length < 256**size)
    return bytes([code]) + length.to_bytes(size, "big")
