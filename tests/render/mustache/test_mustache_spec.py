"""The rules of the mustache specification, https://github.com/mustache/spec, each under the title that it has there.

What deliberately differs is in a table of its own, behind the others.
"""

from collections.abc import Collection, Mapping
from typing import Any

import pytest

from promptdb.errors import MissingVariables, RenderError, TemplateError
from promptdb.render.mustache.engine import compile_template

MODULES = {"comments": 12, "delimiters": 14, "interpolation": 42, "inverted": 22, "partials": 12, "sections": 34}
"""The core modules of the specification (version 1.4), with how many rules each has."""


def render(
    template: str,
    values: Mapping[str, Any],
    fragments: Mapping[str, str] | None = None,
    optional: Collection[str] = (),
) -> str:
    """As a prompt does: the caller must give what is required, and what else it gives is no value of the prompt."""
    compiled = compile_template(template, fragments or {})
    missing = [name for name in compiled.variables if name not in values and name not in optional]
    if missing:
        raise MissingVariables(missing)
    names = compiled.mentions.union(compiled.variables)
    return compiled.render({name: value for name, value in values.items() if name in names})


ROUTE = {"sea": {"coast": {"port": {"pier": {"berth": {"ship": "Ada"}}}}}}
STACK = {"one": {"n": 1}, "two": {"m": 2}, "three": {"k": 3, "four": {"j": 4, "five": 5}}}

COMMENTS = [
    ("Inline", "left{{! nobody reads this }}right", {}, "leftright"),
    ("Multiline", "left{{!\n  two\n  lines\n}}right\n", {}, "leftright\n"),
    ("Standalone", "top\n{{! gone }}\nbottom\n", {}, "top\nbottom\n"),
    ("Indented Standalone", "top\n   {{! gone }}\nbottom\n", {}, "top\nbottom\n"),
    ("Standalone Line Endings", "top\r\n{{! gone }}\r\nbottom", {}, "top\r\nbottom"),
    ("Standalone Without Previous Line", "   {{! gone }}\nbottom", {}, "bottom"),
    ("Standalone Without Newline", "top\n   {{! gone }}", {}, "top\n"),
    ("Multiline Standalone", "top\n{{!\ngone\n}}\nbottom\n", {}, "top\nbottom\n"),
    ("Indented Multiline Standalone", "top\n  {{!\n    gone\n  }}\nbottom\n", {}, "top\nbottom\n"),
    ("Indented Inline", "  7 {{! 8 }}\n", {}, "  7 \n"),
    ("Surrounding Whitespace", "left {{! gone }} right", {}, "left  right"),
    ("Variable Name Collision", "[{{! x }}|{{!x}}]", {"x": "1", "!x": "2", "! x": "3", "! x ": "4"}, "[|]"),
]

DELIMITERS = [
    ("Pair Behavior", "{{=<% %>=}}<<%who%>>", {"who": "Ada"}, "<Ada>"),
    ("Special Characters", "{{=( )=}}[(who)]{{=$ ^=}}", {"who": "Ada"}, "[Ada]{{=$ ^=}}"),
    (
        "Sections",
        "{{#on}}\n{{n}}|n|\n{{/on}}\n{{=| |=}}\n|#on|\n{{n}}|n|\n|/on|\n",
        {"on": True, "n": 7},
        "7|n|\n{{n}}7\n",
    ),
    (
        "Inverted Sections",
        "{{^off}}\n{{n}}|n|\n{{/off}}\n{{=| |=}}\n|^off|\n{{n}}|n|\n|/off|\n",
        {"off": False, "n": 7},
        "7|n|\n{{n}}7\n",
    ),
    ("Partial Inheritence", "<{{> p}}>{{=| |=}}<|> p|>", {"n": 7}, "<7|n|><7|n|>", {"p": "{{n}}|n|"}),
    ("Post-Partial Behavior", "{{> p}} {{n}}|n|", {"n": 7}, "77 7|n|", {"p": "{{n}}{{=| |=}}|n|"}),
    ("Surrounding Whitespace", "> {{=| |=}} <", {}, ">  <"),
    ("Outlying Whitespace (Inline)", " > {{=| |=}}\n", {}, " > \n"),
    ("Standalone Tag", "top\n{{=| |=}}\nbottom\n", {}, "top\nbottom\n"),
    ("Indented Standalone Tag", "top\n  {{=| |=}}\nbottom\n", {}, "top\nbottom\n"),
    ("Standalone Line Endings", "top\r\n{{=| |=}}\r\nbottom", {}, "top\r\nbottom"),
    ("Standalone Without Previous Line", "  {{=| |=}}\nbottom", {}, "bottom"),
    ("Standalone Without Newline", "top\n  {{=| |=}}", {}, "top\n"),
    ("Pair with Padding", "<{{=  |    |  =}}>", {}, "<>"),
]

