"""From the JSON Schema of an answer to its type, in both languages."""

from typing import Any

import pytest

from promptdb.codegen.contract import Contract
from promptdb.codegen.python import python_module
from promptdb.codegen.typescript import typescript_module
from promptdb.domain.prompt_id import PromptId

NODE = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}


def fields_of(code: str, start: str, end: str) -> str:
    return code.partition(start)[2].partition(end)[0].strip()


@pytest.mark.parametrize(
    ("schema", "python", "typescript"),
    [
        ({"type": "string", "minLength": 3}, "str", "string"),
        ({"type": "integer"}, "int", "number"),
        ({"type": "number"}, "float", "number"),
        ({"type": ["string", "null"]}, "str | None", "string | null"),
        ({"type": ["integer", "number"]}, "int | float", "number"),
        (
            {"enum": ["a", 'b"', 1, True, None]},
            """Literal["a", 'b"', 1, True] | None""",
            r'"a" | "b\"" | 1 | true | null',
        ),
        ({"enum": ["a", "a"]}, 'Literal["a"]', '"a"'),
        ({"enum": [1.5, 2]}, "int | float", "number"),
        ({"enum": [[1], {}]}, "list[Any] | dict[str, Any]", "unknown[] | Record<string, unknown>"),
        ({"const": "x"}, 'Literal["x"]', '"x"'),
        ({"const": None}, "None", "null"),
        ({"type": "array", "items": {"type": "integer"}}, "list[int]", "number[]"),
        ({"items": {"enum": ["a", "b"]}}, 'list[Literal["a", "b"]]', '("a" | "b")[]'),
        ({"type": "array"}, "list[Any]", "unknown[]"),
        ({"type": "object"}, "dict[str, Any]", "Record<string, unknown>"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "dict[str, int]", "Record<string, number>"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "str | None", "string | null"),
        ({"oneOf": [{"const": "a"}, {"const": "b"}]}, 'Literal["a", "b"]', '"a" | "b"'),
        ({"anyOf": [{"type": "string"}, {}]}, "Any", "unknown"),
        ({"$ref": "#/$defs/Id"}, "int", "number"),
        ({"allOf": [{"$ref": "#/$defs/Id"}], "title": "x"}, "int", "number"),
        ({"$ref": "#/$defs/Node"}, "AAnswerNode", "AAnswerNode"),
        ({"$ref": "#"}, "AAnswer", "AAnswer"),
        ({"type": "object", "properties": {"b": True}}, "AAnswerX", "AAnswerX"),
        (True, "Any", "unknown"),
        ({"minimum": 1}, "Any", "unknown"),
        ({"type": "nonsense"}, "Any", "unknown"),
    ],
)
def test_a_schema_is_a_type(schema: Any, python: str, typescript: str) -> None:
    root = {
        "type": "object",
        "required": ["x"],
        "properties": {"x": schema},
        "$defs": {"Id": {"type": "integer"}, "Node": NODE},
    }
    contract = Contract(PromptId("default", "a"), (), root)
    code = fields_of(python_module([contract]), "class AAnswer(TypedDict):", "\n\n\n")
    # A type that names itself stands in quotes.
    assert code.replace('x: "AAnswer"', "x: AAnswer").rpartition('"""\n\n    ')[2] == f"x: {python}"
    assert fields_of(typescript_module([contract]), "export interface AAnswer {", "\n}") == f"x: {typescript};"


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"allOf": [{"type": "object"}, {"type": "object"}]}, "allOf"),
        ({"type": "object", "patternProperties": {"^x": {}}}, "patternProperties"),
        ({"type": "array", "prefixItems": [{}]}, "prefixItems"),
        ({"type": "array", "items": [{}]}, "a list of items"),
        ({"if": {}, "then": {}}, "if"),
        ({"$ref": "https://example.com/schema"}, "$ref https://example.com/schema"),
        ({"$ref": "#/$defs/Nothing"}, "$ref #/$defs/Nothing"),
        ({"$ref": "#/$defs/Loop"}, "$ref #/$defs/Loop"),
        ({"$ref": "#/$defs/Tree"}, "$ref #/$defs/Tree, which refers to itself"),
    ],
)
def test_what_no_type_says_is_any_value_with_a_comment(schema: Any, reason: str) -> None:
    loop, tree = {"$ref": "#/$defs/Loop"}, {"type": "array", "items": {"$ref": "#/$defs/Tree"}}
    root = {"type": "object", "properties": {"x": schema}, "$defs": {"Loop": loop, "Tree": tree}}
    for module in (python_module, typescript_module):
        assert f"Any value, because no type says: {reason}." in module([Contract(PromptId("default", "a"), (), root)])


def test_keys_are_required_or_not_and_have_their_descriptions() -> None:
    line = {
        "type": "object",
        "required": ["sum"],
        "properties": {"sum": {"type": "number"}, "rate": {"type": "number"}},
    }
    root = {
        "type": "object",
        "description": "An invoice.",
        "properties": {"lines": {"type": "array", "items": line, "description": "In printed order"}},
    }
    code = python_module([Contract(PromptId("default", "a"), (), root)])
    assert (
        '''
class AAnswerLinesItem(TypedDict):
    """A part of an answer."""

    sum: float
    rate: NotRequired[float]


class AAnswer(TypedDict):
    """An invoice."""

    lines: NotRequired[list[AAnswerLinesItem]]
    """In printed order"""
'''
        in code
    )
    typescript = typescript_module([Contract(PromptId("default", "a"), (), root)])
    assert "  /** In printed order */\n  lines?: AAnswerLinesItem[];\n" in typescript


def test_an_answer_that_is_no_object_has_a_name_too() -> None:
    contract = Contract(PromptId("default", "a"), (), {"type": "array", "items": {"type": "string"}})
    assert "\n# The answer to default/a.\nAAnswer = list[str]\n" in python_module([contract])
    assert "/** The answer to default/a. */\nexport type AAnswer = string[];\n" in typescript_module([contract])


def test_a_schema_that_would_be_huge_ends_as_any_value() -> None:
    doubled = {str(at): {"type": "array", "items": {"anyOf": [step(at), map_of(step(at))]}} for at in range(40)}
    contract = Contract(PromptId("default", "a"), (), {"$ref": "#/$defs/0", "$defs": doubled})
    assert "the size of the schema" in python_module([contract])


def step(at: int) -> dict[str, Any]:
    # A keyword beside it, so that it is read anew each time.
    return {"$ref": f"#/$defs/{at + 1}", "minItems": 1}


def map_of(schema: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": schema}
