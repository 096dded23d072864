"""Checks that CHANGELOG.md is ready for a release of this version: `python scripts/changelog.py`."""

import re
import sys
from pathlib import Path

from promptdb.version import VERSION

CHANGELOG = Path(__file__).parents[1] / "CHANGELOG.md"


def faults(text: str, version: str) -> list[str]:
    """List what must change before the release.

    Args:
        text: the changelog, in the format of https://keepachangelog.com.
        version: the version to be released.
    """
    heads = re.findall(r"^## \[(.+?)\](.*)$", text, re.MULTILINE)
    _, _, unreleased = text.partition("## [Unreleased]\n")
    unreleased = re.split(r"^## ", unreleased, maxsplit=1, flags=re.MULTILINE)[0]
    found = []
    if not any(name == version and re.fullmatch(r" - \d{4}-\d\d-\d\d", date) for name, date in heads):
        found.append(f"there is no section '## [{version}] - YYYY-MM-DD'")
    if unreleased.strip():
        found.append("the section '## [Unreleased]' is not empty: move its entries to the new one")
    return found


if __name__ == "__main__":
    found = faults(CHANGELOG.read_text(encoding="utf-8"), VERSION)
    sys.exit("\n".join(f"CHANGELOG.md: {fault}" for fault in found))
