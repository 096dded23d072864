"""Format `jinja2`: the language, what the sandbox refuses, and where errors are."""

from datetime import date
from typing import Any

import pytest

from promptdb.errors import IncludeError, TemplateError
from promptdb.render.jinja.engine import compile_template, include_names
from promptdb.render.jinja.sandbox import MAX_PRODUCT

ITEMS = {"items": [{"name": "a", "price": 1.5}, {"name": "b", "price": 2}]}


def render(template: str, values: dict[str, Any], includes: dict[str, str] | None = None) -> str:
    return compile_template(template, includes or {}).render(values)


@pytest.mark.parametrize(
    ("template", "values", "text"),
    [
        pytest.param("Hi {{ name }}!", {"name": "Ann"}, "Hi Ann!", id="a name"),
        pytest.param("{{ a.b }}{{ a['b'] }}{{ c[1] }}", {"a": {"b": 1}, "c": [2, 3]}, "113", id="inside a value"),
        pytest.param("{% if a %}yes{% else %}no{% endif %}", {"a": False}, "no", id="condition"),
        pytest.param(
            "{% for i in items %}{{ loop.index }}:{{ i.name }} {% else %}none{% endfor %}", ITEMS, "1:a 2:b ", id="loop"
        ),
        pytest.param("{% for i in items %}x{% else %}none{% endfor %}", {"items": []}, "none", id="empty loop"),
        pytest.param("{% set n = a + 1 %}{{ n }}", {"a": 1}, "2", id="set"),
        pytest.param("{% set ns = namespace(n=0) %}{% set ns.n = 2 %}{{ ns.n }}", {}, "2", id="namespace"),
        pytest.param("{% macro f(x) %}<{{ x }}>{% endmacro %}{{ f(1) }}{{ f(2) }}", {}, "<1><2>", id="macro"),
        pytest.param("{{ items | map(attribute='name') | join(', ') }}", ITEMS, "a, b", id="filters"),
        pytest.param("{{ a | upper }}{{ a | default('z') }}", {"a": "x"}, "Xx", id="more filters"),
        pytest.param("{{ a | tojson }}", {"a": {"b": "é"}}, '{"b": "\\u00e9"}', id="tojson"),
        pytest.param("{{ a is string }}{{ a is defined }}", {"a": "x"}, "TrueTrue", id="tests"),
        pytest.param(
            "{{ a.upper() }}{{ b.items() | list }}", {"a": "x", "b": {"c": 1}}, "X[('c', 1)]", id="methods of data"
        ),
        pytest.param("{{ '{:.2f}'.format(a) }}{{ '%.1f' % a }}", {"a": 1.25}, "1.251.2", id="formatting of text"),
        pytest.param("{{ range(3) | list }}{{ dict(a=1) }}", {}, "[0, 1, 2]{'a': 1}", id="globals"),
        pytest.param("{{ a * 3 }}{{ 2 ** 10 }}", {"a": "x"}, "xxx1024", id="small products"),
        pytest.param("{% raw %}{{ a }}{% endraw %}", {}, "{{ a }}", id="raw"),
        pytest.param("a{# b #}c", {}, "ac", id="comment"),
        pytest.param("a  {%- if true -%}  b  {%- endif -%}  c", {}, "abc", id="white space control"),
        pytest.param("<{{ a }}>", {"a": '<b> & "c"'}, '<<b> & "c">', id="no HTML escaping"),
        pytest.param("a\n", {}, "a", id="one line break at the end is dropped, as everywhere in jinja2"),
        pytest.param("{{ a }}", {"a": None}, "None", id="null"),
    ],
)
def test_renders(template: str, values: dict[str, Any], text: str):
    assert render(template, values) == text


@pytest.mark.parametrize(
    ("template", "names"),
    [
        pytest.param("{{ b }}{{ a }}{{ b }}", ("b", "a"), id="in order of first use"),
        pytest.param("{% if a %}{{ b }}{% endif %}", ("a", "b"), id="in conditions"),
        pytest.param("{{ a.b.c }}{{ d[e] }}", ("a", "d", "e"), id="the outermost name"),
        pytest.param("{% for i in items %}{{ i }}{{ loop.index }}{% endfor %}", ("items",), id="not those of a loop"),
        pytest.param("{% set n = a %}{{ n }}", ("a",), id="not those that are set"),
        pytest.param("{% macro f(x) %}{{ x }}{{ y }}{% endmacro %}", ("y",), id="not those of a macro"),
        pytest.param("{{ range(a) }}{% set ns = namespace(b=1) %}", ("a",), id="not the globals"),
        pytest.param("{{ a | default('x') }}{{ b is defined }}", ("a", "b"), id="those with a default too"),
        pytest.param("{# {{ a }} #}{% raw %}{{ b }}{% endraw %}", (), id="not those in comments"),
    ],
)
def test_variables(template: str, names: tuple[str, ...]):
    assert compile_template(template, {}).variables == names