INTERPOLATION = [
    ("No Interpolation", "A {brace} and a }} stay", {}, "A {brace} and a }} stay"),
    ("Basic Interpolation", "Ahoy {{who}}!", {"who": "Ada"}, "Ahoy Ada!"),
    ("No Re-interpolation", "{{a}} {{b}}", {"a": "{{b}}", "b": "{{{a}}}"}, "{{b}} {{{a}}}"),
    ("Triple Mustache", "{{{code}}}", {"code": '<b> & "it\'s"'}, '<b> & "it\'s"'),
    ("Ampersand", "{{&code}}", {"code": '<b> & "it\'s"'}, '<b> & "it\'s"'),
    ("Basic Integer Interpolation", "{{knots}} knots", {"knots": 85}, "85 knots"),
    ("Triple Mustache Integer Interpolation", "{{{knots}}} knots", {"knots": 85}, "85 knots"),
    ("Ampersand Integer Interpolation", "{{&knots}} knots", {"knots": 85}, "85 knots"),
    ("Basic Decimal Interpolation", "{{tons}} tons", {"tons": 1.210}, "1.21 tons"),
    ("Triple Mustache Decimal Interpolation", "{{{tons}}} tons", {"tons": 1.210}, "1.21 tons"),
    ("Ampersand Decimal Interpolation", "{{&tons}} tons", {"tons": 1.210}, "1.21 tons"),
    ("Basic Null Interpolation", "<{{mate}}>", {"mate": None}, "<>"),
    ("Triple Mustache Null Interpolation", "<{{{mate}}}>", {"mate": None}, "<>"),
    ("Ampersand Null Interpolation", "<{{&mate}}>", {"mate": None}, "<>"),
    (
        "Dotted Names - Basic Interpolation",
        "{{ship.name}}={{#ship}}{{name}}{{/ship}}",
        {"ship": {"name": "Ada"}},
        "Ada=Ada",
    ),
    (
        "Dotted Names - Triple Mustache Interpolation",
        "{{{ship.name}}}={{#ship}}{{{name}}}{{/ship}}",
        {"ship": {"name": "<A>"}},
        "<A>=<A>",
    ),
    (
        "Dotted Names - Ampersand Interpolation",
        "{{&ship.name}}={{#ship}}{{&name}}{{/ship}}",
        {"ship": {"name": "<A>"}},
        "<A>=<A>",
    ),
    ("Dotted Names - Arbitrary Depth", "{{sea.coast.port.pier.berth.ship}}", ROUTE, "Ada"),
    (
        "Dotted Names - Initial Resolution",
        "{{#sea}}{{coast.port.pier.berth.ship}}{{/sea}}",
        {**ROUTE, "coast": {"port": {"pier": {"berth": {"ship": "not this"}}}}},
        "Ada",
    ),
    (
        "Dotted Names - Context Precedence",
        "<{{#ship}}{{crew.cook}}{{/ship}}>",
        {"ship": {"crew": {}}, "crew": {"cook": "not this"}},
        "<>",
    ),
    (
        "Dotted Names - No Masking",
        "{{ship.name}}",
        {"ship.name": "not this", "ship": {"name": "Ada"}},
        "Ada",
    ),
    ("Interpolation - Surrounding Whitespace", "> {{x}} <", {"x": "~"}, "> ~ <"),
    ("Triple Mustache - Surrounding Whitespace", "> {{{x}}} <", {"x": "~"}, "> ~ <"),
    ("Ampersand - Surrounding Whitespace", "> {{&x}} <", {"x": "~"}, "> ~ <"),
    ("Interpolation - Standalone", "top\n  {{x}}\n", {"x": "~"}, "top\n  ~\n"),
    ("Triple Mustache - Standalone", "top\n  {{{x}}}\n", {"x": "~"}, "top\n  ~\n"),
    ("Ampersand - Standalone", "top\n  {{&x}}\n", {"x": "~"}, "top\n  ~\n"),
    ("Interpolation With Padding", ">{{  x\t}}<", {"x": "~"}, ">~<"),
    ("Triple Mustache With Padding", ">{{{  x\t}}}<", {"x": "~"}, ">~<"),
    ("Ampersand With Padding", ">{{&  x\t}}<", {"x": "~"}, ">~<"),
]

