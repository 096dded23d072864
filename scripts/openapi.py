"""Prints docs/openapi.json from the app itself: `python scripts/openapi.py > docs/openapi.json`. A test compares the two."""

import json
import sys
from pathlib import Path

from promptdb import AppSettings, create_app


def document() -> str:
    return json.dumps(create_app(AppSettings(base=Path())).openapi(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
