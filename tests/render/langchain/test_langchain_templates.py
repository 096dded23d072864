"""The templates as LangChain's users handle them: kinds, metadata, partial, +, slices, async, batches, models."""

import asyncio
import copy
import pickle
from typing import Any

import pytest
from langchain_core import prompts
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage, SystemMessage
from langchain_core.prompts import ChatPromptTemplate, FewShotPromptTemplate, MessagesPlaceholder, PromptTemplate
from langchain_core.utils.function_calling import convert_to_openai_function, convert_to_openai_tool
from parity import compiled, template

from promptdb.domain.prompt_id import PromptId
from promptdb.domain.spec import PromptSpec
from promptdb.errors import MissingVariables, RenderError, UnknownVariables
from promptdb.render.compiled import CompiledPrompt
from promptdb.render.langchain.templates import as_template
from promptdb.render.renderable import RenderablePrompt

CHAT = {
    "kind": "chat",
    "messages": [
        {"role": "system", "template": "You are {role}.", "name": "boss"},
        {"variable_name": "history", "optional": True},
        {"role": "human", "template": "{question}"},
    ],
    "variables": {"role": {"type": "string", "default": "kind"}, "question": {"type": "string"}},
}
SHOTS = {"examples": [{"q": "1", "r": "2"}], "string_template": "{q} {r}"}


def chat() -> Any:
    return template(compiled(**CHAT))


def contents(value: Any) -> list[Any]:
    return [message.content for message in value.to_messages()]


# Kinds


@pytest.mark.parametrize("form", ["f-string", "jinja2", "mustache", "plain"])
def test_a_string_prompt_is_a_prompt_template(form: str):
    made = template(compiled(kind="string", template="text", template_format=form))
    assert isinstance(made, PromptTemplate)
    assert made.template == "text"


def test_a_plain_text_reads_the_same_as_the_f_string_that_it_says_it_is():
    made = template(compiled(kind="string", template='{"a": {b}}', template_format="plain"))
    assert made.template.format() == made.format() == '{"a": {b}}'


@pytest.mark.parametrize("form", ["f-string", "jinja2", "mustache"])
def test_a_string_prompt_with_examples_is_a_few_shot_template(form: str):
    made = template(
        compiled(kind="string", template="x", template_format=form, few_shot={**SHOTS, "string_template": "q"})
    )
    assert isinstance(made, FewShotPromptTemplate)
    assert made.examples == [{"q": "1", "r": "2"}]
    assert made.example_prompt.format(q="1", r="2") == "q"


def test_a_chat_is_a_chat_prompt_template():
    made = chat()
    assert isinstance(made, ChatPromptTemplate)
    assert isinstance(made.messages[1], MessagesPlaceholder)
    assert (made.messages[0].role, made.messages[0].template) == ("system", "You are {role}.")


def test_examples_of_a_chat_are_a_few_shot_template():
    shots = {"examples": SHOTS["examples"], "chat_messages": [{"role": "human", "template": "{q}"}]}
    [examples, _] = template(
        compiled(**{**CHAT, "messages": CHAT["messages"][2:], "few_shot": shots, "variables": None})
    ).messages
    assert isinstance(examples, prompts.FewShotChatMessagePromptTemplate)
    assert examples.format_messages() == examples.example_prompt.format_messages(q="1") == [HumanMessage("1")]


def test_what_a_template_says_of_its_variables():
    made = chat()
    assert made.input_variables == ["question"]
    assert made.optional_variables == ["history", "role"]
    assert made.partial_variables == {"role": "kind"}
    schema = made.input_schema.model_json_schema()
    assert schema["required"] == ["question"]
    assert schema["properties"]["question"]["type"] == "string"


def test_it_can_be_printed():
    assert "You are {role}." in chat().pretty_repr()
    assert "You are {role}." in repr(chat())


# Ways to call


def test_every_way_to_call_gives_the_same():
    made, values = chat(), {"question": "why?", "history": [("ai", "hi")]}
    expected = made.invoke(values)
    assert made.format_prompt(**values) == expected
    assert made.batch([values, values]) == [expected, expected]
    assert list(made.stream(values)) == [expected]
    assert made.format_messages(**values) == expected.to_messages()
    assert made.format(**values) == expected.to_string()
    assert asyncio.run(made.ainvoke(values)) == expected
    assert asyncio.run(made.aformat_prompt(**values)) == expected
    assert asyncio.run(made.aformat_messages(**values)) == expected.to_messages()


