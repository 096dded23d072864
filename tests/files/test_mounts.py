"""Which file systems tell of changes."""

from pathlib import Path, PurePosixPath

import pytest

from promptdb.files.mounts import file_system_of, is_remote, remote_file_system

TABLE = r"""
21 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
22 21 0:5 / /proc rw,nosuid shared:1 - proc proc rw
30 21 0:40 / /srv/team\040share rw,relatime shared:7 master:2 - nfs4 files:/share rw,vers=4.2
31 21 0:41 / /srv/team rw - xfs /dev/sdb rw
32 21 0:42 / /mnt/c rw - 9p drvfs rw
33 21 0:43 / /over rw - cifs //files/over rw
34 33 8:2 / /over rw - ext4 /dev/sdc rw
broken line
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home", "ext4"),
        ("/", "ext4"),
        ("/proc/self", "proc"),
        ("/srv/team share", "nfs4"),
        ("/srv/team share/prompts", "nfs4"),
        ("/srv/team/prompts", "xfs"),
        ("/srv/teammates", "ext4"),
        ("/mnt/c/prompts", "9p"),
        ("/over/x", "ext4"),
    ],
)
def test_the_innermost_and_last_mount_counts(path: str, kind: str) -> None:
    assert file_system_of(PurePosixPath(path), TABLE) == kind


@pytest.mark.parametrize("table", ["", "broken line", "21 1 8:1 / /elsewhere rw - ext4 /dev/sda1 rw"])
def test_a_table_that_does_not_say_gives_nothing(table: str) -> None:
    assert file_system_of(PurePosixPath("/home"), table) is None


@pytest.mark.parametrize(
    ("kind", "remote"),
    [
        *((kind, True) for kind in ("nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "fuse.gcsfuse", "virtiofs")),
        *((kind, False) for kind in ("ext4", "xfs", "btrfs", "tmpfs", "overlay", "zfs", "fuseblk", "apfs")),
    ],
)
def test_what_another_machine_may_write_is_remote(kind: str, remote: bool) -> None:
    assert is_remote(kind) == remote


def test_the_folder_of_a_test_is_local(tmp_path: Path) -> None:
    assert remote_file_system(tmp_path) is None