@pytest.mark.parametrize("name", ["range", "dict", "namespace", "cycler", "joiner"])
def test_a_variable_may_have_the_name_of_a_global(name: str):
    compiled = compile_template(f"{{{{ {name} }}}}", {})
    assert compiled.variables == (name,)
    assert compiled.render({name: "v"}) == "v"


@pytest.mark.parametrize(
    ("template", "line", "fragment"),
    [
        pytest.param("{{ a", 1, "unexpected end of template", id="unclosed expression"),
        pytest.param("a\n{% if %}", 2, "Expected an expression", id="no condition"),
        pytest.param("a\n\n{% endfor %}", 3, "unknown tag 'endfor'", id="end of nothing"),
        pytest.param(
            "a\n{% if b %}\n{% if c %}\n{% endif %}\nd\n", 2, "the block 'if' is not closed", id="the outer one"
        ),
        pytest.param("{% set a = 1 %}\n{% set b %}\nc", 2, "the block 'set' is not closed", id="a set block"),
        pytest.param(
            "{% raw %}{% if %}{% endraw %}\n{%- if b -%}\nc", 2, "the block 'if' is not closed", id="after raw"
        ),
        pytest.param("{% for a in b %}\n", 1, "the block 'for' is not closed", id="unclosed loop"),
        pytest.param("{{ a b }}", 1, "expected token 'end of print statement'", id="two names"),
        pytest.param("a\n{% unknown %}", 2, "unknown tag 'unknown'", id="unknown tag"),
        pytest.param("{% do a.append(1) %}", 1, "unknown tag 'do'", id="extensions are off"),
        pytest.param("a\n{{ b | nosuch }}", 2, "nosuch", id="unknown filter"),
        pytest.param("a\n{{ b is nosuch }}", 2, "nosuch", id="unknown test"),
        pytest.param("{% if false %}\n{{ b | nosuch }}{% endif %}", 2, "nosuch", id="unknown filter in a branch"),
        pytest.param("{{ b | random }}", 1, "random", id="the filter random: renders would differ"),
        pytest.param("{{ 'a' + }}", 1, "unexpected", id="half an expression"),
        pytest.param("{{ a $ b }}", 1, "unexpected char '$'", id="unknown character"),
    ],
)
def test_refuses_with_the_line(template: str, line: int, fragment: str):
    with pytest.raises(TemplateError) as caught:
        compile_template(template, {})
    assert caught.value.line == line
    assert fragment in caught.value.message
    assert "introspection" not in caught.value.message


@pytest.mark.parametrize(
    "template",
    [
        pytest.param("{% for i in x %}" * 25 + "{% endfor %}" * 25, id="25 loops in one another"),
        pytest.param("{% if x %}" * 120 + "{% endif %}" * 120, id="120 conditions in one another"),
        pytest.param("{{ x" + ".a" * 3000 + " }}", id="3,000 attributes"),
        pytest.param("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", id="5,000 parentheses"),
        pytest.param("{{ " + "[" * 5000 + "]" * 5000 + " }}", id="5,000 lists"),
        pytest.param("{% if x %}" * 5000 + "{% endif %}" * 5000, id="5,000 conditions"),
    ],
)
def test_what_python_cannot_compile_is_a_template_error(template: str):
    with pytest.raises((TemplateError, SyntaxError, RecursionError)) as caught:
        compile_template(template, {})
    assert type(caught.value) is TemplateError
    assert len(caught.value.message) < 200


class Account:
    """An object of the application that a caller passes in."""

    def __init__(self) -> None:
        self.owner = "Ann"
        self.closed = False

    def close(self) -> str:
        self.closed = True
        return "closed"

    def __call__(self) -> str:
        self.closed = True
        return "called"

    @classmethod
    def close_all(cls) -> str:
        return "all closed"


