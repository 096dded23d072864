"""The command line. Each command has a module of its own, which loads when it is called."""

from promptdb.cli.app import main

__all__ = ["main"]
