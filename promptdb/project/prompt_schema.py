"""The JSON Schema of prompt files: what editors complete, explain and underline."""

from typing import Any

from promptdb.domain.file_rules import ROLE_SYNONYMS
from promptdb.domain.prompt_file import SCHEMA_FIELD, PromptFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"
"""Every word of the schema is also one of draft-07, except `$defs`: not all editors know more."""

_ROLE = "Who says it: system, human (or user), ai (or assistant), tool, or generic with a role_name."
_FIELDS: dict[str, dict[str, str]] = {
    "PromptFile": {
        SCHEMA_FIELD: "The address or path of this schema, for editors. It is not part of the prompt.",
        "kind": "string or chat. It follows from the other fields: messages make a chat, a template makes a string prompt.",
        "template_format": "The language of the templates. By default f-string in YAML and JSON; text files have a setting.",
        "undefined": "How jinja2 treats a missing value: strict is an error, lenient is empty text.",
        "template": "The text of a string prompt, with variables such as {name}.",
        "template_file": "A text file to read instead of template, relative to this file.",
        "role": "In front matter: makes the text one chat message of this role.",
        "messages": "The messages and placeholders of a chat.",
        "variables": "The contract: the type, default and description of each variable. By default, the templates name them.",
        "input_variables": "Names of required variables without a type, as a shorthand for variables.",
        "optional_variables": "Names of optional variables without a type, as a shorthand for variables.",
        "partial_variables": "Values for variables, which a caller may override.",
        "few_shot": "Examples that are part of the prompt.",
        "model": "Settings for the model, in any form: provider, name, temperature and so on.",
        "tools": "Tool definitions, in any form.",
        "response_schema": "A JSON Schema that the answer of the model must match.",
        "assets": "Images, datasets and other files that belong to each version.",
        "tests": "Golden tests: renders with an expected result, which promptdb check runs.",
        "metadata": "Title, description, tags, owners, labels, and a version label of your own.",
        "renamed_from": "Earlier names of the prompt. It keeps its history, and references with these names find it.",
    },
    "MessageInFile": {
        "role": _ROLE,
        "role_name": "The name of a generic role.",
        "name": "The name of the participant, for models that distinguish several.",
        "additional_kwargs": "Fields for the model's interface, in any form.",
        "template": "The text of the message, or a list of content parts such as text and image_url.",
        "template_file": "A text file to read instead of template, relative to this file.",
    },
    "Message": {
        "role": _ROLE,
        "role_name": "The name of a generic role.",
        "name": "The name of the participant, for models that distinguish several.",
        "additional_kwargs": "Fields for the model's interface, in any form.",
        "template": "The text of the message, or a list of content parts such as text and image_url.",
    },
    "Placeholder": {
        "variable_name": "The variable with the messages that the caller passes.",
        "optional": "True if the caller may leave them out.",
    },
    "Variable": {
        "type": "The type of the value. Any value will do without it.",
        "required": "False if the caller may leave it out. A default makes a variable optional by itself.",
        "default": "The value for callers that pass none.",
        "description": "An explanation for callers.",
        "enum": "The only values that a caller may pass.",
    },
    "FewShotInFile": {
        "string_template": "The template of one example in a string prompt.",
        "chat_messages": "The messages of one example in a chat.",
        "insert_at": "The variable for the joined examples; in a chat, the index of the message that they precede.",
        "example_separator": "The text between two examples of a string prompt. A blank line by default.",
        "examples": "The examples: the values of each, by variable.",
        "examples_file": "A file with the examples, relative to this file: .yaml, .json or .jsonl.",
        "examples_asset": "The path of an asset with the examples. A caller may read it without the prompt.",
    },
    "AssetInFile": {
        "path": "The path of the file, relative to this file.",
        "kind": "The use of the file.",
    },
    "GoldenTest": {
        "name": "The behavior that it shows. Each test of a prompt has another name.",
        "variables": "The values to render with.",
        "expect": "The conditions that the result must meet.",
    },
    "Expectation": {
        "equals": "The whole text.",
        "contains": "A text, or several, that the result must contain.",
        "not_contains": "A text, or several, that the result must not contain.",
        "messages": "The messages of a chat, all of them.",
    },
    "ExpectedMessage": {
        "role": "A role as in messages, or the role_name of a generic one.",
        "content": "The text, or the content parts.",
    },
    "Metadata": {
        "title": "A name for people.",
        "description": "The purpose of the prompt.",
        "tags": "Words to find it by.",
        "owners": "The people or teams to ask.",
        "labels": "Names with values, for tools of your own.",
        "user_version": "A label for this content, such as 2.1. References can select by it.",
    },
}


def prompt_schema() -> dict[str, Any]:
    """Make the schema (JSON Schema 2020-12) of the fields in YAML and JSON prompt files, and in front matter."""
    made = PromptFile.model_json_schema()
    root: dict[str, Any] = _plain(made)
    roles = sorted({*ROLE_SYNONYMS, *root["$defs"]["Message"]["properties"]["role"]["enum"]})
    root["properties"] = {
        SCHEMA_FIELD: {},
        "role": {"enum": roles},
        **root["properties"],
    }
    for name, fields in _FIELDS.items():
        properties = root["properties"] if name == "PromptFile" else root["$defs"][name]["properties"]
        for field, text in fields.items():
            properties[field] = {"description": text, **properties[field]}
        if "enum" in properties.get("role", {}):
            properties["role"]["enum"] = roles
    head = {"$schema": DIALECT, "title": "promptdb prompt file"}
    return {**head, **{key: root[key] for key in ("type", "properties", "additionalProperties", "$defs")}}


def _plain(schema: Any) -> Any:
    """Leave out what repeats the name of a field, and words of OpenAPI."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _plain(value) for key, value in schema.items() if key != "discriminator"}
    if isinstance(found.get("title"), str):
        del found["title"]
    return found
