"""Writes the types of prompts in TypeScript, for callers of the HTTP API."""

import json
import re
from collections.abc import Iterable, Iterator

from promptdb.codegen.contract import Contract, TypedPrompt, typed
from promptdb.codegen.model import (
    Anything,
    Either,
    Given,
    ListOf,
    MapOf,
    Named,
    OneOf,
    Record,
    Scalar,
    Type,
    reasons,
)
from promptdb.codegen.prose import about, left_out, wrapped

_HEAD = """\
// The types of prompts. `promptdb codegen` wrote this module from the prompt files: do not edit it.
"""
_MESSAGE = """\
/** A message, or a pair of its role and its content. */
export type Message =
  | { role: string; content?: string | readonly unknown[] | null; [field: string]: unknown }
  | readonly [role: string, content: string | readonly unknown[]];
"""
_HELPERS = """\
export type PromptName = keyof Prompts;

/** The name of a prompt, alone or with a selector: `support/triage:production`. */
export type PromptRef<Name extends PromptName = PromptName> = Name | `${Name}:${string}`;

/** The name in a reference. */
export type NameOf<Ref extends PromptRef> = Ref extends PromptName
  ? Ref
  : Ref extends `${infer Name}:${string}`
    ? Name & PromptName
    : never;

/** The values of the prompt that a reference names. */
export type VariablesOf<Ref extends PromptRef> = Prompts[NameOf<Ref>]["variables"];

/** Its answer: text without a response schema. */
export type AnswerOf<Ref extends PromptRef> = Prompts[NameOf<Ref>]["answer"];
"""
_RESERVED = ("PromptRef", "Prompts")
_SCALARS = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
_GIVEN = {
    "array": "readonly unknown[]",
    "object": "Readonly<Record<string, unknown>>",
    "messages": "readonly Message[]",
}
_WIDTH = 100


def typescript_module(contracts: Iterable[Contract]) -> str:
    """Write the module for these prompts. Equal contracts give equal bytes."""
    prompts = typed(contracts, _RESERVED)
    blocks = [_HEAD]
    if any(field.type == Given("messages") for prompt in prompts for field in prompt.variables.fields):
        blocks.append(_MESSAGE)
    blocks += [_block(lines) for prompt in prompts for lines in _types_of(prompt)]
    blocks += [_block(_prompts(prompts)), _HELPERS]
    return "\n".join(blocks)


def _types_of(prompt: TypedPrompt) -> Iterator[Iterator[str]]:
    yield _interface(prompt.variables)
    if prompt.answer is None:
        return
    said = f"The answer to {prompt.contract.prompt}."
    for record in prompt.answer.records:
        yield _interface(record, said if record.name == prompt.answer.name else "A part of an answer.")
    if prompt.answer.type != Named(prompt.answer.name):
        yield _alias(prompt.answer.name, prompt.answer.type, said)


def _interface(record: Record, part: str = "") -> Iterator[str]:
    yield from list(_comment(record.description, "")) or _comment(part, "")
    if not record.fields:
        # An empty interface would take any value.
        yield f"export type {record.name} = Record<string, never>;"
        return
    yield f"export interface {record.name} {{"
    for field in record.fields:
        yield from _comment(about(field), "  ")
        yield f"  {_key(field.name)}{'' if field.is_required else '?'}: {_text(field.type)};"
    yield "}"


def _alias(name: str, kind: Type, said: str) -> Iterator[str]:
    yield from _comment("\n".join([said, *left_out(reasons(kind))]), "")
    yield f"export type {name} = {_text(kind)};"


def _prompts(prompts: Iterable[TypedPrompt]) -> Iterator[str]:
    yield "/** Each prompt: what it takes, and what a model answers. */"
    yield "export interface Prompts {"
    for prompt in prompts:
        contract = prompt.contract
        answer = prompt.answer.name if prompt.answer is not None else "string"
        for name in prompt.names:
            yield from _comment(f"{contract.title}\n{contract.description}", "  ")
            yield f"  {_string(name)}: {{ variables: {prompt.variables.name}; answer: {answer} }};"
    yield "}"


def _text(kind: Type) -> str:
    match kind:
        case Scalar(name):
            return _SCALARS[name]
        case OneOf(values):
            return " | ".join(_string(value) if isinstance(value, str) else json.dumps(value) for value in values)
        case ListOf(item):
            inner = _text(item)
            return f"({inner})[]" if isinstance(item, Either | OneOf) else f"{inner}[]"
        case MapOf(value):
            return f"Record<string, {_text(value)}>"
        case Either(members):
            # A number may be an integer as well.
            return " | ".join(dict.fromkeys(map(_text, members)))
        case Named(name):
            return name
        case Anything():
            return "unknown"
        case Given(name):
            return _GIVEN[name]


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_$][\w$]*", name, re.ASCII) else _string(name)


def _string(value: str) -> str:
    # JSON escapes the line breaks of ASCII only.
    return "".join(
        char if char.isprintable() else json.dumps(char)[1:-1] for char in json.dumps(value, ensure_ascii=False)
    )


def _comment(said: str, indent: str) -> Iterator[str]:
    lines = [line.replace("*/", "*\\/") for line in wrapped(said, _WIDTH - len(indent) - 7)]
    if len(lines) == 1:
        yield f"{indent}/** {lines[0]} */"
    elif lines:
        yield f"{indent}/**"
        yield from (f"{indent} * {line}".rstrip() for line in lines)
        yield f"{indent} */"


def _block(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"