class LoudText(str):
    """Text with a method of the application."""

    def shout(self) -> str:
        return "shouted"


@pytest.mark.parametrize(
    "template",
    [
        pytest.param("{{ account.close() }}", id="method"),
        pytest.param("{{ account() }}", id="object"),
        pytest.param("{{ account.close_all() }}", id="class method"),
        pytest.param("{{ cls() }}", id="class"),
        pytest.param("{{ function('x') }}", id="function"),
        pytest.param("{{ loud.shout() }}", id="method of a subclass of text"),
        pytest.param("{{ [1] | map(function) | list }}", id="function as a filter"),
        pytest.param(
            "{{ account.close | string }}{{ [account] | map(attribute='close') | first() }}{{ account.close() }}",
            id="later",
        ),
        pytest.param("{% call account() %}{% endcall %}", id="call block"),
        pytest.param("{% call function() %}{% endcall %}", id="call block of a function"),
    ],
)
def test_a_template_does_not_call_the_application(template: str):
    account = Account()
    values = {"account": account, "cls": Account, "function": lambda *_: account.close(), "loud": LoudText("x")}
    with pytest.raises(TemplateError):
        render(template, values)
    assert account.closed is False


def test_attributes_of_objects_can_be_read():
    assert render("{{ account.owner }}", {"account": Account()}) == "Ann"


@pytest.mark.parametrize(
    "template",
    [
        pytest.param("{{ x.__class__ }}", id="dunder"),
        pytest.param("{{ x['__class__'] }}", id="dunder as a key"),
        pytest.param("{{ x | attr('__class__') }}", id="dunder by the filter attr"),
        pytest.param("{{ ''.__class__.__mro__[1].__subclasses__() }}", id="all classes"),
        pytest.param("{{ [x] | map(attribute='__class__') | join }}", id="dunder by the filter map"),
        pytest.param("{{ ([x] | groupby('__class__') | first).grouper }}", id="dunder by the filter groupby"),
        pytest.param("{{ '{0.__class__}'.format(x) }}", id="dunder by format"),
        pytest.param("{{ '{a.__class__}'.format_map({'a': x}) }}", id="dunder by format_map"),
        pytest.param("{% set f = '{0.__class__}'.format %}{{ f(x) }}", id="format kept in a name"),
        pytest.param("{{ function.__globals__ }}", id="globals of a function"),
        pytest.param("{{ self.__init__.__globals__ }}", id="globals through self"),
        pytest.param("{{ cycler.__init__.__globals__.os }}", id="globals through a global"),
        pytest.param("{{ joiner.__init__ }}", id="init of a global"),
        pytest.param("{% macro m() %}{% endmacro %}{{ m.__globals__ }}", id="globals through a macro"),
        pytest.param("{{ account._secret }}", id="private attribute"),
    ],
)
def test_the_sandbox_refuses_to_reach_into_python(template: str):
    account = Account()
    account._secret = "s3cret"  # type: ignore[attr-defined]
    with pytest.raises(TemplateError, match=r"the sandbox refused|is unsafe|has no attribute|is undefined"):
        render(template, {"x": "v", "function": render, "account": account})


@pytest.mark.parametrize(
    ("template", "given"),
    [
        pytest.param("{{ x.append(2) }}", [1], id="list"),
        pytest.param("{{ x.update(a=2) }}", {"a": 1}, id="dict"),
        pytest.param("{{ x.clear() }}", {"a": 1}, id="clear"),
        pytest.param("{{ x.pop() }}", [1], id="pop"),
        pytest.param("{{ x.add(2) }}", {1}, id="set"),
    ],
)
def test_a_template_does_not_change_its_values(template: str, given: Any):
    before = repr(given)
    with pytest.raises(TemplateError, match="the sandbox refused"):
        render(template, {"x": given})
    assert repr(given) == before


@pytest.mark.parametrize(
    "template",
    [
        pytest.param("{{ 'a' * 1000001 }}", id="text"),
        pytest.param("{{ 1000001 * 'a' }}", id="text from the right"),
        pytest.param("{{ ('a' * 1000) * 1001 }}", id="in two steps"),
        pytest.param("{{ [0] * 1000001 }}", id="list"),
        pytest.param("{{ (0, 1) * 500001 }}", id="tuple"),
        pytest.param("{{ x * n }}", id="values of the caller"),
        pytest.param("{{ 'a'.encode() * 1000001 }}", id="bytes"),
    ],
)
def test_a_product_that_fills_the_memory_is_refused(template: str):
    with pytest.raises(TemplateError, match="the sandbox refused"):
        render(template, {"x": "ab", "n": 500_001})


