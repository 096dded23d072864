"""The same promise over generated prompts: whatever a prompt is made of, both render the same or both fail the same."""

import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given
from parity import require_parity

from promptdb.domain.spec import PromptSpec
from promptdb.problems import WARNINGS
from promptdb.render.compiled import CompiledPrompt
from promptdb.render.validation import validate_spec

NAMES = ["a", "b", "items", "self"]
WRITTEN = {"f-string": "{%s}", "jinja2": "{{ %s }}", "mustache": "{{%s}}"}
PIECES = {
    "f-string": ["{a}", "{b!r}", "{items:>3}", "{self}", "{{", "}}", "{{a}}", "{a:.1f}"],
    "jinja2": ["{{ a }}", "{{ b | upper }}", "{% for x in items %}{{ x }},{% endfor %}", "{% if a %}y{% endif %}", "{{ self }}",
               "{% set a = 1 %}", "{{ a | default('d') }}", "{# c #}", "{{ b.c }}"],
    "mustache": ["{{a}}", "{{{b}}}", "{{#items}}<{{.}}{{a}}>{{/items}}", "{{^a}}no{{/a}}", "{{b.c}}", "{{! c }}", "{{self}}", "\n{{#a}}\nx\n{{/a}}\n"],
    "plain": ["{a}", "{{ a }}"],
}  # fmt: skip
TEXTS = st.text(alphabet=st.sampled_from("ab {}%#<>&\"'\n\t\\é🐘\u2028$"), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-1, 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["c", "x", "{a}"]), inner, max_size=2),
    max_leaves=5,
)
ROLES = ["system", "human", "ai", "tool"]


@st.composite
def templates(draw: st.DrawFn, form: str) -> str:
    """Pieces of the format with text between them that means nothing in any of them."""
    words = st.text(alphabet="xyz \n<&é", max_size=4)
    pieces = draw(st.lists(st.tuples(words, st.sampled_from(PIECES[form])), min_size=1, max_size=4))
    return "".join(word + piece for word, piece in pieces)


@st.composite
def messages(draw: st.DrawFn, form: str) -> dict[str, Any]:
    if draw(st.integers(0, 4)) == 0:
        return {"variable_name": "history", "optional": draw(st.booleans())}
    text: Any = draw(templates(form))
    if draw(st.integers(0, 3)) == 0:
        text = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": draw(templates(form))}}]
    message = {"role": draw(st.sampled_from(ROLES)), "template": text}
    if draw(st.booleans()):
        message |= {"name": "ann", "additional_kwargs": {"k": 1}}
    return message


@st.composite
def prompts(draw: st.DrawFn) -> dict[str, Any]:
    form = draw(st.sampled_from(sorted(PIECES)))
    fields: dict[str, Any] = {"template_format": form, "kind": draw(st.sampled_from(["string", "chat"]))}
    if fields["kind"] == "string":
        fields["template"] = draw(templates(form))
    else:
        fields["messages"] = draw(st.lists(messages(form), min_size=1, max_size=4))
    if form != "plain" and draw(st.booleans()):
        example = WRITTEN[form] % "q"
        shots: dict[str, Any] = {"examples": [{"q": draw(JSON)}, {"q": "{a}"}]}
        if fields["kind"] == "string":
            fields["template"] += WRITTEN[form] % "examples"
            shots["string_template"] = example
        else:
            shots |= {
                "chat_messages": [{"role": "human", "template": example}],
                "insert_at": draw(st.sampled_from([None, 0, 1])),
            }
        fields["few_shot"] = shots
    fields["partial_variables"] = draw(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=1))
    if draw(st.booleans()):
        types = st.sampled_from([None, "string", "array", "object", "number"])
        fields["variables"] = {name: {"type": draw(types), "required": draw(st.booleans())} for name in NAMES}
    return fields


HISTORIES = st.lists(
    st.tuples(st.sampled_from([*ROLES, "user", "narrator"]), TEXTS)
    | st.fixed_dictionaries({"role": st.sampled_from(ROLES), "content": TEXTS}, optional={"name": TEXTS, "tool_call_id": TEXTS}),
    max_size=2,
)  # fmt: skip
VALUES = st.fixed_dictionaries(dict.fromkeys(NAMES, JSON), optional={"history": HISTORIES, "other": JSON})


@pytest.mark.slow
@given(prompts(), VALUES, st.sets(st.sampled_from(NAMES), max_size=1), st.booleans())
def test_both_render_the_same_or_fail_the_same(
    fields: dict[str, Any], values: dict[str, Any], left_out: set[str], only_known: bool
):
    spec = PromptSpec.model_validate(json.loads(json.dumps(fields)))
    assume(not any(finding.code not in WARNINGS for finding in validate_spec(spec)[0]))
    prompt = CompiledPrompt(spec)
    given_values = {name: value for name, value in values.items() if name not in left_out}
    if only_known:
        given_values = {name: value for name, value in given_values.items() if name in prompt.inputs.names}
    require_parity(prompt, given_values)
