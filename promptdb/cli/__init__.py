"""The command line. Each command has a module of its own, which loads when it is called."""

import sys
from typing import NoReturn


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command and exit with its code."""
    try:
        from promptdb.cli.app import main as run  # here, because ^C may arrive while modules load

        run(arguments)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)