INVERTED = [
    ("Falsey", "<{{^on}}dark{{/on}}>", {"on": False}, "<dark>"),
    ("Truthy", "<{{^on}}dark{{/on}}>", {"on": True}, "<>"),
    ("Null is falsey", "<{{^on}}dark{{/on}}>", {"on": None}, "<dark>"),
    ("Context", "<{{^ship}}none{{/ship}}>", {"ship": {"name": "Ada"}}, "<>"),
    ("List", "<{{^crew}}none{{/crew}}>", {"crew": [{"n": 1}, {"n": 2}]}, "<>"),
    ("Empty List", "<{{^crew}}none{{/crew}}>", {"crew": []}, "<none>"),
    (
        "Doubled",
        "{{^on}}\n1\n{{/on}}\n{{n}}\n{{^on}}\n3\n{{/on}}\n",
        {"on": False, "n": 2},
        "1\n2\n3\n",
    ),
    ("Nested (Falsey)", "a{{^on}}b{{^on}}c{{/on}}d{{/on}}e", {"on": False}, "abcde"),
    ("Nested (Truthy)", "a{{^on}}b{{^on}}c{{/on}}d{{/on}}e", {"on": True}, "ae"),
    ("Dotted Names - Truthy", "<{{^a.b.c}}no{{/a.b.c}}>", {"a": {"b": {"c": True}}}, "<>"),
    ("Dotted Names - Falsey", "<{{^a.b.c}}no{{/a.b.c}}>", {"a": {"b": {"c": False}}}, "<no>"),
    ("Dotted Names - Broken Chains", "<{{^a.b.c}}no{{/a.b.c}}>", {"a": {}}, "<no>"),
    ("Surrounding Whitespace", " > {{^on}}\t:\t{{/on}} < \n", {"on": False}, " > \t:\t < \n"),
    ("Internal Whitespace", " > {{^on}} {{! gone }}\n {{/on}} < \n", {"on": False}, " >  \n  < \n"),
    (
        "Indented Inline Sections",
        " {{^on}}a{{/on}}\n {{^on}}b{{/on}}\n",
        {"on": False},
        " a\n b\n",
    ),
    ("Standalone Lines", "top\n{{^on}}\nmiddle\n{{/on}}\nbottom\n", {"on": False}, "top\nmiddle\nbottom\n"),
    (
        "Standalone Indented Lines",
        "top\n  {{^on}}\nmiddle\n  {{/on}}\nbottom\n",
        {"on": False},
        "top\nmiddle\nbottom\n",
    ),
    ("Standalone Line Endings", "top\r\n{{^on}}\r\n{{/on}}\r\nbottom", {"on": False}, "top\r\nbottom"),
    ("Standalone Without Previous Line", "  {{^on}}\n>{{/on}}\n<", {"on": False}, ">\n<"),
    ("Standalone Without Newline", ">{{^on}}\n<\n  {{/on}}", {"on": False}, ">\n<\n"),
    ("Padding", ">{{^  on }}~{{/\ton }}<", {"on": False}, ">~<"),
]

PARTIALS = [
    ("Basic Behavior", "<{{>p}}>", {}, "<from a file>", {"p": "from a file"}),
    ("Context", "<{{>p}}>", {"x": "~"}, "<-~->", {"p": "-{{x}}-"}),
    ("Nested", "{{>outer}}", {"a": "1", "b": "2"}, "(1 [2])", {"outer": "({{a}} {{>inner}})", "inner": "[{{b}}]"}),
    ("Surrounding Whitespace", "> {{>p}} <", {}, "> \t:\t <", {"p": "\t:\t"}),
    ("Inline Indentation", "  {{x}}  {{> p}}\n", {"x": "~"}, "  ~  a\nb\n", {"p": "a\nb"}),
    ("Standalone Line Endings", "top\r\n{{>p}}\r\nbottom", {}, "top\r\n:bottom", {"p": ":"}),
    ("Standalone Without Previous Line", "  {{>p}}\nbottom", {}, "  a\n  bbottom", {"p": "a\nb"}),
    ("Standalone Without Newline", "top\n  {{>p}}", {}, "top\n  a\n  b", {"p": "a\nb"}),
    (
        "Standalone Indentation",
        "top\n   {{>p}}\nbottom\n",
        {"x": "1\n2"},
        "top\n   a\n   1\n2 and 1\n2\n   b\nbottom\n",
        {"p": "a\n{{{x}}} and {{x}}\nb\n"},
    ),
    ("Padding Whitespace", "<{{>  p\t}}>", {}, "<[]>", {"p": "[]"}),
]

