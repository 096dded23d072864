"""At the end of `make soak`: the table of faults, by what was done and where, with how often it ended how."""

from collections import Counter, defaultdict

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    found: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "fault" and report.when == "call":
                fault, cell, outcome = value
                found[fault][cell][outcome] += 1
    for line in table(found):
        terminalreporter.write_line(line)


def table(found: dict[str, dict[str, Counter[str]]]) -> list[str]:
    """In markdown, as docs/operations.md has it."""
    if not found:
        return []
    cells = sorted({cell for counts in found.values() for cell in counts})
    lines = ["", f"| fault | {' | '.join(cells)} |", f"|---{'|---' * len(cells)}|"]
    total = 0
    for fault, counts in sorted(found.items()):
        shown = [", ".join(f"{n} {outcome}" for outcome, n in sorted(counts[cell].items())) for cell in cells]
        total += sum(counter.total() for counter in counts.values())
        lines.append(f"| {fault} | {' | '.join(shown)} |")
    return [
        *lines,
        "",
        f"{total} faults; after each the registry was whole, a rerun converged, and another one wrote nothing",
    ]
