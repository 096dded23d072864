"""Proposes settings for a repository: the prompts root, the text format, and files to ignore. Writes nothing."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from promptdb.domain.file_rules import FileRules, TextDefaults
from promptdb.domain.spec import TemplateFormat
from promptdb.domain.suffixes import STRUCTURED, SUFFIXES, TEXT_FORMATS, file_suffix
from promptdb.errors import ConfigError, StorageError
from promptdb.files.ignore import IGNORE_FILE
from promptdb.files.scan import Scan, scan
from promptdb.files.tree import WorkTree
from promptdb.git.repository import repository_root
from promptdb.git.worktree import open_work_tree
from promptdb.problems import Code
from promptdb.project.read_file import Loader
from promptdb.settings import CONFIG_FILE, settings_file

EXAMPLE = """\
# {company} and {question} are variables; promptdb check reports missing and misspelled ones.
messages:
  - role: system
    template: You answer questions about {company} in at most three sentences.
  - role: human
    template: "{question}"
variables:
  company: {type: string, default: our company}
  question: {type: string}
tests:
  - name: asks the question
    variables: {question: Where is my order?}
    expect: {contains: Where is my order?}
"""
_EXAMPLE_FILE = "examples/answer.yaml"
_LOCAL_FILES = ("promptdb.sqlite3*", ".blobs/")

# Files that repositories have for other readers.
_NOT_PROMPTS = re.compile(
    r"(LICEN[CS]E|COPYING|NOTICE|CONTRIBUTING|CHANGELOG|CHANGES|HISTORY|AUTHORS|SECURITY|CODE_OF_CONDUCT|AGENTS|CLAUDE"
    r"|README|requirements|package|package-lock|tsconfig|mkdocs|renovate)([-._]\w+)*\.\w+"
)
_NO_PROMPT_FOLDERS = frozenset({"docs", "doc", "test", "tests", "node_modules", "site", "dist", "build", "examples"})


@dataclass
class Proposal:
    """New files with their text in `writes`, findings in `facts`, and steps for a person in `advice`."""

    base: Path
    root: str
    text_format: TemplateFormat = "f-string"
    prompts: int = 0
    writes: dict[Path, str] = field(default_factory=dict)
    facts: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)

    def write(self) -> None:
        """Write the new files.

        Raises:
            StorageError: a file is there already, or cannot be written.
        """
        for file, text in self.writes.items():
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
                with file.open("xb") as stream:
                    stream.write(text.encode(errors="surrogateescape"))  # a file name may not be UTF-8
            except OSError as error:
                raise StorageError(f"cannot write {file}: {error.strerror}", _remedy(error)) from error


def _remedy(error: OSError) -> str:
    exists = isinstance(error, FileExistsError)
    return "init never replaces a file" if exists else "check whether the folder is read-only for you"


def propose(folder: Path, root: str | None = None) -> Proposal:
    """Examine a repository.

    Args:
        folder: a folder of the repository. Settings go to the top of the repository, or to this folder without git.
        root: the prompts root, relative to the settings; found by default.

    Raises:
        ConfigError: there are settings already, or `root` is outside the repository.
    """
    base = repository_root(folder) or folder.resolve()
    if (file := settings_file(base)) is not None and file.parent == base:
        raise ConfigError(f"{file} sets promptdb up already", "edit it, or run 'promptdb check'")
    prompts = (base / (root if root is not None else _find_root(base))).resolve()
    if not prompts.is_relative_to(base):
        raise ConfigError(f"{root} is not below {base}", "name a folder of this repository")
    proposal = Proposal(base, prompts.relative_to(base).as_posix())
    if prompts.is_dir() and (found := scan(prompts, _git_ignores(prompts))).candidates:
        _adopt(proposal, found)
    else:
        proposal.facts.append(f"no prompt files yet; {proposal.root}/{_EXAMPLE_FILE} is an example to start from")
        proposal.writes[prompts / _EXAMPLE_FILE] = EXAMPLE
        proposal.prompts = 1
    text_format = f'text_format = "{proposal.text_format}"\n' if proposal.text_format != "f-string" else ""
    root_text = json.dumps(proposal.root, ensure_ascii=False)
    proposal.writes[base / CONFIG_FILE] = f"prompts_root = {root_text}\n{text_format}"
    _keep_local_files_out_of_git(proposal)
    return proposal


def _find_root(base: Path) -> str:
    """Choose the folder with "prompt" in its name that has the most files, or a repository of texts, or a new folder."""
    files = [path for path in _files(base, "", _git_ignores(base)) if not _NOT_PROMPTS.fullmatch(path.name)]
    named = Counter(
        str(parent)
        for path in files
        if path.suffix.lower() in SUFFIXES
        for parent in path.parents
        if "prompt" in parent.name.lower()
    )
    if named:
        most = max(named.values())
        return min((name for name, count in named.items() if count == most), key=lambda name: name.count("/"))
    texts = [path for path in files if path.suffix.lower() in TEXT_FORMATS and path.parts[0] not in _NO_PROMPT_FOLDERS]
    if len(texts) * 2 <= len(files):
        return "prompts"
    tops = {path.parts[0] if len(path.parts) > 1 else "." for path in texts}
    return tops.pop() if len(tops) == 1 else "."


def _adopt(proposal: Proposal, found: Scan) -> None:
    """Choose the text format, and ignore files that cannot be prompts, so that the first sync succeeds."""
    root = proposal.base / proposal.root
    forms: tuple[TemplateFormat, ...] = ("f-string", "plain")
    loaded = {
        form: list(map(Loader(WorkTree(root), FileRules(TextDefaults(form))), found.candidates)) for form in forms
    }
    texts = [index for index, c in enumerate(found.candidates) if TEXT_FORMATS.get(file_suffix(c.path), "") is None]
    broken = [i for i in texts if Code.TEMPLATE_SYNTAX in {problem.code for problem in loaded["f-string"][i].problems}]
    proposal.facts.append(f"prompt files below {proposal.root}/: {len(found.candidates)}")
    if broken:
        proposal.text_format = "plain"
        proposal.facts.append(
            f"{len(broken)} of {len(texts)} text files have braces that are not f-string variables: they are read as plain"
        )
    reasons = {Code.BAD_NAME: "its name cannot be a prompt's", Code.SAME_IDENTITY: "another file has its name"}
    left_out = {problem.path: reasons[problem.code] for problem in found.problems if problem.code in reasons}
    errors = 0
    for candidate, file in zip(found.candidates, loaded[proposal.text_format], strict=True):
        path = candidate.path
        if _NOT_PROMPTS.fullmatch(PurePosixPath(path).name):
            left_out[path] = "about the repository"
        elif not file.is_valid and file_suffix(path) in STRUCTURED:
            left_out[path] = "not a prompt as it is"
        elif path not in left_out:
            proposal.prompts += file.is_valid
            errors += not file.is_valid
    if left_out:
        _leave_out(proposal, root / IGNORE_FILE, left_out)
    if bad := sum(problem.code is Code.BAD_NAME for problem in found.problems):
        proposal.advice.append(
            f"rename {bad} files (letters, digits, '.', '_', '-') to use them, then remove them from the list"
        )
    if errors:
        proposal.advice.append(f"{errors} files have errors: promptdb check shows them")


def _leave_out(proposal: Proposal, file: Path, left_out: dict[str, str]) -> None:
    if file.exists():
        shown = ", ".join(sorted(left_out)[:5])
        proposal.advice.append(f"{len(left_out)} files are not prompts; name them in {file}: {shown}")
        return
    lines = [f"# {reason}\n/{_escaped(path)}\n" for path, reason in sorted(left_out.items())]
    proposal.writes[file] = "# Files that are not prompts, in gitignore syntax.\n" + "".join(lines)
    proposal.facts.append(f"{len(left_out)} files are left out, with the reason, in {file.relative_to(proposal.base)}")


def _keep_local_files_out_of_git(proposal: Proposal) -> None:
    ignore = proposal.base / ".gitignore"
    if repository_root(proposal.base) is None:
        return
    if not ignore.exists():
        proposal.writes[ignore] = "\n".join(_LOCAL_FILES) + "\n"
        return
    present = ignore.read_text(encoding="utf-8", errors="replace").split()
    if missing := [name for name in _LOCAL_FILES if name not in present]:
        proposal.advice.append(f"add to .gitignore: {' '.join(missing)}")


def _git_ignores(base: Path) -> Callable[[str], bool]:
    work_tree = open_work_tree(base)
    return work_tree.ignores if work_tree else lambda path: False  # noqa: ARG005


def _files(base: Path, folder: str, ignores: Callable[[str], bool]) -> Iterator[PurePosixPath]:
    for entry in sorted((base / folder).iterdir()):
        path = f"{folder}{entry.name}"
        if entry.name.startswith(".") or entry.is_symlink():
            continue
        if entry.is_dir():
            if entry.name not in ("node_modules", "__pycache__") and not ignores(path + "/"):
                yield from _files(base, path + "/", ignores)
        elif not ignores(path):
            yield PurePosixPath(path)


def _escaped(path: str) -> str:
    return re.sub(r"([\\*?\[\]!#])", r"\\\1", path).rstrip() + ("\\ " if path.endswith(" ") else "")