@pytest.mark.parametrize(
    "template",
    [
        pytest.param("{{ 2 ** 5000 }}", id="power"),
        pytest.param("{{ 10 ** (10 ** 10) }}", id="tower of powers"),
        pytest.param("{{ n ** n }}", id="power of the caller's values"),
        pytest.param("{% set x = 3 ** 1000 %}{{ x * x * x }}", id="product"),
        pytest.param("{% for i in range(99999) %}{% set x = 3 ** 500000 %}{% endfor %}", id="again and again"),
    ],
)
def test_a_number_that_is_too_long_is_refused(template: str):
    with pytest.raises(TemplateError, match="a whole number of more than 4,096 bits"):
        render(template, {"x": "ab", "n": 500_001})


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("1" * 100_001, "a number has too many digits"),
        ("9" * 2000, "a whole number of more than 4,096 bits"),
        ("0x" + "f" * 2000, "a whole number of more than 4,096 bits"),
        ("1_" * 5000 + "1", "a number has too many digits"),
    ],
)
def test_a_literal_number_that_is_too_long_is_an_error_at_its_line(number: str, message: str):
    with pytest.raises(TemplateError, match=message) as caught:
        compile_template(f"a\n{{{{ b }}}}\n{{{{ {number} }}}}\n", {})
    assert caught.value.line == 3


def test_a_long_text_is_not_converted_to_a_number():
    with pytest.raises(TemplateError, match="a number of more than 300 digits"):
        render("{{ (x * 500) | int }}", {"x": "12"})


@pytest.mark.parametrize(
    "expression",
    ["a" + " | e" * 150, "not " * 150 + "a", "-" * 150 + "a", "a" + ".a" * 150, "a" + " + a" * 150],
    ids=["filters", "not", "minus", "attributes", "sums"],
)
@pytest.mark.slow
def test_a_deep_expression_is_compiled_soon(expression: str):
    # jinja2's optimizer needs minutes for these.
    template = "".join(f"{{{{ {expression} }}}}" for _ in range(20))
    assert compile_template(template, {}).variables == ("a",)


def test_the_largest_product():
    assert len(render("{{ 'a' * n }}", {"n": MAX_PRODUCT})) == MAX_PRODUCT


@pytest.mark.parametrize(
    ("template", "fragment"),
    [
        pytest.param("{{ 1 / 0 }}", "division by zero", id="division"),
        pytest.param("{{ x + 1 }}", "can only concatenate str", id="text and number"),
        pytest.param("{{ x.nosuch }}", "has no attribute 'nosuch'", id="unknown attribute"),
        pytest.param("{{ d.nosuch }}", "has no attribute 'nosuch'", id="unknown key"),
        pytest.param("{{ l[5] }}", "has no element 5", id="beyond a list"),
        pytest.param("{{ absent.inner }}", "'absent' is undefined", id="inside an absent value"),
        pytest.param("{{ x | round }}", "only a number can be rounded", id="a filter fails"),
        pytest.param("{{ range(1000000) | list }}", "Range too big", id="a long range"),
        pytest.param("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "calls itself endlessly", id="endless macro"),
        pytest.param("{{ n }}", "digits", id="a number of more digits than Python prints"),
        pytest.param("{{ lipsum() }}", "'lipsum' is undefined", id="random text"),
    ],
)
def test_a_failing_render_is_a_template_error(template: str, fragment: str):
    with pytest.raises(TemplateError) as caught:
        render(template, {"x": "text", "d": {}, "l": [1], "n": 10**5000})
    assert fragment in caught.value.message


@pytest.mark.parametrize(
    ("template", "text"),
    [
        pytest.param("<{{ a }}>", "<>", id="empty"),
        pytest.param("{% if a %}yes{% else %}no{% endif %}", "no", id="false"),
        pytest.param("{{ a | default('z') }}", "z", id="its default"),
        pytest.param("{{ a is defined }}", "False", id="not defined"),
        pytest.param("{% for i in a %}x{% else %}none{% endfor %}", "none", id="no items"),
    ],
)
def test_an_optional_variable_without_a_value(template: str, text: str):
    assert render(template, {}) == text


FRAGMENTS = {
    "_a.md": "A({{ x }}){% include '_b.md' %}",
    "_b.md": "B({{ y }})",
    "_m.md": "{% macro hi(name) %}Hi {{ name }}{% endmacro %}",
    "_base.md": "<{% block body %}{% endblock %}>",
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        pytest.param("{% include '_b.md' %}", "B(2)", id="include"),
        pytest.param("{% include '_a.md' %}", "A(1)B(2)", id="include in an include"),
        pytest.param("{% import '_m.md' as m %}{{ m.hi(x) }}", "Hi 1", id="import"),
        pytest.param("{% from '_m.md' import hi %}{{ hi(x) }}", "Hi 1", id="import by name"),
        pytest.param("{% extends '_base.md' %}{% block body %}{{ x }}{% endblock %}", "<1>", id="extends"),
        pytest.param("{% include '_b.md' %}{% include '_b.md' %}", "B(2)B(2)", id="twice"),
    ],
)
def test_fragments(template: str, text: str):
    assert render(template, {"x": 1, "y": 2}, FRAGMENTS) == text


