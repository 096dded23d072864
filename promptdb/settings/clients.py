"""The types of the settings that say where a client finds prompts. Messages do not show a wrong value."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_core import PydanticCustomError

from promptdb.domain.server_address import parse_server_address

SourceName = Literal["database", "files", "http", "snapshot"]
_LIVE = ("database", "http")


def _listed(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


def _chain(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise PydanticCustomError("source", "it names a source twice")
    if not names or (len(names) > 1 and not (len(names) == 2 and names[0] in _LIVE and names[1] == "snapshot")):
        reason = "it is one source, or 'http' or 'database' with 'snapshot' after it, such as http,snapshot"
        raise PydanticCustomError("source", "{reason}", {"reason": reason})
    return names


def _url(text: str) -> str:
    try:
        url = parse_server_address(text)
    except ValueError as error:
        hint = "; set PROMPTDB_TOKEN instead" if "password" in str(error) else ""
        raise PydanticCustomError("url", "{reason}", {"reason": f"{error}{hint}"}) from None
    if url.query or url.fragment or text.endswith(("?", "#")):
        raise PydanticCustomError("url", "the address of the server has no query and no fragment")
    return text.rstrip("/")


def _token(token: SecretStr) -> SecretStr:
    text = token.get_secret_value()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise PydanticCustomError("token", "it is empty, or has characters that no token has")
    return token


Sources = Annotated[tuple[SourceName, ...], BeforeValidator(_listed), AfterValidator(_chain)]
ServerUrl = Annotated[str, AfterValidator(_url)]
Token = Annotated[SecretStr, AfterValidator(_token)]
