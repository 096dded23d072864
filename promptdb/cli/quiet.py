"""Holds back the report of a command until its exit code is known, for `promptdb -q`."""

import io
import sys
from collections.abc import Sequence

_REPORTING = frozenset(
    {"init", "check", "sync", "mv", "promote", "rollback", "alias", "register-file"}
    | {"export", "import", "copy", "snapshot", "verify", "gc", "db", "token", "webhook"}
)
"""Commands that act and print a report, which is data only as JSON. Other commands print what they were asked for."""

_LISTS = (
    *(("alias", "list"), ("alias", "log"), ("db", "current"), ("db", "doctor"), ("snapshot", "diff")),
    *(("token", "create"), ("token", "list"), ("webhook", "add"), ("webhook", "rotate")),
    *(("webhook", "list"), ("webhook", "deliveries")),
)


def prints_data(name: str, arguments: Sequence[str]) -> bool:
    """Report whether a command prints data that its caller reads, and not only a report of what it did."""
    if name not in _REPORTING or (name, *arguments[:1]) in _LISTS:
        return True
    return not {"--json", "--format", "-", "--help", "-h"}.isdisjoint(arguments)


class HeldOutput:
    """Standard error, and standard output unless `keep_output`, held back until `release`."""

    def __init__(self, *, keep_output: bool) -> None:
        self._streams = sys.stdout, sys.stderr
        self._out, self._err = io.StringIO(), io.StringIO()
        sys.stdout, sys.stderr = (sys.stdout if keep_output else self._out), self._err

    def release(self, *, show: bool) -> None:
        """Give the streams back. Print what was held back if `show`."""
        sys.stdout, sys.stderr = self._streams
        if show:
            sys.stdout.write(self._out.getvalue())
            sys.stderr.write(self._err.getvalue())
