"""Prompts of other tools as prompt files: what each format becomes, what it loses, and what it cannot be."""

import json
from typing import Any

import pytest
import yaml

from promptdb.neighbours.foreign import ForeignPrompt, NotHeld
from promptdb.neighbours.formats import INCOMING

CHAT = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi {{name}}"}]
HELD = [{"role": "system", "template": "Be kind."}, {"role": "human", "template": "Hi {{name}}"}]


def read(name: str, data: Any, place: str = "") -> list[ForeignPrompt]:
    text = data if isinstance(data, str) else json.dumps(data)
    return INCOMING[name].prompts(place, text.encode())


def front(fields: dict[str, Any], body: str) -> str:
    return f"---\n{yaml.safe_dump(fields)}---\n{body}"


def constructor(name: str, /, **kwargs: Any) -> dict[str, Any]:
    return {"lc": 1, "type": "constructor", "id": ["langchain", "prompts", name], "kwargs": kwargs}


def template(text: str, **more: Any) -> dict[str, Any]:
    return constructor("PromptTemplate", template=text, input_variables=["x"], **more)


ONE: list[tuple[str, str, Any, dict[str, Any], list[str]]] = [
    (
        "messages with a model, a schema and test data",
        "github-models",
        {
            "name": "Greeter",
            "model": "m",
            "modelParameters": {"temperature": 0},
            "messages": CHAT,
            "testData": [{"name": "Ada", "expected": "Hi"}],
            "evaluators": [1],
            "responseFormat": "json_schema",
            "jsonSchema": '{"name": "n", "strict": true, "schema": {"type": "object"}}',
        },
        {
            "template_format": "mustache",
            "metadata": {"title": "Greeter"},
            "messages": HELD,
            "model": {"name": "m", "temperature": 0},
            "response_schema": {"type": "object"},
        },
        ["testData[0].expected", "jsonSchema.name", "jsonSchema.strict", "evaluators"],
    ),
    (
        "a text with labels and tags",
        "langfuse",
        [
            {
                "name": "a/b",
                "type": "text",
                "prompt": "Hi {{x}}",
                "tags": ["t"],
                "labels": ["production"],
                "config": {"k": 1},
            }
        ],
        {"template_format": "mustache", "metadata": {"tags": ["t"]}, "template": "Hi {{x}}", "model": {"k": 1}},
        ["labels"],
    ),
    (
        "the newest version of a chat with a placeholder and a reference",
        "langfuse",
        {
            "data": [
                {"name": "c", "version": 2, "prompt": [*CHAT, {"type": "placeholder", "name": "history"}]},
                {"name": "c", "version": 1, "prompt": "@@@langfusePrompt:name=x|label=y@@@"},
            ]
        },
        {"template_format": "mustache", "messages": [*HELD, {"variable_name": "history"}]},
        ["version"],
    ),
    (
        "a reference",
        "langfuse",
        [{"name": "c", "prompt": "@@@langfusePrompt:name=x|label=y@@@"}],
        {"template_format": "mustache", "template": "@@@langfusePrompt:name=x|label=y@@@"},
        ["prompt"],
    ),
    (
        "a text of dumpd",
        "langchain",
        template("Hi {x}", partial_variables={"y": "1"}, template_format="f-string"),
        {"template_format": "f-string", "template": "Hi {x}", "partial_variables": {"y": "1"}},
        [],
    ),
    (
        "a chat of dumpd with fixed messages",
        "langchain",
        constructor(
            "ChatPromptTemplate",
            messages=[
                constructor("SystemMessage", content="Write {json}."),
                constructor("HumanMessagePromptTemplate", prompt=template("Hi {x}")),
                constructor("MessagesPlaceholder", variable_name="h", optional=True, n_messages=3),
                constructor("ChatMessagePromptTemplate", role="judge", prompt=template("ok")),
            ],
        ),
        {
            "template_format": "f-string",
            "messages": [
                {"role": "system", "template": "Write {{json}}."},
                {"role": "human", "template": "Hi {x}"},
                {"variable_name": "h", "optional": True},
                {"role": "generic", "role_name": "judge", "template": "ok"},
            ],
        },
        ["messages[2].kwargs.n_messages"],
    ),
    (
        "calls of tools, tags, and names",
        "langchain",
        constructor(
            "ChatPromptTemplate",
            tags=["t"],
            metadata={},
            messages=[
                constructor("AIMessage", content="a", name="Ann", tool_calls=[{"name": "f"}], invalid_tool_calls=[]),
                constructor("HumanMessage", content="b", additional_kwargs={"k": {"__lc_escaped__": {"lc": 1}}}),
            ],
        ),
        {
            "template_format": "f-string",
            "messages": [
                {"role": "ai", "template": "a", "name": "Ann"},
                {"role": "human", "template": "b", "additional_kwargs": {"k": {"lc": 1}}},
            ],
        },
        ["messages[0].kwargs.tool_calls", "kwargs.tags"],
    ),
    (
        "an older chat",
        "langchain",
        {
            "_type": "chat",
            "input_variables": ["x"],
            "messages": [{"prompt": {"_type": "prompt", "template": "Hi {x}", "input_variables": ["x"]}}, {}],
        },
        {"template_format": "f-string", "messages": [{"role": "human", "template": "Hi {x}"}]},
        ["messages"],
    ),
    (
        "a manifest with its model",
        "langsmith",
        {
            "repo": "r",
            "manifest": constructor("RunnableSequence", first=template("Hi {x}"), middle=[], last={"model": "m"}),
        },
        {"template_format": "f-string", "template": "Hi {x}"},
        ["manifest.kwargs.last"],
    ),
    (
        "the oldest files, which name no type",
        "langchain",
        {"input_variables": ["x"], "output_parser": None, "template": "Hi {x}", "template_format": "f-string"},
        {"template_format": "f-string", "template": "Hi {x}"},
        [],
    ),
    (
        "examples in an older file",
        "langchain",
        {
            "_type": "few_shot",
            "prefix": "Say:",
            "suffix": "{q}",
            "examples": [{"i": "a"}],
            "example_prompt": {"_type": "prompt", "template": "{i}"},
            "example_separator": "\n",
            "output_parser": {},
        },
        {
            "template_format": "f-string",
            "template": "Say:\n{examples}\n{q}",
            "few_shot": {
                "examples": [{"i": "a"}],
                "string_template": "{i}",
                "insert_at": "examples",
                "example_separator": "\n",
            },
        },
        ["output_parser"],
    ),
    (
        "a manifest",
        "langsmith",
        {
            "owner": "o",
            "repo": "r",
            "commit_hash": "c",
            "description": "d",
            "examples": [1],
            "manifest": template("Hi {x}"),
        },
        {"metadata": {"description": "d"}, "template_format": "f-string", "template": "Hi {x}"},
        ["examples"],
    ),
    (
        "Handlebars with blocks, roles, history and a short schema",
        "dotprompt",
        front(
            {
                "model": "m",
                "config": {"temperature": 1},
                "tools": ["t"],
                "ext.a": 1,
                "input": {
                    "schema": {"name?": "string, who", "items(array)": "string", "kind(enum, which)": ["a", "b"]},
                    "default": {"name": "you"},
                },
                "output": {"format": "json", "schema": {"ok": "boolean"}},
            },
            '{{role "system"}}\n{{! note }}Be {{#if name}}kind to {{name}}{{else}}kind{{/if}}.\n{{history}}\n'
            '{{role "user"}}\n{{#each items}}- {{this}}\n{{/each}}{{#unless kind}}none{{/unless}}{{{kind}}}',
        ),
        {
            "template_format": "mustache",
            "variables": {
                "name": {"type": "string", "description": "who", "default": "you"},
                "items": {"type": "array"},
                "kind": {"description": "which", "enum": ["a", "b"]},
            },
            "messages": [
                {"role": "system", "template": "Be {{#name}}kind to {{name}}{{/name}}{{^name}}kind{{/name}}."},
                {"variable_name": "history", "optional": True},
                {
                    "role": "human",
                    "template": "{{#items}}- {{.}}\n{{/items}}{{^kind}}none{{/kind}}{{{kind}}}",
                },
            ],
            "model": {"name": "m", "temperature": 1},
            "response_schema": {
                "type": "object",
                "properties": {"ok": {"type": "boolean"}},
                "additionalProperties": False,
                "required": ["ok"],
            },
        },
        ["tools", "input.schema.items.items", "ext.a"],
    ),
    (
        "the markers that dotprompt writes between two steps",
        "dotprompt",
        "<<<dotprompt:role:system>>>\nBe kind.\n<<<dotprompt:history>>><<<dotprompt:role:user>>>Hi {{name}}",
        {
            "template_format": "mustache",
            "messages": [HELD[0], {"variable_name": "history", "optional": True}, HELD[1]],
        },
        [],
    ),
    (
        "JSON Schema with rules, and conditions on values of any type",
        "dotprompt",
        front(
            {
                "input": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "a": {"type": "string", "maxLength": 3, "default": "x"},
                            "b": {"type": ["integer", "null"]},
                            "c": {"enum": ["y"]},
                        },
                        "required": 3,
                    },
                    "default": [1],
                },
                "output": {"format": "json"},
            },
            "{{a}}{{#if b}}{{b}}{{/if}}{{#if c}}!{{/if}}",
        ),
        {
            "template_format": "mustache",
            "variables": {
                "a": {"type": "string", "default": "x"},
                "b": {"required": False},
                "c": {"enum": ["y"], "required": False},
            },
            "template": "{{a}}{{#b}}{{b}}{{/b}}{{#c}}!{{/c}}",
        },
        [
            *("output.format", "input.default", "input.schema.a.maxLength", "input.schema.b.type"),
            "{{#if b}}",
        ],
    ),
    (
        "defaults without a schema",
        "dotprompt",
        front({"input": {"default": {"a": 1}}}, "{{a}} {{b}}"),
        {"template_format": "mustache", "variables": {"a": {"default": 1}}, "template": "{{a}} {{b}}"},
        [],
    ),
    (
        "any other field",
        "dotprompt",
        front({"input": {"schema": {"a": "string", "(*)": "any"}}}, "{{a}}"),
        {"template_format": "mustache", "variables": {"a": {"type": "string"}}, "template": "{{a}}"},
        [],
    ),
    (
        "a thread, lists of metadata, and rules of outputs",
        "prompty",
        front(
            {
                "metadata": {"tags": ["t"], "authors": ["ann"], "more": 1},
                "inputs": [{"name": "hist", "kind": "thread"}],
                "outputs": [{"name": "a", "kind": "array", "items": {"kind": "string"}}],
                "sample": "${file:sample.json}",
            },
            "system:\nBe kind.\n\n{{ hist }}\n\nuser:\nHi",
        ),
        {
            "template_format": "jinja2",
            "metadata": {"tags": ["t"], "owners": ["ann"]},
            "variables": {"hist": {"type": "messages"}},
            "messages": [HELD[0], {"variable_name": "hist"}, {"role": "human", "template": "Hi"}],
            "response_schema": {"type": "object", "properties": {"a": {"type": "array"}}},
        },
        ["sample", "outputs.a.items", "metadata.more"],
    ),
    (
        "nothing but a chat in a configuration",
        "promptfoo",
        {"prompts": ['[{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi {{name}}"}]']},
        {"template_format": "jinja2", "messages": HELD},
        [],
    ),
    (
        "characters that JSON takes and YAML does not",
        "langchain",
        '{"_type": "prompt", "template": "a\u2028b"}',
        {"template_format": "f-string", "template": "a\u2028b"},
        [],
    ),
    (
        "a long cell",
        "csv",
        f"prompt\n{'x' * 200_000}\n",
        {"template_format": "plain", "template": "x" * 200_000},
        [],
    ),
    (
        "empty lists of labels and tags",
        "langfuse",
        [{"name": "a", "prompt": "x", "labels": [], "tags": []}],
        {"template_format": "mustache", "template": "x"},
        [],
    ),
    (
        "media",
        "dotprompt",
        '{{role "system"}}Be kind.\n{{history}}{{media url=photo}}\nWhat is it, {{name}}?\n{{media url="https://a/b.png"}}\n',
        {
            "template_format": "mustache",
            "messages": [
                HELD[0],
                {"variable_name": "history", "optional": True},
                {
                    "role": "human",
                    "template": [
                        {"type": "image_url", "image_url": {"url": "{{photo}}"}},
                        {"type": "text", "text": "What is it, {{name}}?"},
                        {"type": "image_url", "image_url": {"url": "https://a/b.png"}},
                    ],
                },
            ],
        },
        [],
    ),
    (
        "types that Python names",
        "prompty",
        front(
            {"inputs": {"a": {"type": "List", "optional": True}, "b": {"type": "dict", "optional": False}}},
            "{{ a }}{{ b }}",
        ),
        {
            "template_format": "jinja2",
            "variables": {"a": {"type": "array", "required": False}, "b": {"type": "object"}},
            "template": "{{ a }}{{ b }}",
        },
        [],
    ),
    (
        "the first version with a sample",
        "prompty",
        front(
            {
                "name": "T",
                "description": "D",
                "authors": ["ann"],
                "tags": ["x"],
                "version": "1",
                "model": {"api": "chat", "configuration": {"azure_deployment": "gpt"}, "parameters": {"max_tokens": 9}},
                "sample": {"q": "why"},
            },
            "system:\nBe kind.\n\nuser:\n{{ q }}\n",
        ),
        {
            "template_format": "jinja2",
            "metadata": {"title": "T", "description": "D", "tags": ["x"], "owners": ["ann"]},
            "messages": [{"role": "system", "template": "Be kind."}, {"role": "human", "template": "{{ q }}"}],
            "model": {"name": "gpt", "max_tokens": 9},
        },
        ["model.configuration", "version"],
    ),
    (
        "the second version with typed inputs",
        "prompty",
        front(
            {
                "name": "t",
                "displayName": "T",
                "template": {"format": {"kind": "mustache"}, "parser": "prompty"},
                "inputs": [
                    {"name": "q", "kind": "string", "required": False, "example": "e"},
                    {"name": "n", "kind": "integer", "default": 3, "enumValues": [3, 4]},
                ],
                "outputs": [{"name": "a", "kind": "string", "description": "d"}, {"name": "f", "kind": "file"}],
                "model": {"id": "gpt", "options": {"temperature": 0}},
            },
            "Say {{q}}",
        ),
        {
            "template_format": "mustache",
            "metadata": {"title": "T"},
            "variables": {
                "q": {"type": "string", "required": False},
                "n": {"type": "integer", "enum": [3, 4], "default": 3},
            },
            "template": "Say {{q}}",
            "model": {"name": "gpt", "temperature": 0},
            "response_schema": {"type": "object", "properties": {"a": {"type": "string", "description": "d"}}},
        },
        ["name", "inputs.q.example", "outputs.f"],
    ),
    ("a chat", "promptfoo", CHAT, {"template_format": "jinja2", "messages": HELD}, []),
    (
        "a configuration",
        "promptfoo",
        {"prompts": [{"raw": "Hi {{x}}", "label": "hi", "config": {}}], "providers": ["p"], "tests": [{}], "env": {}},
        {"template_format": "jinja2", "template": "Hi {{x}}"},
        ["prompts[0].config", "tests", "providers", "env"],
    ),
    (
        "a version with a schema",
        "mlflow",
        {
            "name": "p",
            "version": 2,
            "template": CHAT,
            "commit_message": "why",
            "aliases": ["prod"],
            "tags": {"k": "v"},
            "response_format": {"type": "object"},
        },
        {
            "template_format": "mustache",
            "metadata": {"description": "why", "labels": {"k": "v"}},
            "messages": HELD,
            "response_schema": {"type": "object"},
        },
        ["aliases"],
    ),
    (
        "a template with statements, and a tag that is not a text",
        "mlflow",
        {"name": "x", "template": "{% if a %}{{ a }}{% endif %}{{b.c}}", "tags": {"k": 1, "mlflow.x": "y"}},
        {"template_format": "jinja2", "template": "{% if a %}{{ a }}{% endif %}{{b.c}}"},
        ["tags.k"],
    ),
    (
        "a name with a dot",
        "mlflow",
        {"name": "x", "template": "{{ a.b }}"},
        {"template_format": "mustache", "template": "{{ a.b }}"},
        ["template"],
    ),
    (
        "the tags of a model version",
        "mlflow",
        {
            "name": "x",
            "version": "2",
            "description": "why",
            "source": "prompt-template",
            "tags": [
                {"key": "mlflow.prompt.text", "value": json.dumps(CHAT)},
                {"key": "_mlflow_prompt_type", "value": "chat"},
                {"key": "_mlflow_prompt_model_config", "value": '{"temperature": 0}'},
                {"key": "k", "value": "v"},
            ],
        },
        {
            "template_format": "mustache",
            "metadata": {"description": "why", "labels": {"k": "v"}},
            "messages": HELD,
            "model": {"temperature": 0},
        },
        [],
    ),
    (
        "an answer in JSON without a schema",
        "github-models",
        {"messages": CHAT, "responseFormat": "json_object"},
        {"template_format": "mustache", "messages": HELD},
        ["responseFormat"],
    ),
    (
        "headings",
        "jinja2",
        "# System:\nBe kind.\n\n# User:\nHi {{ name }}\n",
        {"template_format": "jinja2", "messages": [HELD[0], {"role": "human", "template": "Hi {{ name }}"}]},
        [],
    ),
    (
        "indented headings after a comment",
        "jinja2",
        "{# about\n#}\n  system:\nBe kind.\n # User :\nHi {{ name }}\n",
        {"template_format": "jinja2", "messages": [HELD[0], {"role": "human", "template": "Hi {{ name }}"}]},
        ["line 1"],
    ),
    (
        "headings that Prompty does not take for roles",
        "prompty",
        front({"name": "n"}, "system:\n### User:\nhuman:\n[user]:\n  # user :\nHi"),
        {
            "template_format": "jinja2",
            "metadata": {"title": "n"},
            "messages": [
                {"role": "system", "template": "### User:\nhuman:\n[user]:"},
                {"role": "human", "template": "Hi"},
            ],
        },
        [],
    ),
    (
        "cells without a column, and a row without a text",
        "csv",
        "name,prompt\na,b,c,d\n,\nz\n",
        {"template_format": "plain", "template": "b"},
        ["row 2, the cells without a column", "row 4"],
    ),
    (
        "a row",
        "csv",
        'Act,Prompt,for_devs\nPoet,"Write {a}\npoem",TRUE\n',
        {"template_format": "plain", "template": "Write {a}\npoem"},
        ["row 2, for_devs"],
    ),
]


