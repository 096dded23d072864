"""How much longer a first sync takes to PostgreSQL and S3 than to SQLite and a folder, all on this machine, and in what memory.

    python benchmarks/cold_sync_stores.py [--prompts 10000] [--rounds 3]

The whole command, in a git repository with everything committed, in turn to the one and to the other, each time to stores with
nothing in them. The servers are those of the tests. `all` is the largest process of the command, which reads files in several;
`alone` is the same work in one process. `TMPDIR` says where the files are: see `sync_tree.py`.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from postgres import PostgresServer, running_server  # noqa: E402
from s3 import ACCESS_KEY, SECRET_KEY, S3Server, new_server  # noqa: E402
from sync_tree import make_tree  # noqa: E402

PROMPTDB = [sys.executable, "-m", "promptdb"]
