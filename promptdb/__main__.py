"""`python -m promptdb`."""

from promptdb.cli import main

main()
