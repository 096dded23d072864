"""The page of each problem code and each finding of `verify`: what is wrong, an example and the remedy."""

import tomllib
from dataclasses import dataclass, field
from importlib.resources import files


@dataclass(frozen=True)
class CodePage:
    """The meaning of a code. The prompt files `files` cause it; `cause` describes what no text file shows."""

    code: str
    wrong: str
    remedy: str
    cause: str | None = None
    files: dict[str, str] = field(default_factory=dict)


def code_pages() -> dict[str, CodePage]:
    """Read the pages of all codes, in order."""
    source = files("promptdb.cli").joinpath("codes.toml").read_text(encoding="utf-8")
    return {code: CodePage(code, **entry) for code, entry in tomllib.loads(source).items()}
