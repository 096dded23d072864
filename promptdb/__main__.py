"""The entry point of `python -m promptdb`."""

from promptdb.cli import main

main()
