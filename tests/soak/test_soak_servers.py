"""The long forms of failing servers."""

from pathlib import Path

import pytest
from cells import MANY, Cell, clean
from registries import on_sqlite, s3_settings
from s3 import new_server
from small_disks import SmallDisk


@on_sqlite
@pytest.mark.parametrize("store", ["local"], indirect=True)
def test_an_s3_server_on_a_full_disk_loses_nothing(cell: Cell, disk: SmallDisk, tmp_path: Path) -> None:
    """After half a minute in which requests are made again. SeaweedFS itself writes no more until it is started anew."""
    server = new_server(tmp_path / "server")
    server.prefix = disk.prefix
    server.start()
    own = Cell(cell.base, {**cell.values, **s3_settings(server)}, more=MANY)
    own.begin()
    disk.fill()
    outcome = own.sync()
    assert clean(outcome), outcome
    disk.make_room()
    server.stop()
    server.start()
    own.require_converges()
    cell.note("full disk of the S3 server", outcome)
    own.close()
    server.stop()