@pytest.mark.parametrize(("name", "data", "fields", "lost"), [row[1:] for row in ONE], ids=[row[0] for row in ONE])
def test_a_prompt_becomes_fields_and_what_it_loses_is_listed(
    name: str, data: Any, fields: dict[str, Any], lost: list[str]
) -> None:
    [found] = read(name, data)
    assert found.fields == fields
    assert [loss.place for loss in found.losses] == lost


def test_files_with_several_prompts() -> None:
    versions = [{"name": "p", "version": n, "template": str(n)} for n in (1, 3, 2)] + [{"name": "q", "template": "x"}]
    found = read("mlflow", versions)
    assert [(one.name, one.fields["template"], [str(loss) for loss in one.losses]) for one in found] == [
        ("p", "3", ["version: 2 earlier versions"]),
        ("q", "x", []),
    ]
    assert [one.name for one in read("csv", "name,text,title\na,x,\nb,,\n,y,\n")] == ["a", None]


TEXTS = ["One {{x}}", "{{x}} is first", "[INST] x [/INST]", "List:\n\nprompts:\n  - x", "Say:\n- role: x", "[1]"]


def test_texts_of_promptfoo_are_not_taken_for_data() -> None:
    found = read("promptfoo", "\n---\n".join([*TEXTS, ""]), "a.txt")
    assert [one.fields["template"] for one in found] == TEXTS
    [chat] = read("promptfoo", json.dumps(CHAT), "a.txt")
    assert chat.fields["messages"] == HELD


