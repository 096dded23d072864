"""What `make test` leaves to `make soak`, and `make check` to `make test`.

`make check` needs no server and waits for little: what PostgreSQL or S3 takes part in is slow, and so are the doors that have
servers of their own, and what has the marker.
Only `make soak` runs the folder `soak`, the giants, which have the marker of that name and a small form beside them, and most of
the cases that others stand for.
"""

from collections.abc import Collection
from pathlib import Path

import pytest

MAIN = frozenset({("sqlite", "local"), ("postgresql", "minio")})
"""Between them, they have each database and each store."""


def sampled(*cells: tuple[str, ...], few: Collection[object] = ()) -> pytest.MarkDecorator:
    """All cases in these cells, and elsewhere those that have one of `few` as a parameter. See the Makefile for the rest.

    Args:
        cells: each a database and a store, or only a database where a test has no choice of stores; by default `MAIN`.
        few: values of parameters.
    """
    return pytest.mark.sampled(cells=frozenset(cells) or MAIN, few=few)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "sampled(cells, few): see tests/support/sampling.py")
    config.addinivalue_line("markers", "soak: a giant, which only `make soak` runs")
    config.addinivalue_line("markers", "slow: takes seconds, and `make check` leaves it to `make test`")


SERVERS = frozenset({"postgres_server", "own_server", "s3_server"})
DOORS = frozenset({"api", "dashboard", "integrations"})
"""Folders whose tests start servers, or load a framework."""
BEHIND_SERVERS = frozenset({"postgresql", "minio"})
"""Values of parameters."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return True if collection_path.name == "soak" and not _is_soak(config) else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if not DOORS.isdisjoint(item.path.parts) or (isinstance(item, pytest.Function) and _needs_a_server(item)):
            item.add_marker("slow")
    if _is_soak(config):
        return
    left = [item for item in items if isinstance(item, pytest.Function) and _is_left_out(item)]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


def _is_soak(config: pytest.Config) -> bool:
    """What takes minutes runs only where it is named."""
    return any("soak" in Path(argument).parts for argument in config.args)


def _needs_a_server(item: pytest.Function) -> bool:
    values = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return not SERVERS.isdisjoint(item.fixturenames) or any(
        isinstance(value, str) and value in BEHIND_SERVERS for value in values
    )


def _is_left_out(item: pytest.Function) -> bool:
    mark = item.get_closest_marker("sampled")
    if mark is None:
        return item.get_closest_marker("soak") is not None
    values = item.callspec.params
    cell = tuple(values[name] for name in ("backend", "store") if name in values)
    return cell not in mark.kwargs["cells"] and not any(value in mark.kwargs["few"] for value in values.values())