SECTIONS = [
    ("Truthy", "<{{#on}}lit{{/on}}>", {"on": True}, "<lit>"),
    ("Falsey", "<{{#on}}lit{{/on}}>", {"on": False}, "<>"),
    ("Null is falsey", "<{{#on}}lit{{/on}}>", {"on": None}, "<>"),
    ("Context", "{{#ship}}Ahoy {{name}}{{/ship}}", {"ship": {"name": "Ada"}}, "Ahoy Ada"),
    (
        "Parent contexts",
        "{{#ship}}{{sea}} {{name}} {{port.name}}{{/ship}}",
        {"sea": "North", "name": "not this", "ship": {"name": "Ada"}, "port": {"name": "Hull"}},
        "North Ada Hull",
    ),
    ("Variable test", "{{#mate}}{{.}}, or {{mate}}{{/mate}}", {"mate": "Bo"}, "Bo, or Bo"),
    (
        "List Contexts",
        "{{#decks}}{{#rooms}}{{sign.low}}{{no}}:{{#beds}}{{sign.high}}{{no}}{{side}} {{/beds}}{{/rooms}}{{/decks}}",
        {"decks": [{"sign": {"high": "D", "low": "d"}, "rooms": [{"no": 4, "beds": [{"side": "l"}, {"side": "r"}]}]}]},
        "d4:D4l D4r ",
    ),
    (
        "Deeply Nested Contexts",
        "{{#one}}\n{{n}}\n{{#two}}\n{{n}}{{m}}\n{{#three}}\n{{n}}{{m}}{{k}}\n{{#four}}\n{{n}}{{m}}{{k}}{{j}}\n"
        "{{#five}}\n{{n}}{{m}}{{k}}{{j}}{{five}}{{.}}\n{{/five}}\n{{j}}\n{{/four}}\n{{k}}\n{{/three}}\n{{m}}\n{{/two}}\n"
        "{{n}}\n{{/one}}\n",
        STACK,
        "1\n12\n123\n1234\n123455\n4\n3\n2\n1\n",
    ),
    ("List", "<{{#crew}}{{name}}{{/crew}}>", {"crew": [{"name": "A"}, {"name": "B"}, {"name": "C"}]}, "<ABC>"),
    ("Empty List", "<{{#crew}}anyone{{/crew}}>", {"crew": []}, "<>"),
    ("Doubled", "{{#on}}\n1\n{{/on}}\n{{n}}\n{{#on}}\n3\n{{/on}}\n", {"on": True, "n": 2}, "1\n2\n3\n"),
    ("Nested (Truthy)", "a{{#on}}b{{#on}}c{{/on}}d{{/on}}e", {"on": True}, "abcde"),
    ("Nested (Falsey)", "a{{#on}}b{{#on}}c{{/on}}d{{/on}}e", {"on": False}, "ae"),
    ("Implicit Iterator - String", "{{#all}}<{{.}}>{{/all}}", {"all": ["x", "y"]}, "<x><y>"),
    ("Implicit Iterator - Integer", "{{#all}}<{{.}}>{{/all}}", {"all": [85, 0, -1]}, "<85><0><-1>"),
    ("Implicit Iterator - Decimal", "{{#all}}<{{.}}>{{/all}}", {"all": [1.10, 2.25]}, "<1.1><2.25>"),
    ("Implicit Iterator - Array", "{{#all}}<{{#.}}{{.}}{{/.}}>{{/all}}", {"all": [[1, 2], ["x"], []]}, "<12><x><>"),
    ("Implicit Iterator - Triple mustache", "{{#all}}{{{.}}};{{/all}}", {"all": ["<", "&"]}, "<;&;"),
    ("Implicit Iterator - Ampersand", "{{#all}}{{&.}};{{/all}}", {"all": ["<", "&"]}, "<;&;"),
    ("Dotted Names - Truthy", "<{{#a.b.c}}yes{{/a.b.c}}>", {"a": {"b": {"c": True}}}, "<yes>"),
    ("Dotted Names - Falsey", "<{{#a.b.c}}yes{{/a.b.c}}>", {"a": {"b": {"c": False}}}, "<>"),
    ("Dotted Names - Broken Chains", "<{{#a.b.c}}yes{{/a.b.c}}>", {"a": {}}, "<>"),
    ("Surrounding Whitespace", " > {{#on}}\t:\t{{/on}} < \n", {"on": True}, " > \t:\t < \n"),
    ("Internal Whitespace", " > {{#on}} {{! gone }}\n {{/on}} < \n", {"on": True}, " >  \n  < \n"),
    ("Indented Inline Sections", " {{#on}}a{{/on}}\n {{#on}}b{{/on}}\n", {"on": True}, " a\n b\n"),
    ("Standalone Lines", "top\n{{#on}}\nmiddle\n{{/on}}\nbottom\n", {"on": True}, "top\nmiddle\nbottom\n"),
    (
        "Indented Standalone Lines",
        "top\n  {{#on}}\nmiddle\n  {{/on}}\nbottom\n",
        {"on": True},
        "top\nmiddle\nbottom\n",
    ),
    ("Standalone Line Endings", "top\r\n{{#on}}\r\n{{/on}}\r\nbottom", {"on": True}, "top\r\nbottom"),
    ("Standalone Without Previous Line", "  {{#on}}\n>{{/on}}\n<", {"on": True}, ">\n<"),
    ("Standalone Without Newline", ">{{#on}}\n<\n  {{/on}}", {"on": True}, ">\n<\n"),
    ("Padding", ">{{#  on }}~{{/\ton }}<", {"on": True}, ">~<"),
]

