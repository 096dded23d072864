"""The folders in which git keeps the state of a work tree, found without running git."""

from dataclasses import dataclass
from pathlib import Path

from promptdb.git.repository import repository_root


@dataclass(frozen=True)
class GitFolder:
    """`own` has HEAD and the index of the work tree at `top`. `common` has the refs, which linked work trees share."""

    top: Path
    own: Path
    common: Path

    @property
    def branch_file(self) -> Path | None:
        """The file of the current branch, which may not exist. None with a detached HEAD."""
        name = _pointer(self.own / "HEAD", "ref: ")
        return self.common / name if name else None


def git_folder(folder: Path) -> GitFolder | None:
    """Find the git folder of the work tree around `folder`. Return None outside of git, or if git's files are damaged."""
    top = repository_root(folder)
    if top is None:
        return None
    own = top / ".git"
    # A linked work tree or a submodule has a file here.
    if own.is_file():
        name = _pointer(own, "gitdir: ")
        if name is None:
            return None
        own = (top / name).resolve()
    shared = _pointer(own / "commondir", "")
    return GitFolder(top, own, (own / shared).resolve() if shared else own)


def _pointer(file: Path, prefix: str) -> str | None:
    """Read the target in a file of one line, such as `ref: refs/heads/main`."""
    try:
        text = file.read_text(encoding="utf-8", errors="surrogateescape").strip()
    except OSError:
        return None
    return text.removeprefix(prefix) if text.startswith(prefix) and len(text) > len(prefix) else None
