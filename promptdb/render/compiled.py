"""A compiled spec: compiles the templates once and renders them for every call."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

from promptdb.domain.contract import contract
from promptdb.domain.field_path import FieldPath, place_of
from promptdb.domain.spec import PromptSpec
from promptdb.errors import TemplateError
from promptdb.render.assets import OpenBlob, PromptAssets
from promptdb.render.chat_items import compile_items
from promptdb.render.inputs import Inputs
from promptdb.render.messages import RenderedMessage, as_text
from promptdb.render.templates import EXAMPLES, CompiledTemplates, compile_templates, used_names


class CompiledPrompt:
    """Renders one valid spec.

    Args:
        spec: the prompt.
        open_blob: opens the assets that are rendered. A prompt with such assets does not render without it.
        templates: the templates of the spec, if they are already compiled.

    Raises:
        TemplateError: a template does not parse.
    """

    def __init__(
        self, spec: PromptSpec, open_blob: OpenBlob | None = None, templates: CompiledTemplates | None = None
    ) -> None:
        if templates is None:
            templates, errors = compile_templates(spec)
            if errors:
                path, error = errors[0]
                raise error.inside(place_of(path))
        self.spec = spec
        self.examples_variable = examples_variable(spec)
        self._templates = templates
        self._template = templates.get(("template",))
        self.assets = PromptAssets(spec, open_blob)
        self.items = compile_items(spec, templates, self.assets) if spec.kind == "chat" else []

    def reading(self, open_blob: OpenBlob | None) -> "CompiledPrompt":
        """Return the same prompt with access to its assets, or this one if rendering needs no assets."""
        if not self.spec.assets:
            return self
        return CompiledPrompt(self.spec, open_blob, self._templates)

    # Made at the first render, because a lookup does not need them.
    @cached_property
    def inputs(self) -> Inputs:
        """The values that a caller must or may give."""
        found = names_for_callers(self.spec, self._templates)
        return Inputs(contract(self.spec, found.used, found.optional), self.spec.partial_variables, found.mentions)

    @cached_property
    def _examples(self) -> dict[str, str]:
        """The rendered examples of a string prompt, by the name of their variable."""
        if self.examples_variable is None or self.spec.few_shot is None:
            return {}
        example = self._templates["few_shot", "string_template"]
        shown = self.spec.few_shot.example_separator.join(map(example.render, self.assets.examples))
        return {self.examples_variable: shown}

    def __reduce__(self) -> tuple[type["CompiledPrompt"], tuple[PromptSpec]]:
        return CompiledPrompt, (self.spec,)  # compiled jinja2 templates and connections cannot be pickled

    def render_text(self, values: Mapping[str, Any], *, ignore_extra: bool = False) -> str:
        """Render a string prompt as its text, or a chat as lines of `Speaker: content`.

        Args:
            values: by name.
            ignore_extra: drop names that the prompt does not have, instead of raising an error.

        Raises:
            MissingVariables: required values are missing.
            UnknownVariables: the prompt does not have these names.
            RenderError: a value does not fit the contract or the template.
            StorageError, IntegrityFailure: an asset that is rendered cannot be read.
        """
        template = self._template
        if template is None:
            return as_text(self.render_messages(values, ignore_extra=ignore_extra))
        checked = self.inputs.complete(values, ignore_extra=ignore_extra)
        try:
            return template.render(checked if self.examples_variable is None else {**checked, **self._examples})
        except TemplateError as error:
            raise error.inside(place_of(("template",))) from error

    def render_messages(self, values: Mapping[str, Any], *, ignore_extra: bool = False) -> list[RenderedMessage]:
        """Render a chat as its messages, or a string prompt as one human message. Raises the errors of `render_text`."""
        if self._template is not None:
            return [RenderedMessage("human", self.render_text(values, ignore_extra=ignore_extra))]
        checked = self.inputs.complete(values, ignore_extra=ignore_extra)
        messages: list[RenderedMessage] = []
        for item in self.items:
            messages += item.render(checked)
        return messages


class CallerNames(NamedTuple):
    """The names in the templates of a prompt that a caller may give.

    `used` are those that they need, in order, with the path of the first use. No template needs those in `optional`. Sections
    may look up `mentions`.
    """

    used: dict[str, FieldPath]
    optional: frozenset[str]
    mentions: frozenset[str]


def names_for_callers(spec: PromptSpec, compiled: CompiledTemplates) -> CallerNames:
    filled = examples_variable(spec)
    used = {name: path for name, path in used_names(compiled).items() if name != filled}
    own = [template for path, template in compiled.items() if path[:1] != EXAMPLES]
    needed = {name for template in own for name in template.variables if name not in template.optional}
    mentions = frozenset[str]().union(*(template.mentions for template in own))
    return CallerNames(used, frozenset(used.keys() - needed), mentions)


def examples_variable(spec: PromptSpec) -> str | None:
    """Return the variable that holds the examples of a string prompt, or None if it has none."""
    if spec.kind == "chat" or spec.few_shot is None:
        return None
    insert_at = spec.few_shot.insert_at
    return insert_at if isinstance(insert_at, str) else "examples"
