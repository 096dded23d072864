"""jinja2 with `undefined: lenient`: what is missing is empty and false, and a name that is only tested is optional."""

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptdb.domain.spec import PromptSpec
from promptdb.errors import MissingVariables, TemplateError
from promptdb.render.compiled import CompiledPrompt
from promptdb.render.formats import engine
from promptdb.render.jinja import lenient
from promptdb.render.langchain.templates import as_template
from promptdb.render.validation import validate_spec

FRAGMENTS = {"_x": "{{ x }}", "_if": "{% if x %}{{ x }}{% endif %}"}


def spec(template: str | None, **fields: Any) -> PromptSpec:
    base = {"kind": "string", "template_format": "jinja2", "undefined": "lenient"}
    return PromptSpec.model_validate({**base, "template": template, **fields})


@pytest.mark.parametrize(
    ("template", "needed", "optional"),
    [
        # written, or asked for
        ("{{ x }}", "x", ""),
        ("{{ x.y }}", "x", ""),
        ("{% if x %}a{% endif %}", "", "x"),
        ("{% if x.y.z %}a{% endif %}", "", "x"),
        ("{% if a %}1{% elif x %}2{% endif %}", "", "a x"),
        ("{{ 'a' if x else 'b' }}", "", "x"),
        ("{{ x is defined }}{{ not y }}{{ z == 'a' }}", "", "x y z"),
        ("{{ x | default('a') }}{{ y.z | d(w) }}", "w", "x y"),
        ("{{ x or 'a' }}{{ y and 'b' }}", "", "x y"),
        ("{% if x %}{% endif %}{{ x }}", "x", ""),
        ("{{ x }}{% if x %}{% endif %}", "x", ""),
        ("{% for a in x %}{% endfor %}{% set b = y %}", "x y", ""),
        # written only where it has a value
        ("{% if x %}{{ x }}{% endif %}", "", "x"),
        ("{% if x.y %}{{ x.y }}{{ x.z }}{% endif %}", "", "x"),
        ("{% if x is defined and y %}{{ x }}{{ y }}{% endif %}", "", "x y"),
        ("{% if x or y %}{{ x }}{% endif %}", "x", "y"),
        ("{% if not x %}a{% else %}{{ x }}{% endif %}", "", "x"),
        ("{% if not x %}{{ x }}{% endif %}", "x", ""),
        ("{% if not (x and y) %}a{% else %}{{ x }}{{ y }}{% endif %}", "", "x y"),
        ("{% if x is not defined or not y %}a{% else %}{{ x }}{{ y }}{% endif %}", "", "x y"),
        ("{% if x is undefined %}a{% else %}{{ x }}{% endif %}", "", "x"),
        ("{% if not x %}{% set x = 1 %}{% endif %}{{ x }}", "", "x"),
        ("{% if x %}a{% elif y %}{{ x }}{{ y }}{% endif %}", "x", "y"),
        ("{{ x if x else 'a' }}{{ x.y if x is mapping }}", "", "x"),
        ("{{ x and x.y }}", "", "x"),
        ("{% if x | length > 0 %}{% for a in x %}{{ a }}{% endfor %}{% endif %}", "", "x"),
        ("{% if x == 'a' %}{{ x }}{% endif %}{% if 'a' in y %}{{ y }}{% endif %}", "", "x y"),
        ("{% if x in ['a', 'b'] %}{{ x }}{% endif %}", "", "x"),
        ("{% if x in y %}{{ x }}{% endif %}", "x", "y"),
        ("{% if x != 'a' %}{{ x }}{% endif %}", "x", ""),
        ("{% for a in b if x %}{{ x }}{% endfor %}", "b", "x"),
        ("{% if x %}{% include '_x' %}{% endif %}", "", "x"),
        ("{% include '_if' %}", "", "x"),
        ("{% include '_x' %}", "x", ""),
        # conditions that fail without a value
        ("{% if x > 3 %}a{% endif %}", "x", ""),
        ("{% if x.startswith('a') %}a{% endif %}", "x", ""),
        ("{% if x + 1 %}a{% endif %}{% if -y %}a{% endif %}", "x y", ""),
        ("{% if x is even %}a{% endif %}", "x", ""),
        ("{% if x | tojson %}a{% endif %}", "x", ""),
        ("{% if range(x) %}a{% endif %}", "x", ""),
    ],
)
def test_a_name_that_is_only_tested_is_optional(template: str, needed: str, optional: str):
    compiled = lenient.compile_template(template, FRAGMENTS)
    assert ({*compiled.variables} - compiled.optional, compiled.optional) == ({*needed.split()}, {*optional.split()})


@pytest.mark.parametrize(
    ("template", "values", "expected"),
    [
        ("{% if x.y %}a{% else %}b{% endif %}", {"x": {}}, "b"),
        ("[{{ x.y }}][{{ x.y.z }}][{{ x['y'][0] }}]", {"x": {}}, "[][][]"),
        ("{% for a in x.y %}{{ a }}{% else %}none{% endfor %}", {"x": {}}, "none"),
        ("{% if x.y %}{{ x.y }}{% endif %}|{{ x.z | default('d') }}", {}, "|d"),
        ("{% if x %}{{ x }}{% else %}no x{% endif %}", {}, "no x"),
        ("{{ x.y ~ 'a' }}{{ x.y == '' }}{{ x.y is defined }}", {"x": {}}, "aFalseFalse"),
    ],
)
def test_what_is_missing_is_empty_and_false(template: str, values: dict[str, Any], expected: str):
    prompt = CompiledPrompt(spec(template + "{{ q }}"))
    assert prompt.render_text({"q": "", **values} if values else {"q": ""}) == expected