FOLLOWED = {
    "comments": COMMENTS,
    "delimiters": DELIMITERS,
    "interpolation": INTERPOLATION,
    "inverted": INVERTED,
    "partials": PARTIALS,
    "sections": SECTIONS,
}

RAW = '<b> & "it\'s"'
OUTSIDE = "'.' outside a section, where there is no item"

DIFFERENT: list[tuple[str, str, str, dict[str, Any], str]] = [
    # No HTML escaping: a prompt is no web page.
    ("interpolation", "HTML Escaping", "{{code}}", {"code": RAW}, RAW),
    ("sections", "Implicit Iterator - HTML Escaping", "{{#all}}{{.}}{{/all}}", {"all": [RAW]}, RAW),
    # The names of the template are the variables of the prompt, which a caller must give.
    ("interpolation", "Basic Context Miss Interpolation", "{{x}}", {}, "missing variable: x"),
    ("interpolation", "Triple Mustache Context Miss Interpolation", "{{{x}}}", {}, "missing variable: x"),
    ("interpolation", "Ampersand Context Miss Interpolation", "{{&x}}", {}, "missing variable: x"),
    ("interpolation", "Dotted Names are never single keys", "{{a.b}}", {"a.b": "x"}, "missing variable: a"),
    ("sections", "Context Misses", "{{#on}}lit{{/on}}", {}, "missing variable: on"),
    ("inverted", "Context Misses", "{{^on}}dark{{/on}}", {}, "missing variable: on"),
    # Outside of sections what lacks a value is an error.
    ("interpolation", "Dotted Names - Broken Chains", "{{a.b.c}}", {"a": {}}, "'a.b.c' has no value: 'a' is empty"),
    (
        "interpolation",
        "Dotted Names - Broken Chain Resolution",
        "{{a.b.c.name}}",
        {"a": {"b": {}}, "c": {"name": "not this"}},
        "'a.b.c.name' has no value: 'a.b' is empty",
    ),
    # The values of a prompt are named: there is no value that is all of them.
    ("interpolation", "Implicit Iterators - Basic Interpolation", "{{.}}", {}, OUTSIDE),
    ("interpolation", "Implicit Iterators - HTML Escaping", "{{ . }}", {}, OUTSIDE),
    ("interpolation", "Implicit Iterators - Triple Mustache", "{{{.}}}", {}, OUTSIDE),
    ("interpolation", "Implicit Iterators - Ampersand", "{{&.}}", {}, OUTSIDE),
    ("interpolation", "Implicit Iterators - Basic Integer Interpolation", "{{.}} knots", {}, OUTSIDE),
    ("sections", "Implicit Iterator - Root-level", "{{#.}}{{x}}{{/.}}", {}, OUTSIDE),
    # A version is frozen with all its fragments.
    ("partials", "Failed Lookup", "{{> nope}}", {}, "the partial 'nope' does not exist"),
    (
        "partials",
        "Recursion",
        "{{> node}}",
        {"x": "1", "nodes": [{"x": "2", "nodes": []}]},
        "fragments include one another: node -> node, in line 1 of the fragment node",
    ),
]

