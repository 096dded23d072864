"""Format `f-string`: names, conversions and short format specs; nothing that reaches into a value."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptdb.errors import TemplateError
from promptdb.render.fstring import compile_template, include_names


@pytest.mark.parametrize(
    ("template", "values", "text"),
    [
        pytest.param("", {}, "", id="nothing"),
        pytest.param("Hi {name}!", {"name": "Ann"}, "Hi Ann!", id="a name"),
        pytest.param("{a}{b}{a}", {"a": 1, "b": 2}, "121", id="names side by side"),
        pytest.param("{{a}}", {}, "{a}", id="literal braces"),
        pytest.param("{{{a}}}", {"a": 1}, "{1}", id="a value in literal braces"),
        pytest.param('{{"key": "{a}"}}', {"a": "v"}, '{"key": "v"}', id="JSON around a value"),
        pytest.param("{{}}", {}, "{}", id="empty literal braces"),
        pytest.param("{a!r}|{a!s}|{a!a}", {"a": "é"}, "'é'|é|'\\xe9'", id="conversions"),
        pytest.param("{a!r:>5}|", {"a": 1}, "    1|", id="conversion and width"),
        pytest.param("{a:>5}|{a:<5}|{a:^5}|", {"a": "x"}, "    x|x    |  x  |", id="alignment"),
        pytest.param("{a:*^5}", {"a": "x"}, "**x**", id="fill"),
        pytest.param("{a:!>3}", {"a": "x"}, "!!x", id="fill with an exclamation mark"),
        pytest.param("{a:\n>2}", {"a": "x"}, "\nx", id="fill with a line break"),
        pytest.param(
            "{a:.2f}|{b:.3e}|{c:.1%}", {"a": 1.005, "b": 12345.0, "c": 0.5}, "1.00|1.234e+04|50.0%", id="floats"
        ),
        pytest.param("{a:,}|{a:_}|{a:05d}|{a:+d}", {"a": 1234}, "1,234|1_234|01234|+1234", id="integers"),
        pytest.param("{a:x}|{a:#b}", {"a": 5}, "5|0b101", id="bases"),
        pytest.param("{a:.3}", {"a": "abcdef"}, "abc", id="cut text"),
        pytest.param("{a:999}|", {"a": ""}, " " * 999 + "|", id="the greatest width"),
        pytest.param("{a:%Y-%m-%d}", {"a": date(2026, 4, 1)}, "2026-04-01", id="date"),
        pytest.param("{a:}", {"a": "x"}, "x", id="an empty spec"),
        pytest.param("{a} {b} {c}", {"a": None, "b": True, "c": [1]}, "None True [1]", id="values of other types"),
        pytest.param("{naïve}", {"naïve": 1}, "1", id="a name outside ASCII"),
        pytest.param("{class} {_}", {"class": 1, "_": 2}, "1 2", id="names that Python keeps for itself"),
    ],
)
def test_renders(template: str, values: dict[str, Any], text: str):
    assert compile_template(template, {}).render(values) == text


@pytest.mark.parametrize(
    ("template", "line", "column", "fragment"),
    [
        pytest.param("{", 1, 1, "a single '{'", id="opening brace"),
        pytest.param("}", 1, 1, "a single '}'", id="closing brace"),
        pytest.param("a {b", 1, 3, "a single '{'", id="unclosed"),
        pytest.param("a b}", 1, 4, "a single '}'", id="unopened"),
        pytest.param("{a}}", 1, 4, "a single '}'", id="one closing brace too many"),
        pytest.param("{{a}", 1, 4, "a single '}'", id="half of a literal brace"),
        pytest.param("ok {a}\n  {", 2, 3, "a single '{'", id="second line"),
        pytest.param("\n\n{", 3, 1, "a single '{'", id="after empty lines"),
        pytest.param("é😀 {", 1, 4, "a single '{'", id="columns count characters"),
        pytest.param("{}", 1, 1, "'{}' is not a variable name", id="no name"),
        pytest.param("x {0}", 1, 3, "'{0}' is not a variable name", id="position"),
        pytest.param("{1a}", 1, 1, "'{1a}' is not a variable name", id="leading digit"),
        pytest.param("{a b}", 1, 1, "'{a b}' is not a variable name", id="two words"),
        pytest.param("{a-b}", 1, 1, "'{a-b}' is not a variable name", id="dash"),
        pytest.param("{ a }", 1, 1, "'{ a }' is not a variable name", id="spaces"),
        pytest.param('{"a": 1}', 1, 1, "is not a variable name", id="JSON"),
        pytest.param(r"\frac{1}{2}", 1, 6, "'{1}' is not a variable name", id="LaTeX"),
        pytest.param("{a.b}", 1, 1, "reaches into a value", id="attribute"),
        pytest.param("{a.__class__.__init__}", 1, 1, "reaches into a value", id="dunder"),
        pytest.param("{a[0]}", 1, 1, "reaches into a value", id="index"),
        pytest.param("{a[key]}", 1, 1, "reaches into a value", id="key"),
        pytest.param("{a.b!r:>5}", 1, 1, "reaches into a value", id="attribute with conversion"),
        pytest.param("{0.a}", 1, 1, "reaches into a value", id="attribute of a position"),
        pytest.param("{a!x}", 1, 1, "'!x' is not a conversion", id="unknown conversion"),
        pytest.param("{a!}", 1, 1, "'!' is not a conversion", id="empty conversion"),
        pytest.param("{a!rr}", 1, 1, "'!rr' is not a conversion", id="long conversion"),
        pytest.param("{a:1000}", 1, 1, "'1000' is not a short format spec", id="width of four digits"),
        pytest.param("{a:>999999999}", 1, 1, "is not a short format spec", id="a width that fills the memory"),
        pytest.param("{a:.9999f}", 1, 1, "'.9999f' is not a short format spec", id="precision of four digits"),
        pytest.param("{a:0999999999d}", 1, 1, "is not a short format spec", id="padding of nine digits"),
        pytest.param("{a:{b}}", 1, 1, "a single '{'", id="nested spec"),
        pytest.param("{a:%s and more words}", 1, 1, "is not a short format spec", id="words as spec"),
        pytest.param("{a:" + "%Y" * 33 + "}", 1, 1, "is not a short format spec", id="a long date format"),
    ],
)
def test_refuses_with_line_and_column(template: str, line: int, column: int, fragment: str):
    with pytest.raises(TemplateError) as caught:
        compile_template(template, {})
    assert (caught.value.line, caught.value.column) == (line, column)
    assert fragment in caught.value.message


@pytest.mark.parametrize(
    ("template", "hint"),
    [
        pytest.param("{", "template_format: plain", id="a stray brace"),
        pytest.param('{"a": 1}', "template_format: plain", id="JSON"),
        pytest.param("{a.b}", "as its own variable", id="attribute"),
        pytest.param("{a!x}", "!r, !s or !a", id="conversion"),
        pytest.param("{a:1000}", "widths have up to 3 digits", id="width"),
        pytest.param("{% if x %}", "template_format: jinja2", id="jinja2"),
    ],
)
def test_the_hint_says_what_to_do(template: str, hint: str):
    with pytest.raises(TemplateError) as caught:
        compile_template(template, {})
    assert caught.value.hint is not None
    assert hint in caught.value.hint


def test_a_long_field_is_shown_short():
    with pytest.raises(TemplateError) as caught:
        compile_template("{" + "word " * 1000 + "}", {})
    assert len(caught.value.message) < 100


@pytest.mark.parametrize(
    ("template", "names"),
    [
        ("no names", ()),
        ("{b} {a} {b}", ("b", "a")),
        ("{{a}} {b}", ("b",)),
        ("{a!r:>3}", ("a",)),
    ],
)
def test_variables_are_in_order_of_first_use(template: str, names: tuple[str, ...]):
    assert compile_template(template, {}).variables == names


@pytest.mark.parametrize(
    ("template", "value"),
    [
        pytest.param("{x:d}", "text", id="text as an integer"),
        pytest.param("{x:.2f}", "1.5", id="text as a float"),
        pytest.param("{x:.2f}", [1], id="a list as a float"),
        pytest.param("{x:>5}", None, id="null with a width"),
        pytest.param("{x:Q}", 1, id="an unknown type"),
        pytest.param("{x:.2f}", 10**400, id="an integer too large for a float"),
        pytest.param("{x:c}", 10**10, id="a number that is no character"),
        pytest.param("{x}", 10**5000, id="an integer of more digits than Python prints"),
    ],
)
def test_a_value_that_does_not_fit_its_format(template: str, value: Any):
    with pytest.raises(TemplateError, match=r"a value does not fit '\{"):
        compile_template(template, {}).render({"x": value})


@pytest.mark.parametrize("template", ["{x}", "{x!s}", "{x:>0}", "{x:.2f}", "{x:,}", "{x:%Y}"])
def test_an_optional_variable_without_a_value_is_empty(template: str):
    assert compile_template(f"<{template}>", {}).render({}) == "<>"


def test_nothing_is_included():
    assert include_names("{x} {{> a}}") == ()


@given(st.text("ab{}!:.[]0 \n", max_size=20))
def test_what_compiles_means_what_python_means(template: str):
    """`str.format` is the language that `f-string` is a part of."""
    try:
        compiled = compile_template(template, {})
    except TemplateError:
        return
    values = dict.fromkeys(compiled.variables, "v")
    try:
        expected = template.format(**values)
    except ValueError:
        with pytest.raises(TemplateError):
            compiled.render(values)
    else:
        assert compiled.render(values) == expected
