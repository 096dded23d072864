"""Whether a reader of answers of one JSON Schema can read those of another."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptdb.domain.schema_compatibility import schema_changes

TEXT, NUMBER, INTEGER, NULL = ({"type": name} for name in ("string", "number", "integer", "null"))


def obj(properties: dict[str, Any], *required: str, **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), **more}


def told(old: Any, new: Any, **options: bool) -> list[str]:
    return [
        f"{'breaks' if found.is_breaking else 'fine'}: {found.message}"
        for found in schema_changes(old, new, "the answer", **options)
    ]


NODE = {"$defs": {"N": obj({"next": {"$ref": "#/$defs/N"}, "v": INTEGER})}, "$ref": "#/$defs/N"}

CASES = [
    pytest.param(TEXT, {**TEXT, "title": "T", "description": "d", "examples": ["x"]}, [], id="annotations"),
    pytest.param(TEXT, INTEGER, ["breaks: the answer changed from string to integer"], id="another type"),
    pytest.param(INTEGER, NUMBER, ["breaks: the answer changed from integer to number"], id="more numbers"),
    pytest.param(NUMBER, INTEGER, ["fine: the answer is always integer now"], id="fewer numbers"),
    pytest.param(TEXT, {}, ["breaks: the answer changed from string to any type"], id="any type"),
    pytest.param({}, TEXT, ["fine: the answer is always string now"], id="a type where there was none"),
    pytest.param({"const": "a"}, {"enum": ["a"]}, [], id="one value, written in two ways"),
    pytest.param({"enum": ["a"]}, {"enum": ["a", "b"]}, ["breaks: the answer can be 'b' now"], id="a value more"),
    pytest.param({"enum": ["a", "b"]}, {"enum": ["b"]}, [], id="a value less"),
    pytest.param({**TEXT, "enum": ["a"]}, TEXT, ["breaks: the answer can be any value now"], id="any value"),
    pytest.param(TEXT, {"enum": ["a"]}, [], id="values of the type"),
    pytest.param(obj({"a": TEXT}), obj({}), ["breaks: property 'a' removed"], id="a property less"),
    pytest.param(obj({}), obj({"a": TEXT}), ["fine: new property 'a'"], id="a property more"),
    pytest.param(
        obj({"a": TEXT}, "a"), obj({"a": TEXT}), ["breaks: property 'a' can be missing now"], id="required no longer"
    ),
    pytest.param(obj({"a": TEXT}), obj({"a": TEXT}, "a"), [], id="always there now"),
    pytest.param(
        obj({"a": obj({"b": TEXT})}),
        obj({"a": obj({"b": NULL})}),
        ["breaks: 'a.b' changed from string to null"],
        id="a property of a property",
    ),
    pytest.param(
        obj({}, additionalProperties=False),
        obj({}),
        ["fine: the answer can have further properties now"],
        id="open now",
    ),
    pytest.param(obj({}), obj({}, additionalProperties=False), [], id="closed now"),
    pytest.param(
        obj({}, additionalProperties=TEXT),
        obj({}, additionalProperties=NULL),
        ["breaks: '*' changed from string to null"],
        id="values of a map",
    ),
    pytest.param(
        obj({"m": obj({}, additionalProperties=TEXT)}),
        obj({"m": obj({}, additionalProperties=False)}),
        ["breaks: 'm.*' changed"],
        id="no map any more",
    ),
    pytest.param(
        {"type": "array", "items": TEXT},
        {"type": "array", "items": NULL},
        ["breaks: '[]' changed from string to null"],
        id="items",
    ),
    pytest.param(
        {"type": "array", "items": TEXT},
        {"type": "array"},
        ["breaks: '[]' changed from string to any type"],
        id="any items",
    ),
    pytest.param({"anyOf": [TEXT, NULL]}, TEXT, [], id="a form less"),
    pytest.param(TEXT, {"anyOf": [TEXT, NULL]}, ["breaks: the answer can be null now"], id="null too"),
    pytest.param({"type": ["string", "null"]}, {"anyOf": [NULL, TEXT]}, [], id="null, written in two ways"),
    pytest.param({"anyOf": [TEXT, NULL]}, {"oneOf": [NULL, TEXT]}, [], id="the same forms"),
    pytest.param(
        {"anyOf": [{"enum": ["a"]}, NULL]},
        {"anyOf": [{"enum": ["a", "b"]}, NULL]},
        ["breaks: the answer can be 'b' now"],
        id="a value in a form",
    ),
    pytest.param(
        {**TEXT, "maxLength": 5},
        {**TEXT, "maxLength": 9},
        ["breaks: maxLength of the answer changed from 5 to 9"],
        id="longer",
    ),
    pytest.param(
        {**TEXT, "maxLength": 5}, TEXT, ["breaks: maxLength of the answer changed from 5 to none"], id="any length"
    ),
    pytest.param({**TEXT, "maxLength": 9}, {**TEXT, "maxLength": 5}, [], id="shorter"),
    pytest.param(
        {**NUMBER, "minimum": 0},
        {**NUMBER, "minimum": -1},
        ["breaks: minimum of the answer changed from 0 to -1"],
        id="less",
    ),
    pytest.param(TEXT, {**TEXT, "pattern": "a"}, [], id="a pattern"),
    pytest.param(
        {**TEXT, "pattern": "a"},
        {**TEXT, "pattern": "b"},
        ["breaks: 'pattern' of the answer changed, with unknown effect on readers"],
        id="another pattern",
    ),
    pytest.param(
        {"not": TEXT},
        {"not": NULL},
        ["breaks: 'not' of the answer changed, with unknown effect on readers"],
        id="a keyword that is not understood",
    ),
    pytest.param({"not": TEXT}, {"not": TEXT, "title": "x"}, [], id="such a keyword, unchanged"),
    pytest.param(
        {"not": {"$ref": "#/$defs/a"}, "$defs": {"a": TEXT}},
        {"not": {"$ref": "#/$defs/a"}, "$defs": {"a": NULL}},
        ["breaks: 'not' of the answer changed, with unknown effect on readers"],
        id="such a keyword with a reference to something else",
    ),
    pytest.param(obj({"a": TEXT}), obj({"a": {"$ref": "#/$defs/T"}}, **{"$defs": {"T": TEXT}}), [], id="a reference"),
    pytest.param(
        {"$ref": "#/$defs/T", "$defs": {"T": TEXT}},
        {"$ref": "#/$defs/T", "$defs": {"T": NULL}},
        ["breaks: the answer changed from string to null"],
        id="the same reference to something else",
    ),
    pytest.param(
        {"$ref": "https://example.com/a"}, {"$ref": "https://example.com/a", "title": "x"}, [], id="elsewhere"
    ),
    pytest.param({"$ref": "#", "title": "a"}, {"$ref": "#", "title": "b"}, [], id="a reference to itself"),
    pytest.param(NODE, {**NODE, "title": "x"}, [], id="recursion"),
    pytest.param(
        NODE,
        {**NODE, "$defs": {"N": obj({"next": {"$ref": "#/$defs/N"}, "v": NUMBER})}},
        ["breaks: 'v' changed from integer to number"],
        id="a change in recursion is told once",
    ),
    pytest.param(obj({"a": True}), obj({"a": TEXT}), ["fine: 'a' is always string now"], id="true is any value"),
    pytest.param(obj({"a": TEXT}), obj({"a": False}), ["breaks: 'a' changed"], id="false is none"),
    pytest.param(obj({"a": 1}), obj({"a": "x"}), ["breaks: 'a' changed"], id="no schema at all"),
    pytest.param({"properties": 1}, {"properties": []}, [], id="no properties at all"),
]


@pytest.mark.parametrize(("old", "new", "expected"), CASES)
def test_what_a_reader_notices(old: Any, new: Any, expected: list[str]) -> None:
    assert told(old, new) == expected


@pytest.mark.parametrize(("old", "new"), [(obj({}), obj({"a": TEXT})), (obj({}, additionalProperties=False), obj({}))])
def test_additions_break_who_takes_no_more_than_it_knows(old: Any, new: Any) -> None:
    (line,) = told(old, new, additions_break=True)
    assert line.startswith("breaks: ")


def test_a_change_has_its_path() -> None:
    old = obj({"orders": {"type": "array", "items": obj({"id": TEXT})}})
    new = obj({"orders": {"type": "array", "items": obj({})}})
    (change,) = schema_changes(old, new, "the answer")
    assert (change.path, change.message) == ("orders[].id", "property 'orders[].id' removed")


@pytest.mark.slow
def test_forms_inside_of_forms_end() -> None:
    """Each pair of forms would be compared for each pair around it."""
    old: Any = TEXT
    new: Any = NULL
    for _ in range(40):
        old, new = ({"anyOf": [{"type": "array", "items": s}, {"type": "array", "items": s}]} for s in (old, new))
    assert told(old, new) == ["breaks: the answer can have a form that it could not have before"]


_LEAVES = st.sampled_from([TEXT, NUMBER, INTEGER, NULL, {}, {"enum": ["a", 1]}, {"const": None}])
_SCHEMAS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.builds(
            lambda properties, required: obj(properties, *(name for name in required if name in properties)),
            st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
            st.sets(st.sampled_from("ab")),
        ),
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(lambda forms: {"anyOf": forms}, st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=6,
)


@given(_SCHEMAS)
def test_a_schema_is_compatible_with_itself(schema: Any) -> None:
    assert told(schema, {**schema, "title": "seen anew"}) == []


@given(_SCHEMAS)
def test_one_form_more_is_one_that_can_be_taken_away(schema: Any) -> None:
    assert [line for line in told({"anyOf": [schema, NULL]}, schema) if line.startswith("breaks")] == []
