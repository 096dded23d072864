"""Where git keeps the state of a work tree, found without running git."""

from dataclasses import dataclass
from pathlib import Path

from promptdb.git.repository import repository_root


@dataclass(frozen=True)
class GitFolder:
    """`own` has HEAD and the index of the work tree at `top`; `common` the refs, which all work trees of a repository share."""

    top: Path
    own: Path
    common: Path

    @property
    def branch_file(self) -> Path | None:
        """The file of the branch that is checked out; None with a detached HEAD. Git may keep the branch elsewhere."""
        name = _pointer(self.own / "HEAD", "ref: ")
        return self.common / name if name else None


def git_folder(folder: Path) -> GitFolder | None:
    """Of the work tree around `folder`; None outside of git, and where git's own files make no sense."""
    top = repository_root(folder)
    if top is None:
        return None
    own = top / ".git"
    if own.is_file():  # of a linked work tree or a submodule
        name = _pointer(own, "gitdir: ")
        if name is None:
            return None
        own = (top / name).resolve()
    shared = _pointer(own / "commondir", "")
    return GitFolder(top, own, (own / shared).resolve() if shared else own)


def _pointer(file: Path, prefix: str) -> str | None:
    """What a file of one line names, such as `ref: refs/heads/main`."""
    try:
        text = file.read_text(encoding="utf-8", errors="surrogateescape").strip()
    except OSError:
        return None
    return text.removeprefix(prefix) if text.startswith(prefix) and len(text) > len(prefix) else None