def test_every_way_to_call_a_string_prompt_gives_the_same():
    made = template(compiled(kind="string", template="<{a}>"))
    expected = made.invoke({"a": 1})
    assert made.format_prompt(a=1) == expected
    assert made.format(a=1) == asyncio.run(made.aformat(a=1)) == expected.to_string() == "<1>"
    assert asyncio.run(made.ainvoke({"a": 1})) == expected


@pytest.mark.parametrize(
    "call",
    [
        lambda made: made.invoke({}),
        lambda made: made.format_messages(),
        lambda made: made.format(),
        lambda made: made.format_prompt(),
        lambda made: asyncio.run(made.ainvoke({})),
        lambda made: asyncio.run(made.aformat_messages()),
    ],
)
def test_every_way_to_call_checks_the_values(call: Any):
    with pytest.raises(MissingVariables, match="missing variable: question"):
        call(chat())


def test_the_value_of_the_only_variable_may_come_alone():
    assert contents(chat().invoke("why?")) == ["You are kind.", "why?"]
    with pytest.raises(RenderError, match="expected values by name, got int"):
        template(compiled(kind="string", template="{a}{b}")).invoke(7)


def test_extra_values_can_be_ignored():
    prompt = compiled(**CHAT)
    with pytest.raises(UnknownVariables):
        template(prompt).invoke({"question": "?", "more": 1})
    lenient = as_template(prompt, name="x", metadata={}, ignore_extra=True)
    assert contents(lenient.invoke({"question": "?", "more": 1})) == ["You are kind.", "?"]


# LangChain's own operations


def test_partial_values_may_be_functions():
    made = chat().partial(role=lambda: "late", question="?")
    assert contents(made.invoke({})) == ["You are late.", "?"]
    assert contents(made.invoke({"role": "now"})) == ["You are now.", "?"]
    assert made.input_variables == []


def test_partial_values_are_checked():
    with pytest.raises(RenderError, match="variable 'role': expected string, got integer"):
        chat().partial(role=7).invoke({"question": "?"})
    with pytest.raises(UnknownVariables):
        chat().partial(rule="x").invoke({"question": "?"})


def test_partial_of_a_string_prompt():
    assert template(compiled(kind="string", template="{a}{b}")).partial(a=1).format(b=2) == "12"


def test_messages_can_be_added():
    joined = chat() + "{more}" + AIMessage("{fixed}")
    assert contents(joined.invoke({"question": "?", "more": "x"})) == ["You are kind.", "?", "x", "{fixed}"]


def test_a_part_of_a_chat_renders_with_its_own_values():
    assert contents(chat()[:1].invoke({})) == ["You are kind."]
    assert contents(chat()[2:].invoke({"question": "?"})) == ["?"]
    with pytest.raises(RenderError, match="expected string, got integer"):
        chat()[2:].invoke({"question": 7})


def test_messages_can_be_appended():
    made = chat()
    made.append(("human", "{more}"))
    made.append(MessagesPlaceholder("notes", optional=True))
    given = {"question": "?", "more": "x", "notes": [("ai", "n")]}
    assert contents(made.invoke(given)) == ["You are kind.", "?", "x", "n"]
    with pytest.raises(UnknownVariables):
        made.invoke({**given, "other": 1})


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))])
@pytest.mark.parametrize("form", ["f-string", "jinja2", "mustache"])
def test_copies_render_the_same(copied: Any, form: str):
    text = {"f-string": "{a}", "jinja2": "{{ a }}", "mustache": "{{a}}"}[form]
    made = template(compiled(kind="chat", template_format=form, messages=[{"role": "human", "template": text}]))
    assert copied(made).invoke({"a": 1}) == made.invoke({"a": 1})


# Messages


def test_messages_of_langchain_stay_what_they_are():
    given = AIMessage(
        "x", id="run-1", response_metadata={"model": "m"}, tool_calls=[{"name": "f", "args": {"a": 1}, "id": "c"}]
    )
    messages = chat().invoke({"question": "?", "history": [given]}).to_messages()
    assert messages[1] is given


def test_tool_calls_in_openai_s_form_become_those_of_langchain():
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    history = [{"role": "assistant", "content": None, "tool_calls": [call]}]
    message = chat().invoke({"question": "?", "history": history}).to_messages()[1]
    assert message.tool_calls == [{"name": "f", "args": {"a": 1}, "id": "c", "type": "tool_call"}]


