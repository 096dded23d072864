"""Runs the code blocks of a page as its reader would, one after the other in one project."""

import doctest
import io
import os
import re
import shlex
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

from page_blocks import Block

from promptdb.cli.app import run

TIMEOUT = 120.0
"""Seconds: only a process that hangs takes so long."""
_FOR_A_SHELL = re.compile(r"[|<>&;$`*]|^\w+=")
_CHANGING = [
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:[\d.+:]+)?", "TIME"),
    (r"\b(?<!sha256:)[0-9a-f]{8,12}\b(?=[ .:]|$)", "COMMIT"),
    (r"\bpdb_\w{36}\b", "TOKEN"),
    (r"\bwhsec_[\w+/]{32}", "SECRET"),
    (r"\.\.\.\w{4}\b", "END"),
    (r" {2,}", "  "),
    (r"[ \t]+$", ""),
]
"""What is different in each run, and what stands for it in a comparison."""


class PageSession:
    """The project of a reader, who works in the current folder. `names` are those of the Python on the page."""

    def __init__(self, folder: Path, places: dict[str, str] | None = None) -> None:
        self.folder, self.names, self.places = folder, dict[str, Any](), places or {}
        self._printed = ""

    def do(self, block: Block) -> None:
        """Run a block. Raise AssertionError if it does not do what the page shows."""
        said = block.said
        if "first" in said:
            self._shell(said["first"])
        if "given" in said:
            exec(said["given"], self.names)
        if "file" in said:
            file = self.folder / said["file"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
            self._require_read(block, said["file"])
        elif "output of" in said:
            assert steady(self._printed) == steady(block.text), block
        else:
            runs = {"console": self._console, "python": self._python, "pycon": self._doctest}
            runs |= dict.fromkeys(("sh", "bash"), self._commands)
            runs[block.language](block)

    def _require_read(self, block: Block, name: str) -> None:
        """Raise AssertionError if promptdb does not take the file."""
        if name.startswith("prompts/") or name == "promptdb.toml":
            is_prompt = name.startswith("prompts/") and not Path(name).name.startswith("_")
            code, printed = self._in_process(["check", *([name] if is_prompt else [])])
            assert code == 0, f"{block}: {name}\n{printed}"

    def _console(self, block: Block) -> None:
        shown = re.split(r"^\$ ", block.text.replace("\\\n", ""), flags=re.MULTILINE)[1:]
        for at, item in enumerate(shown, 1):
            command, _, output = item.partition("\n")
            printed = self._command(block, command, is_last=at == len(shown))
            if output:
                assert re.fullmatch(_pattern(output), steady(printed).rstrip("\n") + "\n", re.DOTALL), (
                    f"{block}: {command}\n--- the page\n{steady(output)}\n--- the command\n{steady(printed)}"
                )

    def _commands(self, block: Block) -> None:
        lines = [line for line in block.text.replace("\\\n", "").splitlines() if line and not line.startswith("#")]
        for at, line in enumerate(lines, 1):
            self._command(block, line, is_last=at == len(lines))

    def _command(self, block: Block, line: str, *, is_last: bool) -> str:
        """Run a command line, and return what it prints on both streams."""
        for place, real in self.places.items():
            line = line.replace(place, real)
        words = shlex.split(line, comments=True)
        if words[:2] == ["pip", "install"]:
            require_distribution(words[2])
            return ""
        if words[0] == "promptdb" and not _FOR_A_SHELL.search(line.partition(" #")[0]):
            code, printed = self._in_process(words[1:])
        else:
            done = self._shell(line, check=False)
            code, printed = done.returncode, done.stdout
        wanted = int(block.said.get("exit", "0")) if is_last else 0
        assert code == wanted, f"{block}: {line}\nexit code {code}\n{printed}"
        return printed

    def _in_process(self, words: list[str]) -> tuple[int, str]:
        stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        with redirect_stdout(stream), redirect_stderr(stream):
            code = run(words)
        return code, stream.buffer.getvalue().decode()  # type: ignore[attr-defined]

    def _shell(self, line: str, *, check: bool = True) -> "subprocess.CompletedProcess[str]":
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", line],
            cwd=self.folder,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=TIMEOUT,
        )
        assert not check or done.returncode == 0, f"{line}\n{done.stdout}"
        return done

    def _python(self, block: Block) -> None:
        stream = io.StringIO()
        with redirect_stdout(stream):
            exec(compile(block.text, str(block), "exec"), self.names)
        self._printed = stream.getvalue()

    def _doctest(self, block: Block) -> None:
        test = doctest.DocTestParser().get_doctest(block.text, self.names, str(block), block.page, block.line)
        said: list[str] = []
        done = doctest.DocTestRunner().run(test, out=said.append, clear_globs=False)
        self.names = test.globs
        assert done.failed == 0, "".join(said)


def steady(text: str) -> str:
    """Replace what is different in each run."""
    for pattern, stands in _CHANGING:
        text = re.sub(pattern, stands, text, flags=re.MULTILINE)
    return text


def _pattern(output: str) -> str:
    """Return a pattern for the output on a page, where a line `...` stands for any lines."""
    return re.escape(steady(output)).replace(r"\.\.\." + "\\\n", "(?:.*\n)?")


def require_distribution(requirement: str) -> None:
    """Raise AssertionError if pip could not install this from the index: another name, or an unknown extra."""
    found = re.fullmatch(r"promptdb-git(?:\[(\w+)\])?", requirement)
    assert found, requirement
    assert found[1] is None or found[1] in (metadata("promptdb-git").get_all("Provides-Extra") or []), requirement
