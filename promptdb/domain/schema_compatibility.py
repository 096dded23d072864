"""Compares two JSON Schemas for a reader of values who knows the old one.

A reader breaks if a property is removed or becomes optional, or if a new value is possible. New properties break only a
function that takes them as arguments. Unknown keywords count as breaking if they differ, because a needless question costs
less than an answer that callers cannot read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from promptdb.domain import schema_keywords as schemas
from promptdb.domain.contract import same_json

MAX_STEPS = 20_000
"""The most pairs of schemas in one comparison. Alternatives inside alternatives multiply."""

_ANY: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """`path` locates a part of the value, such as `orders[].id`. It is empty for the value itself."""

    path: str
    message: str
    is_breaking: bool


def schema_changes(old: Any, new: Any, whole: str, *, additions_break: bool = False) -> list[SchemaChange]:
    """List the changes for a reader of values, in the order of the schemas.

    `whole` is the name of the value in messages. `additions_break` is for readers that fail at unknown properties.
    """
    if same_json(old, new):
        return []
    comparison = _Comparison(old, new, whole, additions_break=additions_break)
    return list(dict.fromkeys(comparison.compare(old, new, "")))


class _Comparison:
    def __init__(self, old: Any, new: Any, whole: str, *, additions_break: bool) -> None:
        self._roots = old, new
        self._whole = whole
        self._additions_break = additions_break
        self._pairs: set[tuple[str, str]] = set()
        self._steps = 0

    def compare(self, old: Any, new: Any, path: str) -> Iterator[SchemaChange]:
        self._steps += 1
        if self._steps > MAX_STEPS:
            yield self._breaks(path, "the schemas are too complex to compare")
            return
        if schemas.references(old) and schemas.references(new):
            pair = repr(schemas.without(old, *schemas.IGNORED)), repr(schemas.without(new, *schemas.IGNORED))
            if pair in self._pairs:
                # The schema refers to itself. The comparison that is under way decides.
                return
            self._pairs.add(pair)
        old, new = schemas.resolved(old, self._roots[0]), schemas.resolved(new, self._roots[1])
        if old is False or not isinstance(old, Mapping) or not isinstance(new, Mapping):
            if not same_json(old, new):
                yield self._breaks(path, f"{self._subject(path)} changed")
        elif any(form in schema for form in schemas.FORMS for schema in (old, new)):
            yield from self._forms(old, new, path)
        else:
            yield from self._plain(old, new, path)

    def _plain(self, old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[SchemaChange]:
        before, after = schemas.types_of(old), schemas.types_of(new)
        if before is not None and (after is None or not schemas.covers(before, after)):
            change = f"from {schemas.type_words(before)} to {schemas.type_words(after)}"
            yield self._breaks(path, f"{self._subject(path)} changed {change}")
            return
        if after is not None and before != after:
            message = f"{self._subject(path)} is always {schemas.type_words(after)} now"
            yield SchemaChange(path, message, is_breaking=False)
        yield from self._choices(old, new, path)
        yield from self._properties(old, new, path)
        yield from self._further(old, new, path)
        if "items" in old:
            yield from self.compare(old["items"], new.get("items", _ANY), f"{path}[]")
        yield from self._limits(old, new, path)
        yield from self._others(old, new, path)

    def _forms(self, old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[SchemaChange]:
        # Each alternative of the new schema must fit an alternative of the old one.
        known = schemas.each_form(old)
        for form in schemas.each_form(new):
            if any(self._fits(before, form, path) for before in known):
                continue
            types = schemas.types_of(schemas.resolved(form, self._roots[1]))
            alike = [before for before in known if schemas.types_of(schemas.resolved(before, self._roots[0])) == types]
            if len(alike) == 1:
                yield from self.compare(alike[0], form, path)
            else:
                what = "have a form that it could not have before" if alike else f"be {schemas.type_words(types)} now"
                yield self._breaks(path, f"{self._subject(path)} can {what}")

    def _fits(self, old: Any, new: Any, path: str) -> bool:
        pairs = set(self._pairs)
        fits = not any(change.is_breaking for change in self.compare(old, new, path))
        if not fits:
            # The pairs that were assumed to fit on the way may not fit elsewhere.
            self._pairs = pairs
        return fits

    def _choices(self, old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[SchemaChange]:
        before, after = schemas.values_of(old), schemas.values_of(new)
        if before is None:
            return
        if after is None:
            yield self._breaks(path, f"{self._subject(path)} can be any value now")
            return
        for value in after:
            if not any(same_json(value, known) for known in before):
                yield self._breaks(path, f"{self._subject(path)} can be {value!r} now")

    def _properties(self, old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[SchemaChange]:
        before, after = schemas.mapping_of(old.get("properties")), schemas.mapping_of(new.get("properties"))
        required, always = set(schemas.names_in(old.get("required"))), set(schemas.names_in(new.get("required")))
        for name in before:
            inner = f"{path}.{name}" if path else name
            if name not in after:
                yield self._breaks(inner, f"property {inner!r} removed")
                continue
            if name in required and name not in always:
                yield self._breaks(inner, f"property {inner!r} can be missing now")
            yield from self.compare(before[name], after[name], inner)
        for name in (name for name in after if name not in before):
            inner = f"{path}.{name}" if path else name
            yield SchemaChange(inner, f"new property {inner!r}", is_breaking=self._additions_break)

    def _further(self, old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[SchemaChange]:
        before, after = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if isinstance(before, Mapping) and before:
            yield from self.compare(before, after, f"{path}.*" if path else "*")
        elif before is False and after is not False:
            message = f"{self._subject(path)} can have further properties now"
            yield SchemaChange(path, message, is_breaking=self._additions_break)

    def _limits(self, old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[SchemaChange]:
        for key in (*schemas.FLOORS, *schemas.CEILINGS):
            if key not in old or same_json(old[key], new.get(key)):
                continue
            before, after = old[key], new.get(key)
            is_comparable = isinstance(before, int | float) and isinstance(after, int | float)
            if not is_comparable or (after < before if key in schemas.FLOORS else after > before):
                limit = repr(after) if key in new else "none"
                yield self._breaks(path, f"{key} of {self._subject(path)} changed from {before!r} to {limit}")

    def _others(self, old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[SchemaChange]:
        # A keyword with references changes if a definition changes.
        same_names = same_json(schemas.definitions_of(self._roots[0]), schemas.definitions_of(self._roots[1]))
        for key in dict.fromkeys([*old, *new]):
            if key in schemas.HANDLED or (key in schemas.RESTRICTIONS and key not in old):
                continue
            is_same = key in old and key in new and same_json(old[key], new[key])
            if not is_same or not (same_names or "$ref" not in repr(old[key])):
                yield self._breaks(path, f"{key!r} of {self._subject(path)} changed, with unknown effect on readers")

    def _subject(self, path: str) -> str:
        return repr(path) if path else self._whole

    def _breaks(self, path: str, message: str) -> SchemaChange:
        return SchemaChange(path, message, is_breaking=True)