NODE = {"node": "{{x}}<{{#nodes}}{{> node}}{{/nodes}}>"}


@pytest.mark.parametrize(
    ("template", "values", "text", "fragments"),
    [
        pytest.param(template, values, text, *(rest or ({},)), id=f"{module}: {rule}")
        for module, cases in FOLLOWED.items()
        for rule, template, values, text, *rest in cases
    ],
)
def test_rule(template: str, values: dict[str, Any], text: str, fragments: dict[str, str]):
    assert render(template, values, fragments) == text


@pytest.mark.parametrize(
    ("template", "values", "outcome"),
    [pytest.param(*case, id=f"{module}: {rule}") for module, rule, *case in DIFFERENT],
)
def test_a_rule_that_prompts_do_not_follow(template: str, values: dict[str, Any], outcome: str):
    try:
        found = render(template, values, NODE)
    except RenderError as error:
        found = error.message
    assert found == outcome


def test_every_rule_of_the_core_modules_has_a_case():
    rules = [(module, rule) for module, cases in FOLLOWED.items() for rule, *_ in cases]
    rules += [(module, rule) for module, rule, *_ in DIFFERENT]
    assert len(set(rules)) == len(rules)
    assert {module: sum(name == module for name, _ in rules) for module in MODULES} == MODULES


@pytest.mark.parametrize(
    ("template", "text"),
    [
        pytest.param("<{{x}}>", "<>", id="interpolation"),
        pytest.param("<{{{x}}}>", "<>", id="triple"),
        pytest.param("<{{&x}}>", "<>", id="ampersand"),
        pytest.param("<{{x.y.z}}>", "<>", id="something in it"),
        pytest.param("<{{#x}}a{{/x}}>", "<>", id="section"),
        pytest.param("<{{^x}}a{{/x}}>", "<a>", id="inverted section"),
        pytest.param("<{{#x.y}}a{{/x.y}}{{^x.y}}b{{/x.y}}>", "<b>", id="sections on something in it"),
    ],
)
def test_an_optional_variable_that_is_not_given_is_missing_as_in_the_specification(template: str, text: str):
    assert render(template, {}, optional=("x",)) == text


# The optional modules


@pytest.mark.parametrize(
    ("template", "message"),
    [
        pytest.param("a\n{{> *kind}}", "a partial whose name is computed: '*kind'", id="dynamic names"),
        pytest.param("a\n{{>*kind.of.it}}", "a partial whose name is computed: '*kind.of.it'", id="dotted"),
        pytest.param("a\n{{<base}}{{/base}}", "'{{<base}}' is inheritance, which is not supported", id="parent"),
        pytest.param("a\n{{$title}}x{{/title}}", "'{{$title}}' is inheritance, which is not supported", id="block"),
    ],
)
def test_dynamic_names_and_inheritance_are_refused(template: str, message: str):
    with pytest.raises(TemplateError) as caught:
        render(template, {"kind": "node"}, NODE)
    assert (caught.value.message, caught.value.line, caught.value.column) == (message, 2, 1)
    assert caught.value.hint is not None


@pytest.mark.parametrize("template", ["<{{f}}>", "<{{#f}}body{{/f}}>", "<{{^f}}body{{/f}}>", "<{{#o}}{{f}}{{/o}}>"])
def test_lambdas_are_values_and_are_not_called(template: str):
    called = []
    render(template, {"f": called.append, "o": {"f": called.append}})
    assert called == []
