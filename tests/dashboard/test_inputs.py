"""Values of a form: what each field takes, what comes back, and what an address holds."""

from typing import Any

import pytest

from promptdb.dashboard.inputs import (
    MAX_IN_ADDRESS,
    HistoryEntry,
    NotAValue,
    entry_of,
    from_address,
    in_address,
    value_of,
    values_in,
)
from promptdb.domain.spec import Variable
from promptdb.errors import InvalidRef

TEXT, ANY = Variable(type="string"), Variable()
HISTORY = Variable(type="messages")
ONE_OF = Variable(enum=["low", 2, True, None])


@pytest.mark.parametrize(
    ("variable", "value", "entry"),
    [
        (TEXT, "late", "late"),
        (ANY, "3", "3"),
        (ONE_OF, "low", '"low"'),
        (ONE_OF, True, "true"),
        (ONE_OF, None, "null"),
        (Variable(type="boolean"), False, "false"),
        (Variable(type="integer"), -7, -7),
        (Variable(type="number"), 3, "3"),
        (Variable(type="number"), 3.0, "3.0"),
        (Variable(type="array"), ["ä", 1], '["ä", 1]'),
        (Variable(type="object"), {"a": {"b": None}}, '{"a": {"b": null}}'),
        (HISTORY, [{"role": "ai", "content": "Hi"}], [HistoryEntry("ai", "Hi")]),
    ],
)
def test_a_value_comes_back_from_its_field(variable: Variable, value: Any, entry: Any) -> None:
    assert entry_of(variable, value) == entry
    [found] = value_of(variable, entry)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("variable", [TEXT, ANY, Variable(type="integer"), Variable(type="number"), ONE_OF])
@pytest.mark.parametrize("entry", ["", None])
def test_an_empty_field_gives_no_value(variable: Variable, entry: str | None) -> None:
    assert value_of(variable, entry) == ()


def test_rows_without_text_are_no_messages() -> None:
    rows = [HistoryEntry("human", "Hi"), HistoryEntry("ai", "")]
    assert value_of(HISTORY, rows) == ([{"role": "human", "content": "Hi"}],)
    assert value_of(HISTORY, [HistoryEntry()]) == ([],)
    assert value_of(Variable(type="messages", required=False), [HistoryEntry()]) == ()
    assert entry_of(HISTORY, [{"role": "user", "content": "Hi"}]) == [HistoryEntry("human", "Hi")]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        (TEXT, ""),
        (TEXT, 3),
        (TEXT, "half a pair \ud800"),
        (ANY, ["a"]),
        (ONE_OF, "other"),
        (Variable(type="integer"), 2**60),
        (Variable(type="integer"), True),
        (HISTORY, [{"role": "tool", "content": "x"}]),
        (HISTORY, [{"role": "ai", "content": "", "tool_calls": []}]),
        (HISTORY, [("human", "x")]),
    ],
)
def test_a_field_refuses_what_it_would_change(variable: Variable, value: Any) -> None:
    with pytest.raises(NotAValue):
        entry_of(variable, value)


@pytest.mark.parametrize(
    ("variable", "entry", "reason"),
    [
        (Variable(type="array"), "[1,", "it is not JSON"),
        (Variable(type="array"), '{"a": 1}', "expected array, got object"),
        (Variable(type="number"), "three", "it is not JSON"),
        (Variable(type="number"), "NaN", "NaN is not a JSON number"),
        (Variable(type="object"), "[" * 200_000, "nested too deeply|not JSON"),
    ],
)
def test_an_entry_that_is_not_a_value_says_why(variable: Variable, entry: str, reason: str) -> None:
    with pytest.raises(NotAValue, match=reason):
        value_of(variable, entry)


@pytest.mark.parametrize("values", [{}, {"a": "ä & =?#", "b": [1, {"c": None}]}, {"half": "\ud800"}])
def test_an_address_gives_the_values_back(values: dict[str, Any]) -> None:
    text = in_address(values)
    assert text is not None
    assert from_address(text.encode().decode()) == values


def test_long_values_are_in_no_address() -> None:
    assert in_address({"a": "x" * MAX_IN_ADDRESS}) is None
    assert in_address({"a": "x" * (MAX_IN_ADDRESS - 20)}) is not None


@pytest.mark.parametrize("text", ["[1]", "{", "3", '{"a": NaN}'])
def test_an_address_with_something_else_is_an_error_with_a_remedy(text: str) -> None:
    with pytest.raises(InvalidRef, match="inputs in the address") as caught:
        from_address(text)
    assert "remove 'inputs'" in str(caught.value.hint)
    with pytest.raises(NotAValue):
        values_in(text)