def test_variables_of_fragments_are_needed_too():
    assert compile_template("{% include '_a.md' %}", FRAGMENTS).variables[:2] == ("x", "y")


@pytest.mark.parametrize(
    ("template", "names"),
    [
        pytest.param("{% for x in xs %}{% include '_x.md' %}{% endfor %}", ("xs",), id="set by a loop"),
        pytest.param("{% set x = xs %}{% include '_x.md' %}", ("xs",), id="set before"),
        pytest.param("{% with x = xs %}{% include '_x.md' %}{% endwith %}", ("xs",), id="set by with"),
    ],
)
def test_what_the_including_template_sets_is_not_needed_from_the_caller(template: str, names: tuple[str, ...]):
    assert compile_template(template, {"_x.md": "{{ x }}"}).variables == names


def test_a_fragment_that_does_not_parse():
    with pytest.raises(TemplateError, match="Expected an expression"):
        compile_template("{% include '_x.md' %}", {"_x.md": "a\n{% if %}"})


@pytest.mark.parametrize(
    ("template", "names"),
    [
        pytest.param("no", (), id="none"),
        pytest.param(
            '{% include "_b.md" %}{% include "_a.md" %}{% include "_b.md" %}', ("_b.md", "_a.md"), id="in order, once"
        ),
        pytest.param('{% if x %}{% include "_a.md" %}{% endif %}', ("_a.md",), id="in a branch"),
        pytest.param(
            '{% import "_a.md" as a %}{% from "_b.md" import b %}{% extends "_c.md" %}',
            ("_a.md", "_b.md", "_c.md"),
            id="imports",
        ),
    ],
)
def test_include_names(template: str, names: tuple[str, ...]):
    assert sorted(include_names(template)) == sorted(names)
    assert include_names(template)[:1] in (names[:1], ("_c.md",))


@pytest.mark.parametrize(
    "template",
    [
        pytest.param("a\n{% include name %}", id="a variable"),
        pytest.param("a\n{% include '_' ~ name %}", id="put together"),
        pytest.param("a\n{% import name as m %}", id="import"),
        pytest.param("a\n{% from name import m %}", id="import by name"),
        pytest.param("a\n{% extends name %}", id="extends"),
        pytest.param("a\n{% include ['_a.md', name] %}", id="one of a list"),
        pytest.param("a\n{% if x %}{% include name if y else '_a.md' %}{% endif %}", id="a condition"),
    ],
)
def test_a_computed_name_is_refused(template: str):
    with pytest.raises(IncludeError, match="an include whose name is computed") as caught:
        include_names(template)
    assert caught.value.line == 2
    assert caught.value.hint is not None
    assert '{% include "_shared/tone.md" %}' in caught.value.hint


def test_dates_have_their_methods():
    assert render("{{ d.strftime('%Y') }} {{ d.year }}", {"d": date(2026, 4, 1)}) == "2026 2026"


def test_nothing_of_a_render_is_left_for_the_next():
    fragments = {
        "m": "{% set kept = namespace(v='') %}{% macro keep(x) %}{{ kept.v }}{% set kept.v = x %}{% endmacro %}"
    }
    template = compile_template("{% import 'm' as m %}{{ m.keep(secret) }}", fragments)
    assert [template.render({"secret": secret}) for secret in ("one", "two")] == ["", ""]