def test_samples_and_test_data_are_values_of_golden_tests() -> None:
    [github] = read("github-models", {"messages": CHAT, "testData": [{"name": "Ada"}, {"name": "Bo", "expected": "x"}]})
    assert github.cases == {"test data 1": {"name": "Ada"}, "test data 2": {"name": "Bo"}}
    [prompty] = read("prompty", front({"sample": {"q": "why"}}, "user:\n{{ q }}"))
    assert prompty.cases == {"the sample": {"q": "why"}}


REFUSED: list[tuple[str, Any, str]] = [
    ("github-models", {"name": "x"}, "messages: there are none"),
    ("github-models", {"messages": [{"role": "judge", "content": "x"}]}, "'judge' is not a role"),
    ("github-models", "- x", "the file has no fields"),
    ("github-models", "a: [", ": not valid YAML"),
    ("github-models", {"messages": CHAT, "testData": ["x"]}, "testData[0] has no fields"),
    (
        "github-models",
        {"messages": [CHAT[0], {"role": "user", "content": "{{#x}}"}]},
        "messages[1]: '{{#' is text there",
    ),
    ("mlflow", {"name": "x", "template": "{{{x}}}"}, "template: '{{{' is text there"),
    ("langfuse", [{"name": "x", "prompt": "{{! note }}"}], "prompt: '{{!' is text there"),
    ("langfuse", [], "expected a list of prompts"),
    ("langfuse", [{"name": 1, "prompt": "x"}], "[0] is not a prompt"),
    ("langfuse", [{"name": "x", "prompt": 1}], "x: prompt is neither"),
    ("langchain", {"template": "x"}, "neither lc: 1"),
    ("langchain", constructor("RunnableSequence", first=1), "does not read RunnableSequence"),
    ("langchain", {"lc": 1, "type": "secret", "id": ["KEY"]}, "is not a constructor"),
    (
        "langchain",
        {"lc": 1, "type": "not_implemented", "id": ["a", "FewShotChatMessagePromptTemplate"], "repr": "x"},
        "the top: LangChain writes no FewShotChatMessagePromptTemplate to JSON",
    ),
    ("langchain", {"_type": "prompt", "template_path": "/etc/passwd"}, "put the text of that file"),
    ("langchain", {"_type": "few_shot", "example_selector": {}}, "chooses them at run time"),
    (
        "langchain",
        constructor(
            "ChatPromptTemplate",
            messages=[
                constructor("SystemMessage", content="{{ x }}"),
                constructor("HumanMessagePromptTemplate", prompt=template("x", template_format="jinja2")),
            ],
        ),
        "has signs of the template format",
    ),
    (
        "langchain",
        constructor("ChatPromptTemplate", messages=[constructor("HumanMessage", content=[1])]),
        "messages[0].kwargs.content: these are not content parts",
    ),
    (
        "langchain",
        constructor("ChatPromptTemplate", messages=[constructor("HumanMessagePromptTemplate", prompt=[{"lc": 1}])]),
        "messages[0].kwargs.prompt[0] is not a constructor",
    ),
    ("langsmith", {"repo": "x"}, "it has no manifest"),
    ("langsmith", {"manifest": constructor("RunnableSequence", first={"lc": 1})}, "is not a constructor"),
    ("langchain", {"_type": "chat", "messages": []}, "messages[0] has no fields"),
    ("dotprompt", "{{#each items}}{{@index}}{{/each}}", "no form for {{@index}}"),
    ("dotprompt", "{{#if a}}{{media url=b}}{{/if}}", "{{media url=b}} is in a block"),
    ("dotprompt", "{{media url=a contentType=b}}", "no form for {{media url=a contentType=b}}"),
    ("dotprompt", "{{#each items}}{{x}}{{/each}}{{x}}", "{{x}} in a list is a field of an item"),
    (
        "prompty",
        front({"inputs": [{"name": "h", "kind": "thread"}]}, "user:\n{{h}} and\n"),
        "inputs.h: a thread is a list",
    ),
    (
        "prompty",
        front({"name": "x"}, "system:\n{% set x = 1 %}A\nuser:\n{{ x }}"),
        "messages[1]: 'x' is set in another",
    ),
    ("jinja2", "# System:\n{% macro m() %}A{% endmacro %}\n# User:\n{{ m() }}", "messages[1]: 'm' is set in another"),
    ("jinja2", "# System:\n{% include 'x' %}", "messages[0]: it reads other files"),
    ("jinja2", "# System:\nA\n# tool:\nB", "promptdb has no message for the line '# tool:'"),
    ("promptfoo", {"prompts": ["langfuse://foo:3:chat"]}, "names a prompt on a server"),
    ("langfuse", {"data": [], "meta": {"totalPages": 2}}, "one of several pages"),
    ("github-models", {"messages": [{"role": "user", "content": "x"}], "jsonSchema": "bad"}, "jsonSchema: line 1"),
    ("dotprompt", "{{helper a b}}", "no form for {{helper a b}}"),
    ("dotprompt", "{{>partial}}", "no form for {{>partial}}"),
    ("dotprompt", "{{#if a}}x{{#each a}}{{this}}{{/each}}{{/if}}", "{{#if a}} asks for a list or an object"),
    (
        "dotprompt",
        front({"input": {"schema": {"a(array)": "string"}}}, "{{#if a}}x{{/if}}"),
        "{{#if a}} asks for a list",
    ),
    (
        "dotprompt",
        front({"input": {"schema": {"a(object)": {"b": "string"}}}}, "{{#unless a}}x{{else}}{{b}}{{/unless}}"),
        "{{#if a}} asks for a list or an object",
    ),
    (
        "dotprompt",
        front({"input": {"schema": {"a(object)": {"b": "string"}}}}, "{{#each a}}x{{/each}}"),
        "is of an object",
    ),
    ("dotprompt", "{{#if a}}x", "the block a is not closed"),
    ("dotprompt", '{{#if a}}{{role "system"}}{{/if}}', "is in a block"),
    ("dotprompt", "x{{/if}}", "closes no block"),
    ("dotprompt", r"write \{{name}}", "writes braces as text"),
    ("dotprompt", "", "there is no template"),
    ("dotprompt", front({"input": {"schema": {"a": "text"}}}, "x"), "'text' is not a type of Picoschema"),
    ("prompty", front({"template": {"format": "liquid"}}, "x"), "does not read 'liquid'"),
    ("prompty", "user:\nx", "it has no front matter"),
    ("prompty", front({"name": "x"}, "Before\n\nuser:\nx"), "text before the first role"),
    ("promptfoo", {"prompts": ["file://x.txt"]}, "it names a file"),
    ("promptfoo", {"prompts": [{"id": "file://x.py"}]}, "no raw text"),
    ("promptfoo", {"tests": []}, "there are none"),
    ("mlflow", {"name": "x"}, "is not a version of a prompt"),
    ("jinja2", "Hi {{ name }}", "no line is a heading"),
    ("jinja2", "Hi\n# User:\nx", "text before the first heading"),
    (
        "jinja2",
        "user:\n{% for x in y %}\nai:\n{{ x }}\n{% endfor %}\nuser:\nz",
        "messages[0]: a block of jinja2 goes over",
    ),
    ("prompty", front({"name": "x"}, "user:\nx\nuser[name=Ann]:\ny"), "no message for the line 'user[name=Ann]:'"),
    ("prompty", front({"name": "x"}, "user:\nx\nfunction:\ny"), "no message for the line 'function:'"),
    ("csv", "prompt,Prompt\na,b\n", "two columns have the same name"),
    ("csv", "name,prompt\na,\n", "no row has a text"),
    ("csv", "a,b\n1,2\n", "no column for the text"),
    ("csv", 'prompt\n"x\n', "it is not CSV"),
]


@pytest.mark.parametrize(("name", "data", "reason"), REFUSED)
def test_what_a_prompt_file_cannot_hold_is_refused_with_the_reason(name: str, data: Any, reason: str) -> None:
    with pytest.raises(NotHeld) as refused:
        read(name, data)
    assert reason in str(refused.value)
