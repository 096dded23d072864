"""What one render may use: where the limits are, what counts, and that each render has its own."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from promptdb.errors import TemplateError
from promptdb.render.jinja.budget import MAX_DEPTH, MAX_STEPS
from promptdb.render.jinja.engine import compile_template

STEPS = "takes more than 1,000,000 loop steps and calls"
CHARACTERS = "makes more than 100,000,000 characters"
FIFTY = "line of text " * 3_846_153  # as good as 50 million characters
CHUNKS = ["x" * 1_000_000] * 100


def render(template: str, values: dict[str, Any], includes: dict[str, str] | None = None) -> str:
    return compile_template(template, includes or {}).render(values)


@pytest.mark.parametrize(
    ("template", "over"),
    [
        pytest.param("{% for x in xs %}{% endfor %}", 0, id="a loop"),
        pytest.param("{% for x in xs %}{% endfor %}{{ range(1) and '' }}", 1, id="a call"),
        pytest.param("{% for x in xs %}{% endfor %}{{ 'a'.strip('a') }}", 1, id="a method"),
        pytest.param("{% macro m() %}{% endmacro %}{% for x in xs %}{% endfor %}{{ m() }}", 1, id="a macro"),
        pytest.param("{% for x in xs %}{% endfor %}{% include 'f' %}", 25, id="a fragment"),
        pytest.param("{% for x in xs %}{% endfor %}{% import 'f' as f %}", 25, id="an import"),
        pytest.param("{% for x in xs %}{% endfor %}{% for x in [1] %}{% endfor %}", 1, id="another loop"),
    ],
)
@pytest.mark.slow
def test_the_number_of_steps(template: str, over: int):
    includes = {"f": ""}
    assert render(template, {"xs": [0] * (MAX_STEPS - over)}, includes) == ""
    with pytest.raises(TemplateError, match=STEPS) as caught:
        render(template, {"xs": [0] * (MAX_STEPS - over + 1)}, includes)
    assert caught.value.hint == "loop over fewer items"


@pytest.mark.slow
def test_items_whose_number_is_not_known_count_one_by_one():
    template = compile_template("{% for x in xs %}{% endfor %}done", {})
    assert template.render({"xs": iter(range(MAX_STEPS))}) == "done"
    with pytest.raises(TemplateError, match=STEPS):
        template.render({"xs": iter(range(MAX_STEPS + 1))})


@pytest.mark.slow
def test_a_body_of_many_nodes_costs_more_than_one_step():
    body = "{{ x }}" * 1_000
    render("{% for x in xs %}" + body + "{% endfor %}", {"xs": [""] * 1_000})
    with pytest.raises(TemplateError, match=STEPS):
        render("{% for x in xs %}" + body + "{% endfor %}", {"xs": [""] * 60_000})


def test_as_many_characters_as_are_allowed():
    assert len(render("{% for x in xs %}{{ x }}{% endfor %}", {"xs": CHUNKS})) == 100_000_000


@pytest.mark.parametrize(
    "template",
    [
        pytest.param("{% for x in xs %}{{ x }}{% endfor %}.", id="written"),
        pytest.param("{{ xs | join('.') }}", id="joined"),
        pytest.param("{% set t %}{% for x in xs %}{{ x }}{% endfor %}.{% endset %}", id="captured"),
        pytest.param("{% macro m() %}{% for x in xs %}{{ x }}{% endfor %}.{% endmacro %}{{ m() }}", id="macro"),
    ],
)
def test_one_character_too_many(template: str):
    with pytest.raises(TemplateError, match=CHARACTERS) as caught:
        render(template, {"xs": CHUNKS})
    assert caught.value.hint == "loop over fewer items or make them shorter"


@pytest.mark.parametrize(
    "template",
    [
        pytest.param("<{{ x }}>", id="between text"),
        pytest.param("{{ x | trim }}", id="trimmed"),
        pytest.param("{{ x ~ '!' }}", id="joined"),
        pytest.param("{{ x.strip() }}", id="by a method"),
        pytest.param("{{ '%s' | format(x) }}", id="formatted"),
        pytest.param("{{ 'a {} b'.format(x) }}", id="formatted by the method"),
        pytest.param("{{ 'a %s b' % x }}", id="formatted by %"),
        pytest.param("{{ x | replace('line', 'LINE') }}", id="replaced"),
        pytest.param("{{ {'a': x} | tojson }}", id="as JSON"),
        pytest.param("{% if 'nosuch' in x %}a{% endif %}{{ x }}{{ x | length }}", id="searched"),
        pytest.param("{% set y %}{{ x }}{% endset %}{{ y }}", id="captured"),
        pytest.param("{% macro m(a) %}<{{ a }}>{% endmacro %}{{ m(x) }}", id="through a macro"),
        pytest.param("{% include 'f' %}", id="in a fragment"),
    ],
)
@pytest.mark.slow
def test_a_value_of_fifty_megabytes_renders(template: str):
    assert len(render(template, {"x": FIFTY}, {"f": "{{ x }}"})) >= len(FIFTY.strip())


def test_what_a_template_builds_does_not_nest_without_end():
    nested: list[Any] = []
    for _ in range(MAX_DEPTH + 1):
        nested = [nested]
    with pytest.raises(TemplateError, match="nested deeper than 100"):
        render("{{ [x] }}", {"x": nested})


def test_values_that_contain_themselves_are_written():
    endless: list[Any] = [1]
    endless.append(endless)
    assert render("{{ x }}{{ x ~ '' }}", {"x": endless}) == "[1, [...]][1, [...]]"


@pytest.mark.slow
def test_each_render_has_its_own_budget():
    template = compile_template("{% for x in xs %}{% endfor %}{{ y }}", {})
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda y: template.render({"xs": [0] * 700_000, "y": y}), range(20)))
    assert results == [str(y) for y in range(20)]


def test_a_render_inside_of_a_render_has_its_own_budget():
    inner = compile_template("{% for x in xs %}{% endfor %}in", {})

    class Lazy:
        def __str__(self) -> str:
            return inner.render({"xs": [0] * 700_000})

    assert render("{% for x in xs %}{% endfor %}{{ y }}", {"xs": [0] * 700_000, "y": Lazy()}) == "in"
