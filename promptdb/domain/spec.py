"""The spec of a prompt: the content of a version, independent of the place and time of reading."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    model_validator,
)
from pydantic import ValidationError as PydanticValidationError

from promptdb.domain.digest import SCHEME, Digest, canonical_json, digest_of, normalized
from promptdb.domain.file_rules import ROLE_SYNONYMS
from promptdb.domain.refs import MAX_LABEL, is_label
from promptdb.errors import IntegrityFailure

Kind = Literal["string", "chat"]
TemplateFormat = Literal["f-string", "jinja2", "mustache", "plain"]
Undefined = Literal["strict", "lenient"]
Role = Literal["system", "human", "ai", "generic", "tool"]
VariableType = Literal["string", "integer", "number", "boolean", "array", "object", "messages"]
AssetKind = Literal["attachment", "example_dataset", "snapshot"]

TEMPLATE_FORMATS: tuple[TemplateFormat, ...] = get_args(TemplateFormat)

MAX_ITEMS = 10_000
"""Items of a list in a prompt. Without a limit, a wrong list of half a million items would keep a check busy."""

Names = Annotated[list[str], Field(max_length=MAX_ITEMS)]
Json = Annotated[JsonValue, AfterValidator(normalized)]
JsonObject = Annotated[dict[str, JsonValue], AfterValidator(normalized)]


def _role(value: object) -> object:
    return ROLE_SYNONYMS.get(value, value) if isinstance(value, str) else value


def _label(value: str) -> str:
    if not is_label(value):
        rule = f"at most {MAX_LABEL} characters, no spaces, not 'latest', a UUID, 'rev:', 'sha256:' or 'git:'"
        raise ValueError(f"not usable as a selector: {rule}")
    return value


class Model(BaseModel):
    """The base of all models: frozen, strict, and closed to undeclared fields."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        hide_input_in_errors=True,
        # Most commands read no spec.
        defer_build=True,
    )

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Leave out fields with their defaults."""
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if value != field.get_default(call_default_factory=True, validated_data={}):
                yield name, value


class MessageFields(Model):
    """The fields that a message of a prompt file and one of a spec have in common."""

    role: Annotated[Role, BeforeValidator(_role)]
    role_name: str | None = None
    name: str | None = None
    additional_kwargs: JsonObject = Field(default_factory=dict)

    @model_validator(mode="after")
    def _role_name_for_generic_only(self) -> Self:
        if self.role == "generic" and not self.role_name:
            raise ValueError("role 'generic' needs a 'role_name'")
        if self.role != "generic" and self.role_name is not None:
            raise ValueError(f"'role_name' goes with role 'generic' only, not with {self.role!r}")
        return self


class Message(MessageFields):
    """One message of a chat. A `template` that is a list holds content parts, whose texts are templates."""

    template: str | list[JsonObject]


class Placeholder(Model):
    """The place of messages that the caller passes."""

    variable_name: str
    optional: bool = False


def message_or_placeholder(value: object) -> str:
    if isinstance(value, Placeholder):
        return "placeholder"
    if isinstance(value, dict) and "variable_name" in value and "role" not in value:
        return "placeholder"
    return "message"


ChatItem = Annotated[
    Annotated[Message, Tag("message")] | Annotated[Placeholder, Tag("placeholder")],
    Discriminator(message_or_placeholder),
]


class Variable(Model):
    """A value that the caller passes. Without a `type` it can be any value; with a `default` it is optional."""

    type: VariableType | None = None
    required: bool = True
    default: Json = None
    description: str | None = None
    enum: list[Json] | None = Field(default=None, min_length=1, max_length=MAX_ITEMS)

    @model_validator(mode="before")
    @classmethod
    def _optional_with_default(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("default") is not None:
            if data.get("required") is True:
                raise ValueError("a variable with a 'default' cannot be 'required: true'")
            return {"required": False, **data}
        return data


class FewShotFields(Model):
    """The form of examples in the prompt: `string_template` for string prompts, `chat_messages` for chats.

    In a string prompt, `insert_at` names the variable for the joined examples. In a chat, it is the index of the message
    that they precede. By default they follow the leading system messages.
    """

    string_template: str | None = None
    chat_messages: list[Message] | None = None
    insert_at: str | int | None = None
    example_separator: str = "\n\n"


class FewShot(FewShotFields):
    """Examples of a prompt. With `examples_asset` they are in that asset, and `examples` is empty."""

    examples: list[JsonObject]
    # `domain.digest`: an added field appears in canonical JSON only if it is set, so that older digests stay valid.
    examples_asset: Annotated[str | None, Field(exclude_if=lambda value: value is None)] = None


class Asset(Model):
    """A file that belongs to the version. `path` is the text in the prompt file."""

    path: str
    kind: AssetKind
    digest: Digest


class Metadata(Model):
    title: str | None = None
    description: str | None = None
    tags: Names = Field(default_factory=list)
    owners: Names = Field(default_factory=list)
    labels: dict[str, str] = Field(default_factory=dict)
    user_version: Annotated[str, AfterValidator(_label)] | None = None


class SpecFields(Model):
    """The fields that a prompt file and a spec have in common."""

    template: str | None = None
    variables: dict[str, Variable] | None = None
    partial_variables: JsonObject = Field(default_factory=dict)
    model: JsonObject = Field(default_factory=dict)
    tools: list[JsonObject] = Field(default_factory=list)
    response_schema: JsonObject | None = None
    metadata: Metadata = Field(default_factory=Metadata)


def _kind(fields: dict[str, Any]) -> Kind:
    return "string" if fields.get("messages") is None else "chat"


class PromptSpec(SpecFields):
    """A whole prompt. `variables` is None if the contract is inferred from the templates.

    `includes` holds the text of each fragment that a template names, as it was when the file was read. `undefined` says what
    jinja2 does with a missing value.
    """

    template_format: TemplateFormat = "f-string"
    # Added later too: canonical JSON has it only where it is lenient.
    undefined: Annotated[Undefined, Field(exclude_if=lambda value: value == "strict")] = "strict"
    messages: list[ChatItem] | None = None
    kind: Kind = Field(default_factory=_kind)
    few_shot: FewShot | None = None
    assets: list[Asset] = Field(default_factory=list)
    includes: dict[str, str] = Field(default_factory=dict)

    def canonical(self) -> bytes:
        """Write the canonical JSON that is hashed and stored."""
        return canonical_json({"scheme": SCHEME, **self.model_dump()})

    def digest(self) -> Digest:
        return digest_of(self.canonical())

    @classmethod
    def from_canonical(cls, text: str | bytes) -> "PromptSpec":
        """Read the output of `canonical`.

        Raises:
            IntegrityFailure: the text is not a spec that this release knows.
        """
        try:
            return _Stored.model_validate_json(text).to_spec()
        except PydanticValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "the top"
            raise IntegrityFailure(
                f"a stored spec cannot be read: {first['msg']} at {place}",
                "a newer promptdb wrote it, or someone changed it: upgrade promptdb, or run 'promptdb verify'",
            ) from error


class _Stored(PromptSpec):
    scheme: Literal[1]

    def to_spec(self) -> PromptSpec:
        """Become the spec itself. A copy would take as long as the parser."""
        del self.__dict__["scheme"]
        self.__pydantic_fields_set__.discard("scheme")
        # Past the guard of frozen models.
        object.__setattr__(self, "__class__", PromptSpec)
        return self
