"""A spec made ready to render: templates compiled once, then used for every call."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from promptdb.domain.contract import contract, value_problem
from promptdb.domain.spec import Message, Placeholder, PromptSpec
from promptdb.errors import MissingVariables, RenderError
from promptdb.render.messages import RenderedMessage, as_text, message_from
from promptdb.render.templates import CompiledTemplates, Path, compile_templates, map_strings, used_names

DEFAULT_EXAMPLES_VARIABLE = "examples"


class CompiledPrompt:
    """Renders one spec.

    Raises:
        TemplateError: when made, if a template does not parse.
    """

    def __init__(self, spec: PromptSpec) -> None:
        compiled, errors = compile_templates(spec)
        if errors:
            raise errors[0][1]
        self._spec = spec
        self._templates: CompiledTemplates = compiled
        self._examples_variable = examples_variable(spec)
        used = {name: path for name, path in used_names(compiled).items() if name != self._examples_variable}
        self.contract = contract(spec, used)
        self._mentions = frozenset[str]().union(*(template.mentions for template in compiled.values()))
        self.names = self._mentions.union(self.contract)
        """What a caller can usefully give: the contract, and names that a section of a template may look up."""

        self._examples_text = self._render_examples_text()

    def render_text(self, values: Mapping[str, Any]) -> str:
        """The text of a string prompt; a chat as lines of `Speaker: content`.

        Raises:
            MissingVariables: naming all that are missing.
            RenderError: a value does not fit the contract or the template.
        """
        if self._spec.kind == "chat":
            return as_text(self.render_messages(values))
        checked = self._check(values)
        if self._examples_variable is not None:
            checked[self._examples_variable] = self._examples_text
        return self._templates[("template",)].render(checked)

    def render_messages(self, values: Mapping[str, Any]) -> list[RenderedMessage]:
        """The messages of a chat; a string prompt as one human message.

        Raises:
            MissingVariables: naming all that are missing.
            RenderError: a value does not fit the contract or the template.
        """
        if self._spec.kind == "string":
            return [RenderedMessage("human", self.render_text(values))]
        checked = self._check(values)
        messages: list[RenderedMessage] = []
        insert_at = examples_index(self._spec)
        items = self._spec.messages or []
        for index, item in enumerate(items):
            if index == insert_at:
                messages += self._render_examples()
            messages += self._render_item(("messages", index), item, checked)
        return messages + self._render_examples() if insert_at == len(items) else messages

    def _render_item(
        self, path: Path, item: Message | Placeholder, values: Mapping[str, Any]
    ) -> Sequence[RenderedMessage]:
        if isinstance(item, Message):
            return [self._render_message(path, item, values)]
        given = values.get(item.variable_name, [])
        if not isinstance(given, list | tuple):
            raise RenderError(f"variable {item.variable_name!r}: expected messages, got {type(given).__name__}")
        return [message_from(value, f"{item.variable_name}[{index}]") for index, value in enumerate(given)]

    def _render_message(self, path: Path, message: Message, values: Mapping[str, Any]) -> RenderedMessage:
        content = map_strings(message.template, (*path, "template"), lambda at, _: self._templates[at].render(values))
        kwargs = deepcopy(message.additional_kwargs)  # the caller may change what it gets
        return RenderedMessage(message.role, content, message.role_name, message.name, kwargs)

    def _render_examples_text(self) -> str:
        """The examples of a string prompt: always the same, since they bring their own values."""
        few_shot = self._spec.few_shot
        if few_shot is None or self._spec.kind == "chat":
            return ""
        template = self._templates[("few_shot", "string_template")]
        return few_shot.example_separator.join(template.render(example) for example in few_shot.examples)

    def _render_examples(self) -> list[RenderedMessage]:
        """The examples of a chat."""
        few_shot = self._spec.few_shot
        if few_shot is None:
            return []
        return [
            self._render_message(("few_shot", "chat_messages", index), message, example)
            for example in few_shot.examples
            for index, message in enumerate(few_shot.chat_messages or ())
        ]

    def _check(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The values to render with: the caller's, else the stored partial values, else the defaults."""
        values: dict[str, Any] = {name: given[name] for name in self._mentions if name in given}
        missing, misfits = [], []
        for name, variable in self.contract.items():
            if name in given:
                values[name] = given[name]
                if (problem := value_problem(variable, given[name])) is not None:
                    misfits.append(f"variable {name!r}: {problem}")
            elif name in self._spec.partial_variables:
                values[name] = deepcopy(self._spec.partial_variables[name])  # messages go out as they are
            elif variable.required:
                missing.append(name)
            elif variable.default is not None:
                values[name] = deepcopy(variable.default)
        if missing:
            raise MissingVariables(missing)
        if misfits:
            raise RenderError("; ".join(misfits))
        return values


def examples_variable(spec: PromptSpec) -> str | None:
    """The variable that stands for the examples of a string prompt; None where there is no such thing."""
    if spec.kind == "chat" or spec.few_shot is None:
        return None
    insert_at = spec.few_shot.insert_at
    return insert_at if isinstance(insert_at, str) else DEFAULT_EXAMPLES_VARIABLE


def examples_index(spec: PromptSpec) -> int | None:
    """The index in `messages` before which the examples of a chat go; None where there are none."""
    if spec.kind == "string" or spec.few_shot is None:
        return None
    if isinstance(spec.few_shot.insert_at, int):
        return spec.few_shot.insert_at
    roles = [item.role if isinstance(item, Message) else None for item in spec.messages or ()]
    return next((index for index, role in enumerate(roles) if role != "system"), len(roles))
