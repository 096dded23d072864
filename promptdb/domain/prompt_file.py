"""The fields of a prompt file: those of a spec, shorthands, names of other files and golden tests."""

from collections import Counter
from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator
from pydantic_core import PydanticCustomError

from promptdb.domain.spec import (
    AssetKind,
    FewShotFields,
    JsonObject,
    Kind,
    MessageFields,
    Model,
    Names,
    Placeholder,
    SpecFields,
    TemplateFormat,
    Undefined,
    message_or_placeholder,
)

MAX_ASSETS = 1000
"""Assets of one prompt file: each is a file that a check must find and digest."""

SCHEMA_FIELD = "$schema"
"""The field with the address of a schema, for editors. It is not part of the prompt."""

NO_TEMPLATE = "no_template"
"""The type of the error of a message without text."""

_Text = Annotated[str, Field(min_length=1)]
_Texts = _Text | Annotated[list[_Text], Field(min_length=1)]


class ExpectedMessage(Model):
    """`role` is a role as in `messages`, or the `role_name` of a generic message."""

    role: str
    content: str | list[JsonObject]


class Expectation(Model):
    """Conditions that must all hold. `contains` and `not_contains` search the text, or all messages of a chat."""

    equals: str | None = None
    contains: _Texts = Field(default_factory=list)
    not_contains: _Texts = Field(default_factory=list)
    messages: list[ExpectedMessage] | None = None

    @model_validator(mode="after")
    def _expects_something(self) -> Self:
        if all(getattr(self, name) is None for name in self.model_fields_set):
            raise ValueError("expect at least one of equals, contains, not_contains, messages")
        return self


class GoldenTest(Model):
    """A render with an expected result. It is not part of the version."""

    name: str
    variables: dict[str, Any] = Field(default_factory=dict)
    expect: Expectation


class MessageInFile(MessageFields):
    """A message as written: its text, its content parts, or the name of the file that holds the text."""

    template: str | list[JsonObject] | None = None
    template_file: str | None = None

    @model_validator(mode="after")
    def _has_a_text(self) -> Self:
        if self.template is None and self.template_file is None:
            raise PydanticCustomError(NO_TEMPLATE, "a message needs a 'template' or a 'template_file'")
        return self


ChatItemInFile = Annotated[
    Annotated[MessageInFile, Tag("message")] | Annotated[Placeholder, Tag("placeholder")],
    Discriminator(message_or_placeholder),
]


class FewShotInFile(FewShotFields):
    examples: list[JsonObject] | None = None
    examples_file: str | None = None
    examples_asset: str | None = None

    @model_validator(mode="after")
    def _one_source_of_examples(self) -> Self:
        if [self.examples, self.examples_file, self.examples_asset].count(None) != 2:
            raise ValueError("give one of 'examples', 'examples_file' and 'examples_asset'")
        return self


class AssetInFile(Model):
    path: str
    kind: AssetKind = "attachment"


class PromptFile(SpecFields):
    """A prompt file as written. `input_variables` and `optional_variables` are shorthand for untyped `variables`."""

    kind: Kind | None = None
    template_format: TemplateFormat | None = None
    undefined: Undefined | None = None
    template_file: str | None = None
    messages: list[ChatItemInFile] | None = None
    input_variables: Names = Field(default_factory=list)
    optional_variables: Names = Field(default_factory=list)
    few_shot: FewShotInFile | None = None
    assets: Annotated[list[AssetInFile], Field(max_length=MAX_ASSETS)] = Field(default_factory=list)
    tests: list[GoldenTest] = Field(default_factory=list)
    renamed_from: Names = Field(default_factory=list)

    @field_validator("tests")
    @classmethod
    def _distinct_names(cls, tests: list[GoldenTest]) -> list[GoldenTest]:
        names = [test.name for test in tests]
        twice = next((name for name, number in Counter(names).items() if number > 1), None)
        if twice is not None:
            raise ValueError(f"two tests are named {twice!r}")
        return tests