def test_a_missing_variable_that_is_written_is_the_usual_error():
    with pytest.raises(MissingVariables, match="x"):
        CompiledPrompt(spec("{% if y %}{{ y }}{% endif %}{{ x.a }}")).render_text({})


def test_optional_names_are_in_the_contract():
    contract = CompiledPrompt(spec("{% if x %}{{ x }}{% endif %}{{ y }}")).inputs.contract
    assert {name: variable.required for name, variable in contract.items()} == {"x": False, "y": True}


def test_a_name_that_one_message_needs_is_required():
    messages = [{"role": "system", "template": "{% if x %}{% endif %}"}, {"role": "human", "template": "{{ x }}"}]
    prompt = CompiledPrompt(spec(None, kind="chat", messages=messages))
    assert prompt.inputs.required == {"x"}


def test_a_declared_variable_stays_as_it_is_declared():
    prompt = CompiledPrompt(spec("{% if x %}a{% endif %}", variables={"x": {"type": "boolean"}}))
    assert prompt.inputs.required == {"x"}


def test_an_example_may_leave_out_what_is_optional():
    few_shot = {
        "examples": [{"q": "a"}, {"q": "b", "x": "c"}],
        "string_template": "{{ q }}{% if x %}={{ x }}{% endif %}",
    }
    made = spec("{{ examples }}", few_shot=few_shot)
    assert validate_spec(made)[0] == []
    assert CompiledPrompt(made).render_text({}) == "a\n\nb=c"
    assert as_template(CompiledPrompt(made), name="a", metadata={}).format() == "a\n\nb=c"


CHAT = [
    {"role": "system", "template": "{% if tone.kind %}Be kind.{% endif %}{{ who.name }}"},
    {"role": "human", "template": "{% if q %}{{ q }}{% else %}nothing{% endif %}"},
]


@pytest.mark.parametrize("values", [{"who": {}}, {"who": {"name": "Ann"}, "tone": {"kind": 1}, "q": "Hi"}])
def test_langchain_gives_the_same(values: dict[str, Any]):
    prompt = CompiledPrompt(spec(None, kind="chat", messages=CHAT))
    template = as_template(prompt, name="a", metadata={})
    assert (template.input_variables, template.optional_variables) == (["who"], ["q", "tone"])
    rendered = [(message.role, message.content) for message in prompt.render_messages(values)]
    assert [(message.type, message.content) for message in template.invoke(values).to_messages()] == rendered


def test_the_sandbox_still_refuses():
    with pytest.raises(TemplateError, match="is unsafe"):
        lenient.compile_template("{{ x.__class__ }}", {}).render({"x": 1})
    with pytest.raises(TemplateError, match="no attribute 'y'"):
        lenient.compile_template("{{ x.y() }}", {}).render({"x": {}})


def test_a_lenient_template_can_be_pickled():
    compiled = pickle.loads(pickle.dumps(lenient.compile_template("{% if x.y %}{% endif %}a", {})))
    assert (compiled.render({}), compiled.optional) == ("a", {"x"})


def test_strict_templates_have_no_optional_names():
    assert engine("jinja2").compile_template("{% if x %}{{ x }}{% endif %}", {}).optional == frozenset()
    with pytest.raises(TemplateError):
        engine("jinja2").compile_template("{% if x.y %}{% endif %}", {}).render({"x": {}})


def test_only_jinja2_can_be_lenient():
    [problem] = validate_spec(spec("x", template_format="f-string"))[0]
    assert (problem.path, problem.message) == (
        ("undefined",),
        "'undefined' is about jinja2, and this prompt is f-string",
    )


NAMES = st.sampled_from("xyz")
TESTS = st.recursive(
    st.one_of(
        NAMES,
        st.builds("{}.a".format, NAMES),
        st.builds(
            "({} is {})".format, NAMES, st.sampled_from(sorted(lenient._OF_VALUES | {"undefined", "not defined"}))
        ),
        st.builds("({} | {})".format, NAMES, st.sampled_from(sorted(lenient._FILTERS - {"join"}))),
        st.builds("({} | {} > 0)".format, NAMES, st.sampled_from(["length", "count"])),
        st.builds("({} {} 'a')".format, NAMES, st.sampled_from(["==", "!="])),
        st.builds("({} {} {})".format, st.sampled_from(["'a'", "x"]), st.sampled_from(["in", "not in"]), NAMES),
        st.builds("({} in ['a', 'b'])".format, NAMES),
    ),
    lambda inner: st.one_of(
        st.builds("not ({})".format, inner),
        st.builds("(({}) {} ({}))".format, inner, st.sampled_from(["and", "or"]), inner),
    ),
    max_leaves=5,
)


@given(TESTS, TESTS, NAMES, NAMES)
@pytest.mark.slow
def test_a_template_that_promises_to_do_without_a_name_never_writes_it_missing(one: str, two: str, a: str, b: str):
    template = (
        f"{{% if {one} %}}[{{{{ {a} }}}}]{{% elif {two} %}}[{{{{ {b} }}}}]{{% else %}}[{{{{ {a} }}}}]{{% endif %}}"
    )
    compiled = lenient.compile_template(template, {})
    needed = {*compiled.variables} - compiled.optional
    for given_names in (needed, {*needed, "x"}, {*needed, "y"}):
        assert "[]" not in compiled.render(dict.fromkeys(given_names, "a"))