def test_tool_calls_of_langchain_are_rendered_in_openai_s_form():
    given = AIMessage("", tool_calls=[{"name": "f", "args": {"a": "é"}, "id": "c"}])
    rendered = compiled(**CHAT).render_messages({"question": "?", "history": [given]})[1]
    function = {"name": "f", "arguments": '{"a": "é"}'}
    assert rendered.additional_kwargs["tool_calls"] == [{"id": "c", "type": "function", "function": function}]


def test_calls_in_a_prompt_file_that_langchain_refuses_are_an_error_of_rendering():
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "[1]"}}
    message = {"role": "ai", "template": "x", "additional_kwargs": {"tool_calls": [call]}}
    with pytest.raises(RenderError, match="LangChain refuses a message of role ai"):
        template(compiled(kind="chat", messages=[message])).invoke({})


def test_a_message_that_removes_another_is_none():
    with pytest.raises(RenderError, match=r"history\[0\] has a bad role 'remove'"):
        chat().invoke({"question": "?", "history": [RemoveMessage("x")]})


def test_a_result_can_be_changed_without_changing_the_next():
    made = template(compiled(kind="chat", messages=[{"role": "human", "template": [{"type": "text", "text": "x"}]}]))
    made.invoke({}).to_messages()[0].content.append("more")
    assert contents(made.invoke({})) == [[{"type": "text", "text": "x"}]]


# Traces


class Runs(BaseCallbackHandler):
    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, Any]]] = []

    def on_chain_start(self, serialized: Any, inputs: Any, *, metadata: Any = None, **kwargs: Any) -> None:
        self.seen.append((kwargs["name"], metadata))


def test_a_trace_names_the_prompt():
    runs = Runs()
    chat().invoke({"question": "?"}, {"callbacks": [runs], "metadata": {"user": 7}})
    asyncio.run(chat().ainvoke({"question": "?"}, {"callbacks": [runs]}))
    assert runs.seen == [("a/b", {"user": 7, "promptdb_prompt": "a/b"}), ("a/b", {"promptdb_prompt": "a/b"})]


def test_a_partial_template_is_traced_as_well():
    runs = Runs()
    chat().partial(role="x").invoke({"question": "?"}, {"callbacks": [runs]})
    assert runs.seen == [("a/b", {"promptdb_prompt": "a/b"})]


# Models


def test_a_chain_with_a_model():
    chain = chat() | FakeListChatModel(responses=["42"])
    assert chain.invoke({"question": "?"}).content == "42"


def test_a_model_takes_the_messages():
    class Echo(FakeListChatModel):
        def _call(self, messages: Any, *args: Any, **kwargs: Any) -> str:
            assert messages[0] == SystemMessage("You are kind.", name="boss")
            return str(messages[-1].content)

    assert (chat() | Echo(responses=[])).invoke({"question": "why?"}).content == "why?"


def test_a_response_schema_and_tools_are_what_models_take():
    """`with_structured_output` and `bind_tools` of LangChain's models begin with these conversions."""
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    function = {"name": "get_order", "description": "One order", "input_schema": schema}
    prompt = renderable(template="x", kind="string", response_schema=schema, tools=[function])
    assert convert_to_openai_function(prompt.response_schema or {})["name"] == "support_triage"
    assert convert_to_openai_function(prompt.response_schema or {})["parameters"] == schema
    [tool] = prompt.tools
    assert convert_to_openai_tool(tool) == {
        "type": "function",
        "function": {"name": "get_order", "description": "One order", "parameters": schema},
    }


def test_model_settings_can_be_bound():
    prompt = renderable(
        template="x", kind="string", model={"provider": "openai", "name": "m", "temperature": 0, "stop": ["."]}
    )
    bound = FakeListChatModel(responses=["42"]).bind(**prompt.model_settings)
    assert bound.kwargs == {"temperature": 0, "stop": ["."]}  # type: ignore[attr-defined]
    assert (prompt.as_langchain() | bound).invoke({}).content == "42"


def renderable(**fields: Any) -> RenderablePrompt:
    spec = PromptSpec.model_validate(fields)
    spec_json = spec.canonical().decode()
    return RenderablePrompt(prompt=PromptId("support", "triage"), spec_json=spec_json, _compiled=CompiledPrompt(spec))
