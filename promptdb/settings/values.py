"""The types of settings that need more than a type of Python: each checks one value."""

import re
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic_core import ErrorDetails, PydanticCustomError

from promptdb.domain.file_rules import ROLE_SYNONYMS, FileRules, TextDefaults
from promptdb.domain.forges import COMMIT, PATH
from promptdb.domain.git_refs import parse_git_ref, short_ref
from promptdb.domain.refs import parse_alias
from promptdb.errors import InvalidRef

_API_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")

_NUMBERS = {"float_parsing": "expected a number", "int_parsing": "expected a whole number"}
"""Replace messages of pydantic that mention its parser."""

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(?::[0-9]{1,5})?")


def _require_alias(text: str) -> str:
    try:
        return parse_alias(text)
    except InvalidRef as error:
        # The hint is the rule. The message shows the value.
        raise PydanticCustomError("alias", error.hint or "") from None


def _ref_pattern(text: str) -> str:
    pattern = short_ref(text)
    if not pattern or any(not character.isprintable() or character.isspace() for character in pattern):
        raise PydanticCustomError("ref", "a ref is a branch such as main or release/*, or a tag such as tags/v*")
    return pattern


def _ref_name(text: str) -> str:
    try:
        return parse_git_ref(text)
    except InvalidRef as error:
        raise PydanticCustomError("ref", error.hint or "") from None


def require_text(value: Any) -> Any:
    # A CI job passes an unset variable as an empty one, and an empty path would be the current folder.
    if isinstance(value, str) and not value.strip():
        raise PydanticCustomError("empty", "it is empty")
    return value


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise PydanticCustomError("network", "a network is an address or a range, such as 10.0.0.0/8 or ::1") from None


def _message_role(value: Any) -> Any:
    return ROLE_SYNONYMS.get(value, value) if isinstance(value, str) else value


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _folder(text: str) -> str:
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if not parts or ".." in parts or text.startswith("/"):
        raise PydanticCustomError("folder", "a folder is a path below the prompts root, such as agents/system")
    return "/".join(parts)


def _api_prefix(text: str) -> str:
    if not _API_PREFIX.fullmatch(text) or any(part in (".", "..") for part in text.split("/")):
        raise PydanticCustomError("prefix", "a prefix is a path such as /api/v1, without a slash at its end")
    return text


def _origin(text: str) -> str:
    if not _ORIGIN.fullmatch(text):
        raise PydanticCustomError(
            "origin",
            "an origin is https://HOST or https://HOST:PORT in lower case, such as https://app.example.com, without a path",
        )
    return text


def _source_link(text: str) -> str:
    if not text.startswith("https://") or COMMIT not in text or PATH not in text or not text.isprintable():
        reason = "it is an https:// address with {commit} and {path}"
        raise PydanticCustomError("link", "{reason}", {"reason": reason})
    return text


AliasName = Annotated[str, AfterValidator(_require_alias)]
RefPattern = Annotated[str, AfterValidator(_ref_pattern)]
RefName = Annotated[str, AfterValidator(_ref_name)]
FolderName = Annotated[str, AfterValidator(_folder)]
Origin = Annotated[str, AfterValidator(_origin)]
SourceLink = Annotated[str, AfterValidator(_source_link)]
ApiPrefix = Annotated[str, AfterValidator(_api_prefix)]
NetworkRange = Annotated[str, AfterValidator(_network)]
TextFormat = Literal["f-string", "jinja2", "mustache", "plain"]
TextRole = Annotated[Literal["system", "human", "ai"], BeforeValidator(_message_role)]
Undefined = Literal["strict", "lenient"]
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)]


class FolderSettings(BaseModel):
    """The settings of one folder. Without a value, those of the folder around it hold."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)

    text_format: TextFormat | None = None
    text_role: TextRole | None = None
    undefined: Undefined | None = None

    def over(self, outer: TextDefaults) -> TextDefaults:
        return TextDefaults(
            self.text_format or outer.template_format,
            self.text_role or outer.role,
            self.undefined or outer.undefined,
            outer.ignored,
        )


def rules_of(text: TextDefaults, folders: Mapping[str, FolderSettings]) -> FileRules:
    """Make the rules of a tree. The outer folders come first, so that the inner ones inherit from them."""
    rules = FileRules(text)
    for folder in sorted(folders, key=len):
        own = folders[folder].over(rules.text_at(f"{folder}/"))
        rules = FileRules(text, (*rules.folders, (folder, own)))
    return rules


def misfit(entry: ErrorDetails) -> tuple[str, str]:
    """Return the place of an error inside a setting with keys, and the message. Neither has the value: it may be a secret."""
    has_keys = entry["loc"][:1] in (("refs",), ("names",), ("folders",))
    inner = "".join(f".{part}" for part in entry["loc"][1:] if has_keys and part != "[key]")
    if entry["type"] == "extra_forbidden":
        return inner, f"unknown; a folder has {', '.join(FolderSettings.model_fields)}"
    return inner, _NUMBERS.get(entry["type"]) or entry["msg"].replace("Input should be", "expected")
