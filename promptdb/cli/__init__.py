"""The command line. Each command has a module of its own, which loads when it is called."""

import os
import sys
from typing import NoReturn


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command and exit with its code."""
    if "_PROMPTDB_COMPLETE" in os.environ:
        from promptdb.cli.completion import print_candidates

        print_candidates(sys.argv[1:])
        sys.exit(0)
    try:
        from promptdb.cli.app import main as run  # here, because ^C may arrive while modules load

        run(arguments)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)
