"""Compiled items of a chat: messages, placeholders and examples, each rendered from the values of one call."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from functools import cached_property
from typing import Any

from promptdb.domain.field_path import FieldPath, place_of
from promptdb.domain.spec import JsonObject, Message, Placeholder, PromptSpec
from promptdb.errors import RenderError, TemplateError
from promptdb.render.assets import PromptAssets, images_in
from promptdb.render.messages import Content, RenderedMessage, message_from
from promptdb.render.templates import CompiledTemplates, map_strings


class CompiledMessage:
    """One message with its compiled templates, by their places. `path` leads to the message in the spec."""

    def __init__(self, message: Message, path: FieldPath, templates: CompiledTemplates, assets: PromptAssets) -> None:
        self.message = message
        self._assets = assets
        self._images = dict(images_in(message.template, (*path, "template")))
        self._path = (*path, "template")
        self._templates = templates
        self._whole = self._templates.get(self._path)
        self.variables = tuple(dict.fromkeys(name for item in self._templates.values() for name in item.variables))
        needed = {n for item in self._templates.values() for n in item.variables if n not in item.optional}
        self.optional = frozenset(self.variables) - needed
        self.mentions = frozenset[str]().union(*(item.mentions for item in self._templates.values()))

    @property
    def names(self) -> frozenset[str]:
        return self.mentions.union(self.variables)

    def render(self, values: Mapping[str, Any]) -> list[RenderedMessage]:
        """Render the message as a list of one.

        Raises:
            TemplateError: a value does not fit where a template uses it.
            StorageError, IntegrityFailure: an image cannot be read.
        """
        message = self.message
        try:
            content = self._whole.render(values) if self._whole is not None else self._parts(values)
        except TemplateError as error:
            raise error.inside(place_of(self._path[:-1])) from error
        kwargs = deepcopy(message.additional_kwargs) if message.additional_kwargs else {}  # the caller may change it
        return [RenderedMessage(message.role, content, message.role_name, message.name, kwargs)]

    def _parts(self, values: Mapping[str, Any]) -> Content:
        def text(path: FieldPath, _: str) -> str:
            # Only the template can name an image: no value makes promptdb read an asset.
            if path in self._images:
                return self._assets.data_url(self._images[path])
            return self._templates[path].render(values)

        content: Content = map_strings(self.message.template, self._path, text)
        return content


class CompiledPlaceholder:
    """The place of messages that the caller gives."""

    def __init__(self, placeholder: Placeholder) -> None:
        self.placeholder = placeholder
        self.names = frozenset({placeholder.variable_name})

    def given(self, values: Mapping[str, Any]) -> Iterable[tuple[object, RenderedMessage]]:
        """Yield each message as the caller gave it, and in promptdb's form.

        Raises:
            RenderError: the value is not a list of messages.
        """
        name = self.placeholder.variable_name
        found = values.get(name, [])
        if not isinstance(found, list | tuple):
            raise RenderError(f"variable {name!r}: expected messages, got {type(found).__name__}")
        for index, value in enumerate(found):
            yield value, message_from(value, f"{name}[{index}]")

    def render(self, values: Mapping[str, Any]) -> list[RenderedMessage]:
        return [message for _, message in self.given(values)]


class CompiledExamples:
    """The examples of a chat: the same in every call, since they have their own values. Rendered at the first use."""

    names: frozenset[str] = frozenset()

    def __init__(self, messages: Iterable[CompiledMessage], assets: PromptAssets) -> None:
        self.messages = tuple(messages)
        self._assets = assets

    @property
    def examples(self) -> Sequence[JsonObject]:
        return self._assets.examples

    @cached_property
    def _rendered(self) -> list[RenderedMessage]:
        return [rendered for example in self.examples for item in self.messages for rendered in item.render(example)]

    def render(self, values: Mapping[str, Any]) -> list[RenderedMessage]:  # noqa: ARG002  like its siblings
        return [message.copy() for message in self._rendered]


CompiledItem = CompiledMessage | CompiledPlaceholder | CompiledExamples


def compile_items(spec: PromptSpec, templates: CompiledTemplates, assets: PromptAssets) -> list[CompiledItem]:
    """Compile the items of a chat, in the order in which the model gets them."""
    own = _by_message(templates)
    items: list[CompiledItem] = [
        CompiledMessage(item, ("messages", index), own["messages", index], assets)
        if isinstance(item, Message)
        else CompiledPlaceholder(item)
        for index, item in enumerate(spec.messages or ())
    ]
    if spec.few_shot is not None:
        messages = [
            CompiledMessage(
                message, ("few_shot", "chat_messages", index), own["few_shot", "chat_messages", index], assets
            )
            for index, message in enumerate(spec.few_shot.chat_messages or ())
        ]
        index = spec.few_shot.insert_at
        if not isinstance(index, int):  # by default after the leading system messages
            roles = [item.role if isinstance(item, Message) else None for item in spec.messages or ()]
            index = next((at for at, role in enumerate(roles) if role != "system"), len(roles))
        items.insert(index, CompiledExamples(messages, assets))
    return items


def _by_message(templates: CompiledTemplates) -> defaultdict[FieldPath, CompiledTemplates]:
    """Group templates by their messages. To search all templates for each message would be quadratic."""
    found: defaultdict[FieldPath, CompiledTemplates] = defaultdict(dict)
    for path, template in templates.items():
        if "template" in path:
            found[path[: path.index("template")]][path] = template
    return found
