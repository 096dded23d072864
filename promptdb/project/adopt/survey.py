"""Finds the files of a repository that are prompts as they are, wherever they lie."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from promptdb.domain.file_rules import TextDefaults
from promptdb.domain.suffixes import STRUCTURED, SUFFIXES, TEXT_FORMATS, file_suffix
from promptdb.errors import TemplateError
from promptdb.files.findings import Unreadable
from promptdb.files.reading.fields import validate_fields
from promptdb.files.reading.formats import read_document
from promptdb.files.tree import MAX_TEXT_BYTES
from promptdb.project.adopt.foreign import LANGCHAIN_FIELDS, OTHER_SUFFIXES
from promptdb.render.formats import engine

# Files that repositories have for other readers.
_ABOUT = re.compile(
    r"(LICEN[CS]E|COPYING|NOTICE|CONTRIBUTING|CHANGELOG|CHANGES|HISTORY|AUTHORS|SECURITY|SUPPORT|CODE_OF_CONDUCT|AGENTS|CLAUDE"
    r"|(?i:licen[cs]e|contributing|changelog|code_of_conduct)|requirements|package|package-lock|tsconfig|mkdocs|renovate)"
    r"([-._]\w+)*\.(md|txt|rst|json|ya?ml)",
)
_ASIDE = frozenset(
    {
        "docs",
        "doc",
        "test",
        "tests",
        "fixtures",
        "examples",
        "site",
        "dist",
        "build",
        "vendor",
        "third_party",
        "locales",
    }
)
"""Folders whose prompts count only in a repository that has no others."""

_HIDDEN = (
    ".github/prompts",
    ".claude/commands",
    ".claude/agents",
    ".cursor/prompts",
    ".cursor/commands",
    ".cursor/rules",
)
"""Hidden folders in which other tools keep prompts."""

_SKIPPED = frozenset({"node_modules", "__pycache__", "venv"})
_OF_PROMPTS = re.compile(r"prompt|instruction|persona|system[-_ ]?message", re.IGNORECASE)
_OF_CHATS = frozenset({"system", "user", "assistant"})
_TEXTS = frozenset({".md", ".txt"})
_FIELDS = (b"template", b"messages")

# Templates of other files, such as page.html.j2.
_OF_OTHER_FILES = re.compile(
    r"\.(html?|ya?ml|json|xml|toml|ini|cfg|conf|sh|py|sql|css|js|ts|tf|service)\.\w+$", re.IGNORECASE
)


@dataclass(frozen=True)
class Survey:
    """The files of a repository, by their paths from its top.

    `files` are all that git does not ignore. `prompts` are prompts as they are, and `aside` those in folders for tests and
    documentation. A repository `is_of_texts` if most of its files are.
    """

    files: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    aside: tuple[str, ...] = ()
    is_of_texts: bool = False

    @property
    def others(self) -> list[str]:
        """The files with suffixes of other programs for prompts."""
        return [path for path in self.files if file_suffix(path) in OTHER_SUFFIXES]


def is_about_repository(path: str) -> bool:
    """Test whether a file is about the repository, such as LICENSE.txt, by its name."""
    name = PurePosixPath(path).name
    return name.lower().startswith("readme") or _ABOUT.fullmatch(name) is not None


def hidden_places(base: Path) -> list[str]:
    """Find hidden folders with files that can be prompts. They are searched only if someone names them."""
    # A link may lead out of the repository.
    folders = [base / path for path in _HIDDEN if (base / path).is_dir() and (base / path).resolve() == base / path]
    return [
        folder.relative_to(base).as_posix()
        for folder in folders
        if any(file_suffix(path) in SUFFIXES and not is_about_repository(path) for path in _files(folder, "", _nothing))
    ]


def _nothing(_: str) -> bool:
    return False


def survey(base: Path, ignores: Callable[[str], bool]) -> Survey:
    """Read the files of a repository that may be prompts. `ignores` tests a path; those of folders end with `/`."""
    files = tuple(_files(base, "", ignores))
    texts = [path for path in files if file_suffix(path) in _TEXTS and not is_aside(path)]
    own = [path for path in texts if not is_about_repository(path)]
    # A repository of texts needs no other sign.
    is_of_texts = len(own) * 2 > sum(1 for path in files if not is_about_repository(path))
    found = [
        path for path in files if file_suffix(path) in SUFFIXES and _is_prompt(base, path, is_of_texts=is_of_texts)
    ]
    own = [path for path in found if not is_aside(path)]
    return Survey(files, tuple(own), tuple(path for path in found if is_aside(path)), is_of_texts)


def is_aside(path: str) -> bool:
    """Test whether a file is in a folder for tests or documentation."""
    return not _ASIDE.isdisjoint(path.lower().split("/")[:-1])


def _is_prompt(base: Path, path: str, *, is_of_texts: bool) -> bool:
    suffix = file_suffix(path)
    if is_about_repository(path) or _OF_OTHER_FILES.search(path):
        return False
    if suffix in _TEXTS and not is_of_texts and not _is_named_as_prompt(path):
        return False
    try:
        with (base / path).open("rb") as file:
            data = file.read(MAX_TEXT_BYTES + 1)
        return len(data) <= MAX_TEXT_BYTES and _reads_as_prompt(path, suffix, data)
    except (OSError, Unreadable, TemplateError):
        return False


def _is_named_as_prompt(path: str) -> bool:
    return _OF_PROMPTS.search(path) is not None or PurePosixPath(path).stem.lower() in _OF_CHATS


def _reads_as_prompt(path: str, suffix: str, data: bytes) -> bool:
    # Most YAML and JSON is something else, and parsing it takes longer than reading it.
    if suffix in STRUCTURED and not any(field in data for field in _FIELDS):
        return False
    document = read_document(path, suffix, data, TextDefaults("plain"))
    for name in LANGCHAIN_FIELDS:
        document.data.pop(name, None)
    file, problems = validate_fields(document)
    if file is None or problems:
        return False
    template_format = TEXT_FORMATS.get(suffix)
    if template_format is not None and file.template is not None:
        engine(template_format).include_names(file.template)
    return bool(file.template or file.template_file or file.messages)


def _files(base: Path, folder: str, ignores: Callable[[str], bool]) -> Iterator[str]:
    entries: list[Path] = []
    with suppress(PermissionError):
        entries = sorted((base / folder).iterdir())
    for entry in entries:
        path = f"{folder}{entry.name}"
        if entry.name[0] in "._" or entry.is_symlink():
            continue
        if entry.is_dir():
            if entry.name not in _SKIPPED and not ignores(path + "/"):
                yield from _files(base, path + "/", ignores)
        # A pipe would keep its reader waiting.
        elif entry.is_file() and not ignores(path):
            yield path
