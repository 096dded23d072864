"""Format `mustache`: what goes beyond the specification (test_mustache_spec.py): strictness, places, bounds, hostile values."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptdb.errors import IncludeError, TemplateError
from promptdb.render.formats import engine
from promptdb.render.mustache.engine import compile_template, include_names


def render(template: str, values: dict[str, Any], **includes: str) -> str:
    return compile_template(template, includes).render(values)


@pytest.mark.parametrize(
    ("template", "values", "text"),
    [
        pytest.param("Hi {{name}}!", {"name": "Ann"}, "Hi Ann!", id="a name"),
        pytest.param(
            "{{ a }}|{{&a}}|{{& a }}|{{{a}}}|{{{ a }}}", {"a": 1}, "1|1|1|1|1", id="spaces, ampersand, triple"
        ),
        pytest.param("{{a}}{{&a}}{{{a}}}", {"a": "<&\"'>"}, "<&\"'>" * 3, id="no HTML escaping"),
        pytest.param("{{a}}|{{b}}", {"a": None}, "|", id="null and missing are empty"),
        pytest.param("{{a.b.c}}", {"a": {"b": {"c": "x"}}}, "x", id="dotted name"),
        pytest.param("<{{x}}{{x.y}}>", {}, "<>", id="an optional variable, and something in it"),
        pytest.param("<{{a.b}}{{a.b.c}}>", {"a": {"b": None}}, "<>", id="null, and something in it"),
        pytest.param("{{a.0}}{{a.1}}", {"a": ["x", "y"]}, "xy", id="index of a list"),
        pytest.param("{a} {{{a}}} }} {", {"a": 1}, "{a} 1 }} {", id="single braces are text"),
        pytest.param("{{a}}}", {"a": 1}, "1}", id="a brace behind a tag"),
        pytest.param("{{\n a \n}}", {"a": 1}, "1", id="a tag over several lines"),
    ],
)
def test_variables(template: str, values: dict[str, Any], text: str):
    assert render(template, values) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (85, "85"),
        (1.210, "1.21"),
        (1.0, "1.0"),
        (1e16, "1e+16"),
        (float("nan"), "nan"),
        (True, "True"),
        (False, "False"),
        (["a", 1, None], "['a', 1, None]"),
        ({"a": 1}, "{'a': 1}"),
        ("", ""),
        ("<b>&</b>", "<b>&</b>"),
    ],
)
def test_values_are_written_as_in_every_format(value: Any, text: str):
    assert render("{{a}}", {"a": value}) == text
    for template_format, template in (("f-string", "{a}"), ("jinja2", "{{ a }}")):
        assert engine(template_format).compile_template(template, {}).render({"a": value}) == text  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [None, False, 0, 0.0, "", [], (), {}])
def test_what_is_false_in_python_is_false(value: Any):
    assert render("{{#a}}yes{{/a}}{{^a}}no{{/a}}", {"a": value}) == "no"


@pytest.mark.parametrize(
    ("template", "values", "message", "hint"),
    [
        pytest.param(
            "{{user.nmae}}",
            {"user": {"name": "Ann", "age": 3}},
            "'user.nmae' has no value: 'user' has name, age",
            "did you mean 'user.name'?",
            id="a misspelled name",
        ),
        pytest.param(
            "{{user.phone}}",
            {"user": {"name": "Ann"}},
            "'user.phone' has no value: 'user' has name",
            "inside {{#user}} a name without a value is empty",
            id="another name",
        ),
        pytest.param("{{a.b.c}}", {"a": {"b": {}}}, "'a.b.c' has no value: 'a.b' is empty", None, id="an empty object"),
        pytest.param("{{{a.b}}}", {"a": "t"}, "'a.b' has no value: 'a' is a string", None, id="a string"),
        pytest.param("{{&a.b}}", {"a": 1.5}, "'a.b' has no value: 'a' is a number", None, id="a number"),
        pytest.param("{{a.b}}", {"a": True}, "'a.b' has no value: 'a' is a boolean", None, id="a boolean"),
        pytest.param("{{a.2}}", {"a": [1, 2]}, "'a.2' has no value: 'a' is an array of 2", None, id="index too large"),
        pytest.param("{{a.b}}", {"a": ()}, "'a.b' has no value: 'a' is an array of 0", None, id="name in an array"),
        pytest.param(
            "{{a.zz}}",
            {"a": {f"n{number}": 0 for number in range(1000)}},
            "'a.zz' has no value: 'a' has n0, n1, n2, n3, n4, n5, n6, n7 and 992 more",
            None,
            id="an object with many names",
        ),
        pytest.param(
            "{{a.zz}}",
            {"a": {"b\nc": 1, 2: 3}},
            "'a.zz' has no value: 'a' has 'b\\nc'",
            None,
            id="names that are no words",
        ),
        pytest.param("{{^a.b}}{{a.b}}{{/a.b}}", {"a": {"c": 1}}, "'a.b' has no value: 'a' has c", None, id="inverted"),
        pytest.param("{{.}}", {"a": 1}, "'.' outside a section, where there is no item", None, id="item"),
        pytest.param(
            "{{^x}}{{.}}{{/x}}", {}, "'.' outside a section, where there is no item", None, id="item, inverted"
        ),
        pytest.param("{{^.}}x{{/.}}", {}, "'.' outside a section, where there is no item", None, id="item as section"),
    ],
)
def test_outside_of_sections_what_has_no_value_is_an_error(
    template: str, values: dict[str, Any], message: str, hint: str | None
):
    with pytest.raises(TemplateError) as caught:
        render(template, values)
    assert caught.value.message == message
    assert hint is None or caught.value.hint == hint


@pytest.mark.parametrize(
    "template", ["{{u.x}}", "{{u.x.y}}", "{{x}}", "{{#u.x}}a{{/u.x}}", "{{u.name.first}}", "{{^no}}{{u.x}}{{/no}}"]
)
def test_inside_of_sections_what_has_no_value_is_empty(template: str):
    assert render("<{{#u}}" + template + "{{/u}}>", {"u": {"name": "Ann"}}) == "<>"


@pytest.mark.parametrize("tag", ["#user.phone", "^user.phone"])
def test_a_section_asks_whether_there_is_a_value(tag: str):
    text = render("{{" + tag + "}}x{{/user.phone}}", {"user": {}})
    assert text == ("x" if tag[0] == "^" else "")


@pytest.mark.parametrize(
    ("template", "values", "place"),
    [
        pytest.param("a\n  {{u.x}}", {"u": {}}, (2, 3), id="a name"),
        pytest.param("{{! a\nb }}\n{{#u}}{{/u}}\n {{{u.x}}}", {"u": {"y": 1}}, (4, 2), id="behind other tags"),
        pytest.param("a\n{{n}}", {"n": 10**5000}, (2, 1), id="a number that cannot be written"),
        pytest.param("a\n{{> p}}", {"v": {}}, (None, None), id="in a fragment"),
    ],
)
def test_an_error_while_rendering_has_its_place(template: str, values: dict[str, Any], place: tuple[int, int]):
    with pytest.raises(TemplateError) as caught:
        render(template, values, p="x\n\n {{v.x}}")
    assert (caught.value.line, caught.value.column) == place
    if place == (None, None):
        assert caught.value.message == "'v.x' has no value: 'v' is empty, in line 3 of the fragment p"


@pytest.mark.parametrize(
    ("template", "values", "text"),
    [
        pytest.param("<{{#a}}x{{/a}}>", {"a": True}, "<x>", id="true"),
        pytest.param("<{{#a}}x{{/a}}>", {"a": False}, "<>", id="false"),
        pytest.param("<{{#a}}x{{/a}}>", {"a": None}, "<>", id="null"),
        pytest.param("<{{#a}}x{{/a}}>", {}, "<>", id="missing"),
        pytest.param("<{{#a}}x{{/a}}>", {"a": []}, "<>", id="empty list"),
        pytest.param("<{{#a}}x{{/a}}>", {"a": ""}, "<>", id="empty text"),
        pytest.param("<{{#a}}x{{.}}{{/a}}>", {"a": "t"}, "<xt>", id="text"),
        pytest.param("<{{#a}}{{b}}{{/a}}>", {"a": [{"b": 1}, {"b": 2}]}, "<12>", id="list of objects"),
        pytest.param("<{{#a}}{{.}},{{/a}}>", {"a": ["x", 2, None]}, "<x,2,,>", id="list of values"),
        pytest.param("<{{#a}}{{.}}{{/a}}>", {"a": ("x", "y")}, "<xy>", id="tuple"),
        pytest.param("<{{#a}}[{{#.}}{{.}}{{/.}}]{{/a}}>", {"a": [[1, 2], [3]]}, "<[12][3]>", id="list of lists"),
        pytest.param("<{{#a}}{{b}}{{/a}}>", {"a": {"b": 1}}, "<1>", id="object as context"),
        pytest.param(
            "<{{#a}}{{b}}{{c}}{{/a}}>", {"a": {"b": 1}, "b": 9, "c": 3}, "<13>", id="outer context behind the inner"
        ),
        pytest.param("<{{#a}}{{#b}}{{c}}{{d}}{{/b}}{{/a}}>", {"a": {"c": 1}, "b": {"d": 2}}, "<12>", id="nested"),
        pytest.param("<{{#a}}{{#a}}x{{/a}}{{/a}}>", {"a": True}, "<x>", id="the same name nested"),
        pytest.param("<{{#a.b}}x{{/a.b}}>", {"a": {"b": 1}}, "<x>", id="dotted name"),
        pytest.param("<{{#a.b}}x{{/a.b}}>", {"a": {}}, "<>", id="broken chain"),
        pytest.param("<{{# a }}x{{/ a }}>", {"a": True}, "<x>", id="spaces in the tags"),
        pytest.param("<{{^a}}x{{/a}}>", {"a": True}, "<>", id="inverted true"),
        pytest.param("<{{^a}}x{{/a}}>", {"a": False}, "<x>", id="inverted false"),
        pytest.param("<{{^a}}x{{/a}}>", {}, "<x>", id="inverted missing"),
        pytest.param("<{{^a}}x{{/a}}>", {"a": []}, "<x>", id="inverted empty list"),
        pytest.param("<{{^a}}x{{/a}}>", {"a": [0]}, "<>", id="inverted list"),
        pytest.param("<{{#a}}y{{/a}}{{^a}}n{{/a}}>", {"a": ["v"]}, "<y>", id="both"),
        pytest.param(
            "{{#a}}{{b.c}}{{/a}}", {"a": {"b": {}}, "b": {"c": "WRONG"}}, "", id="the first part decides the context"
        ),
        pytest.param(
            "{{#a}}{{b}}{{/a}}", {"a": {"b": None}, "b": "WRONG"}, "", id="null in the inner context hides the outer"
        ),
    ],
)
def test_sections(template: str, values: dict[str, Any], text: str):
    assert render(template, values) == text


@pytest.mark.parametrize(
    ("template", "text"),
    [
        pytest.param("a\n{{#t}}\nb\n{{/t}}\nc", "a\nb\nc", id="section"),
        pytest.param("a\n  {{#t}}  \nb\n  {{/t}}\nc", "a\nb\nc", id="with spaces around"),
        pytest.param("{{#t}}\nb\n{{/t}}", "b\n", id="first and last line"),
        pytest.param("a\n{{^f}}\nb\n{{/f}}\nc\n", "a\nb\nc\n", id="inverted section"),
        pytest.param("a\n{{! comment }}\nb", "a\nb", id="comment"),
        pytest.param("a\n  {{!\n  comment\n  }}\nb", "a\nb", id="comment over several lines"),
        pytest.param("a {{! comment }} b", "a  b", id="comment between words"),
        pytest.param("a\n{{! c }} b\n", "a\n b\n", id="comment before words"),
        pytest.param("a\n\t{{! c }}\nb", "a\nb", id="with a tab before"),
        pytest.param("a\n{{#t}}x{{/t}}\nb", "a\nx\nb", id="a section within one line stays"),
        pytest.param("a\n {{#t}}\n{{/t}}\n b", "a\n b", id="an empty section"),
        pytest.param("a\n\n{{#t}}\n\nb\n\n{{/t}}\n\nc", "a\n\n\nb\n\n\nc", id="empty lines stay"),
        pytest.param("a\n{{=<% %>=}}\n<%! c %>\nb", "a\nb", id="set delimiters"),
        pytest.param("{{#t}}\n{{#t}}\nb\n{{/t}}\n{{/t}}\n", "b\n", id="nested sections"),
        pytest.param("a\n{{n}}\nb", "a\n5\nb", id="a variable is never standalone"),
        pytest.param("a{{#t}}\n{{/t}}b", "a\nb", id="a line break inside a section stays"),
    ],
)
def test_standalone_lines(template: str, text: str):
    assert render(template, {"t": True, "f": False, "n": 5}) == text


@pytest.mark.parametrize(
    ("template", "text"),
    [
        pytest.param("{{=<% %>=}}<% a %>{{a}}", "1{{a}}", id="other delimiters"),
        pytest.param("{{=| |=}}|a||={{ }}=|{{a}}|a|", "11|a|", id="and back"),
        pytest.param("{{= [ ] =}}[a]", "1", id="spaces inside"),
        pytest.param("{{=<% %>=}}<%{a}%><%{ a }%>", "11", id="triple"),
        pytest.param("{{=<% %>=}}<%#t%>x<%/t%><%&a%>", "x1", id="sections and ampersand"),
        pytest.param("({{=@ @=}})", "()", id="the tag itself is nothing"),
    ],
)
def test_set_delimiters(template: str, text: str):
    assert render(template, {"a": 1, "t": True}) == text


@pytest.mark.parametrize(
    ("template", "partial", "text"),
    [
        pytest.param("<{{> p}}>", "x", "<x>", id="inline"),
        pytest.param("<{{>p}}>", "x{{a}}", "<x1>", id="with the values of the caller"),
        pytest.param("{{#items}}{{> p}}{{/items}}", "[{{.}}]", "[1][2]", id="with the context of a section"),
        pytest.param("a\n{{> p}}\nb", "x\ny\n", "a\nx\ny\nb", id="on a line of its own"),
        pytest.param("a\n  {{> p}}\nb", "x\ny\n", "a\n  x\n  y\nb", id="indented"),
        pytest.param("  {{> p}}\n>", ">\n>", "  >\n  >>", id="indented, first line"),
        pytest.param(">\n  {{> p}}", ">\n>", ">\n  >\n  >", id="indented, last line"),
        pytest.param("a\n\t{{> p}}\n", "x\ny\n", "a\n\tx\n\ty\n", id="indented by a tab"),
        pytest.param("a\n  {{> p}}\n", "x\n\ny\n", "a\n  x\n\n  y\n", id="empty lines are not indented"),
        pytest.param("  {{> p}}\n", "x\r\n\r\ny\r\n", "  x\r\n\r\n  y\r\n", id="nor are those that end with CRLF"),
        pytest.param(" {{> p}}\n", "{{lines}}\n", " 1\n2\n", id="values are not indented"),
        pytest.param("| {{> p}} |", "\t|\t", "| \t|\t |", id="white space around stays"),
        pytest.param("{{a}}  {{> p}}\n", ">\n>", "1  >\n>\n", id="behind a value it is not indented"),
        pytest.param("  {{> p}} b\n", "x\ny", "  x\ny b\n", id="before words it is not indented"),
        pytest.param("{{=| |=}}|> p|", "{{a}}|a|", "1|a|", id="delimiters are not inherited"),
        pytest.param("{{> p}}{{a}}|a|", "{{=| |=}}|a|", "11|a|", id="delimiters do not leave the partial"),
        pytest.param("{{> p}}", "", "", id="empty"),
        pytest.param("{{> p}}{{> p}}", "x", "xx", id="twice"),
    ],
)
def test_partials(template: str, partial: str, text: str):
    assert render(template, {"a": 1, "items": [1, 2], "lines": "1\n2"}, p=partial) == text


def test_partials_in_partials():
    assert render("{{> a}}", {"x": 1}, a="<{{> b}}>", b="{{x}}") == "<1>"


def test_the_indentation_of_nested_partials_adds_up():
    assert render(" {{> a}}\n", {}, a="x\n {{> b}}\n", b="y\nz\n") == " x\n  y\n  z\n"


class Account:
    """An object of the application that a caller passes in."""

    owner = "Ann"

    def close(self) -> str:
        raise AssertionError("called from a template")


@pytest.mark.parametrize(
    "key",
    [
        "a.owner",
        "a.close",
        "a.__class__",
        "a.__class__.__mro__",
        "text.upper",
        "list.append",
        "mapping.keys",
        "mapping.__class__",
        "list.-1",
        "list.01x",
        "list." + "9" * 5000,
        "list.\N{SUPERSCRIPT TWO}",
        "text.0",
    ],
)
def test_names_are_not_looked_up_in_python_objects(key: str):
    values = {"a": Account(), "text": "t", "list": ["l"], "mapping": {}}
    with pytest.raises(TemplateError, match="has no value"):
        render(f"{{{{{key}}}}}", values)
    first, _, rest = key.partition(".")
    assert render(f"{{{{#{first}}}}}{{{{{rest}}}}}{{{{/{first}}}}}", values) == ""


def test_a_function_is_a_value_and_is_not_called():
    called = []
    text = render("{{f}}{{#f}}x{{/f}}", {"f": called.append})
    assert called == []
    assert text.endswith("x")


@pytest.mark.parametrize(
    ("template", "variables", "mentions"),
    [
        pytest.param("{{b}}{{a}}{{b}}", ("b", "a"), set(), id="in order of first use"),
        pytest.param("{{a.b.c}}", ("a",), set(), id="the first part of a dotted name"),
        pytest.param("{{#a}}{{b}}{{/a}}", ("a",), {"b"}, id="inside a section it may belong to the items"),
        pytest.param("{{^a}}{{b}}{{/a}}", ("a", "b"), set(), id="inside an inverted section it cannot"),
        pytest.param("{{#a}}{{^b}}{{c}}{{/b}}{{/a}}", ("a",), {"b", "c"}, id="inverted inside a section"),
        pytest.param("{{#a}}{{b}}{{/a}}{{b}}", ("a", "b"), set(), id="needed outside as well"),
        pytest.param("{{#a}}{{.}}{{/a}}", ("a",), set(), id="the item itself"),
        pytest.param("{{#a}}{{/a}}{{^b}}{{/b}}", ("a", "b"), set(), id="those of sections"),
        pytest.param("{{#a.b}}{{c.d}}{{/a.b}}", ("a",), {"c"}, id="dotted names in and of a section"),
        pytest.param("{{#a}}{{a}}{{/a}}", ("a",), set(), id="the section's own name in it"),
        pytest.param("{{#a}}{{> p}}{{/a}}", ("a",), {"x", "y"}, id="those of partials in a section"),
        pytest.param("{{! a }}{{=<% %>=}}{{b}}", (), set(), id="not those in comments"),
        pytest.param("{{> p}}", ("x",), {"y"}, id="those of partials"),
    ],
)
def test_names(template: str, variables: tuple[str, ...], mentions: set[str]):
    compiled = compile_template(template, {"p": "{{x}}{{#x}}{{y}}{{/x}}"})
    assert (compiled.variables, set(compiled.mentions)) == (variables, mentions)


@pytest.mark.parametrize(
    ("template", "line", "column", "fragment"),
    [
        pytest.param("{{a", 1, 1, "not closed", id="unclosed tag"),
        pytest.param("a\nb {{", 2, 3, "not closed", id="a tag that ends with the text"),
        pytest.param("a\n {{{b}}", 2, 2, "not closed", id="a triple tag with two braces at its end"),
        pytest.param("a\n{{=x}}", 2, 1, "not closed", id="unclosed set delimiters"),
        pytest.param("{{! a", 1, 1, "not closed", id="unclosed comment"),
        pytest.param("a\n\n {{#b}}\nc", 3, 2, "'b' is not closed", id="unclosed section"),
        pytest.param("{{#b}}{{/b}}\n{{^c}}", 2, 1, "'c' is not closed", id="unclosed inverted section"),
        pytest.param("{{#a}}\n{{#a}}x{{/a}}", 1, 1, "'a' is not closed", id="the outer of two is unclosed"),
        pytest.param("x{{#a.b}}", 1, 2, "'a.b' is not closed", id="unclosed section with a dotted name"),
        pytest.param("a\n{{/b}}", 2, 1, "'b'", id="end of nothing"),
        pytest.param("{{/b}}\n{{#b}}\n{{/b}}", 1, 1, "'b'", id="end of nothing before a section of that name"),
        pytest.param("{{#a}}\n{{/b}}", 2, 1, "'b' while 'a' is open", id="end of another section"),
        pytest.param("{{#a}}\n{{#b}}\n{{/a}}\n{{/b}}", 3, 1, "'a' while 'b' is open", id="sections that cross"),
        pytest.param(
            "{{! one\ntwo }}\n{{! three }}\n\n {{/z}}", 5, 2, "'z'", id="behind comments on lines of their own"
        ),
        pytest.param("{{#a}}\n{{/a}}\n{{#a}}\n{{/a}}\n{{/z}}", 5, 1, "'z'", id="behind sections on lines of their own"),
        pytest.param("{{=<% %>=}}\n<%#a%>\n<%/b%>", 3, 1, "'b' while 'a' is open", id="with other delimiters"),
        pytest.param("é😀{{/z}}", 1, 3, "'z'", id="columns count characters"),
        pytest.param("a\n{{}}", 2, 1, "an empty tag", id="empty tag"),
        pytest.param("a\n{{ }}", 2, 1, "an empty tag", id="blank tag"),
        pytest.param("a\n{{#}}{{/}}", 2, 1, "an empty tag", id="section without a name"),
        pytest.param("a\n{{> }}", 2, 1, "an empty tag", id="partial without a name"),
        pytest.param("a\n{{a..b}}", 2, 1, "'a..b' is not a variable name", id="two dots"),
        pytest.param("a\n{{.a}}", 2, 1, "'.a' is not a variable name", id="leading dot"),
        pytest.param("a\n{{a.}}", 2, 1, "'a.' is not a variable name", id="trailing dot"),
        pytest.param("a\n{{a b}}", 2, 1, "'a b' is not a variable name", id="two words"),
        pytest.param("a\n{{#if b}}{{/if}}", 2, 1, "'if b' is not a variable name", id="a block of handlebars"),
        pytest.param("a\n{{= =}}\n{{b}}", 2, 1, "delimiter", id="no delimiters"),
        pytest.param("a\n{{=<%=}}\n{{b}}", 2, 1, "delimiter", id="one delimiter"),
        pytest.param("a\n{{=a b c=}}\n{{b}}", 2, 1, "delimiter", id="three delimiters"),
        pytest.param(
            "{{#a}}\n" * 101 + "{{/a}}" * 101, 101, 1, "nested deeper than 100", id="101 sections in one another"
        ),
    ],
)
def test_refuses_with_line_and_column(template: str, line: int, column: int, fragment: str):
    with pytest.raises(TemplateError) as caught:
        compile_template(template, {})
    assert (caught.value.line, caught.value.column) == (line, column)
    assert fragment in caught.value.message


@pytest.mark.parametrize(
    ("includes", "fragment"),
    [
        pytest.param({"p": "{{> p}}"}, "p -> p", id="itself"),
        pytest.param({"p": "{{> q}}", "q": "{{> p}}"}, "p -> q -> p", id="two"),
    ],
)
def test_partials_that_include_one_another_are_refused(includes: dict[str, str], fragment: str):
    with pytest.raises(IncludeError) as caught:
        compile_template("{{> p}}", includes)
    assert fragment in caught.value.message


def test_an_error_in_a_partial_names_the_partial():
    with pytest.raises(TemplateError, match="'x' is not closed, in line 2 of the fragment p"):
        compile_template("a\n\n\n{{> p}}", {"p": "b\n{{#x}}"})


def test_a_partial_that_does_not_exist():
    with pytest.raises(IncludeError, match="the partial 'nope' does not exist"):
        compile_template("{{> nope}}", {"p": "x"})


@pytest.mark.parametrize("depth", [99, 100, 101, 500, 3000])
def test_sections_in_one_another_render_or_are_refused(depth: int):
    try:
        outcome = render("{{#a}}" * depth + "x" + "{{/a}}" * depth, {"a": True})
    except TemplateError as error:
        outcome = error.message
    assert outcome == "x" or "nested" in outcome


@pytest.mark.parametrize(
    ("template", "names"),
    [
        ("no", ()),
        ("{{> b}}{{>a}}{{> b }}", ("b", "a")),
        ("{{#x}}{{> _shared/tone.md}}{{/x}}", ("_shared/tone.md",)),
        ("{{! {{> a}} }}", ()),
        ("{{=<% %>=}}<%> a%>{{> b}}", ("a",)),
    ],
)
def test_include_names(template: str, names: tuple[str, ...]):
    assert include_names(template) == names


@given(st.recursive(st.text("ab\n ", max_size=4), lambda body: st.lists(body, max_size=3).map("".join)), st.booleans())
def test_a_section_and_its_inversion_show_the_body_once(body: str, truth: bool):
    template = "<{{#a}}|" + body + "|{{/a}}{{^a}}|" + body + "|{{/a}}>"
    assert render(template, {"a": truth}) == f"<|{body}|>"


def test_fragments_that_multiply_are_refused():
    includes = {f"_{n}": f"{{{{> _{n + 1}}}}}" * 10 for n in range(8)} | {"_8": "x" * 100}
    with pytest.raises(IncludeError, match="have more than 500,000 characters"):
        compile_template("{{> _0}}", includes)


def test_sections_of_fragments_that_nest_too_deeply_are_refused():
    opened, closed = "{{#a}}" * 90, "{{/a}}" * 90
    includes = {f"_{n}": f"{opened}{{{{> _{n + 1}}}}}{closed}" for n in range(12)} | {"_12": "x"}
    with pytest.raises(TemplateError, match="nested deeper than 100, in line 1 of the fragment _1"):
        compile_template("{{> _0}}", includes)


def test_fragments_that_nest_too_deeply_are_refused_with_their_chain():
    includes = {f"_{n}": f"{{{{> _{n + 1}}}}}" for n in range(21)} | {"_21": "x"}
    assert compile_template("{{> _2}}", includes).render({}) == "x"
    with pytest.raises(IncludeError) as caught:
        compile_template("{{> _1}}", includes)
    chain = " -> ".join(f"_{n}" for n in range(1, 22))
    assert caught.value.message == f"fragments are nested deeper than 20: {chain}, in line 1 of the fragment _20"


# Bounds


@pytest.mark.slow
@pytest.mark.parametrize(
    ("template", "values", "message"),
    [
        pytest.param(
            "{{#a}}{{#a}}{{#a}}x{{/a}}{{/a}}{{/a}}",
            {"a": range(10_000)},
            "the sections iterate over more than 1,000,000 items, the last in 'a'",
            id="a list in itself",
        ),
        pytest.param(
            "{{#a}}{{#b}}{{#c}}{{/c}}{{/b}}{{/a}}",
            {"a": range(10_000), "b": range(10_000), "c": range(10_000)},
            "the sections iterate over more than 1,000,000 items, the last in 'c'",
            id="three lists, and nothing to write",
        ),
        pytest.param(
            "{{#a}}{{/a}}",
            {"a": range(1_000_001)},
            "the sections iterate over more than 1,000,000 items, the last in 'a'",
            id="one list",
        ),
        pytest.param(
            "{{#a}}" + "{{e}}" * 50_000 + "{{/a}}",
            {"a": range(1000), "e": ""},
            "the sections iterate over more than 20,000,000 tags, the last in 'a'",
            id="empty values again and again",
        ),
        pytest.param(
            "{{t}}" * 3, {"t": "x" * 50_000_000}, "the text has more than 100,000,000 characters", id="long values"
        ),
        pytest.param(
            "{{#a}}{{t}}{{/a}}",
            {"a": range(100_001), "t": "x" * 1000},
            "the text has more than 100,000,000 characters",
            id="a value for each of many items",
        ),
        pytest.param(
            "{{a}}" * 10_000,
            {"a": range(300_000)},
            "the text has more than 100,000,000 characters",
            id="a list as text",
        ),
    ],
)
def test_a_render_without_end_is_refused_soon(template: str, values: dict[str, Any], message: str):
    compiled = compile_template(template, {})
    values = {name: list(value) if isinstance(value, range) else value for name, value in values.items()}
    with pytest.raises(TemplateError) as caught:
        compiled.render(values)
    assert caught.value.message == message
    assert caught.value.hint is not None


@pytest.mark.slow
def test_what_is_large_and_within_the_bounds_renders():
    assert len(render("{{t}}{{t}}", {"t": "x" * 50_000_000})) == 100_000_000
    assert len(render("{{#a}}{{.}} {{/a}}", {"a": [1] * 1_000_000})) == 2_000_000
    assert len(render("{{#a}}{{#a}}x{{/a}}{{/a}}", {"a": [1] * 999})) == 999 * 999


@pytest.mark.slow
@pytest.mark.parametrize(
    "part",
    [
        pytest.param("{{a}} ", id="names"),
        pytest.param("{{#a}}x{{/a}}", id="sections"),
        pytest.param("  {{! c }}\n", id="comments that stand alone"),
        pytest.param("{{> p}}", id="partials"),
    ],
)
def test_a_template_may_have_a_hundred_thousand_tags(part: str):
    """Parsing that takes the square of their number would not come back."""
    once, text = render(part, {"a": 1}, p="x"), render(part * 100_000, {"a": 1}, p="x")
    assert len(text) in (0, 100_000 * len(once))


def test_a_name_may_be_deep():
    key = ".".join("a" * 50_000)
    assert render("{{" + key + "}}", {"a": None}) == ""
    with pytest.raises(TemplateError) as caught:
        render("{{" + key + "}}", {"a": {}})
    assert len(caught.value.message) < 200


@pytest.mark.slow
def test_a_value_that_is_nested_too_deeply_to_be_written():
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(TemplateError, match="the value of 'a' cannot be converted to text: maximum recursion depth"):
        render("{{a}}", {"a": value})


class Truthless:
    def __bool__(self) -> bool:
        raise ValueError("ambiguous")


@pytest.mark.parametrize("sigil", "#^")
def test_a_value_that_is_neither_true_nor_false(sigil: str):
    with pytest.raises(TemplateError) as caught:
        render("x{{" + sigil + "a}}{{/a}}", {"a": Truthless()})
    assert caught.value.message == "the value of 'a' is neither true nor false: ambiguous"
    assert (caught.value.line, caught.value.column) == (1, 2)


class Growing(dict[str, Any]):
    """Makes what it does not have, as a defaultdict does."""

    def __missing__(self, name: str) -> str:
        raise AssertionError("asked for what it does not have")


def test_a_look_up_leaves_the_values_as_they_are():
    values: Mapping[str, Any] = {"a": Growing(b=1)}
    assert render("{{a.b}}{{#a}}{{b}}{{c}}{{#d.e}}{{/d.e}}{{/a}}", dict(values)) == "11"
    assert values == {"a": {"b": 1}}


@pytest.mark.parametrize("value", ["{{b}}", "{{{b}}}", "{{#b}}x{{/b}}", "{{> p}}", "{{=<% %>=}}", "{{"])
def test_tags_in_values_are_text(value: str):
    template = "{{a}}|{{#l}}{{.}}{{/l}}|{{o.a}}|{{b}}"
    assert (
        render(template, {"a": value, "l": [value], "o": {"a": value}, "b": 1}, p="no") == f"{value}|{value}|{value}|1"
    )
