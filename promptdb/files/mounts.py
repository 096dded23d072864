"""Detects file systems on which another machine may write: such changes cause no event here."""

import re
from pathlib import Path, PurePath

_MOUNTS = Path("/proc/self/mountinfo")
_REMOTE = {
    *("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "lustre", "glusterfs", "gfs2", "ocfs2", "beegfs", "gpfs"),
    # Folders that a virtual machine shares with its host.
    *("9p", "virtiofs", "vboxsf", "vmhgfs", "prl_fs", "drvfs", "fakeowner"),
}
_ESCAPE = re.compile(r"\\([0-7]{3})")


def is_remote(file_system: str) -> bool:
    # Most FUSE file systems are remote, and none reports changes that others make.
    return file_system in _REMOTE or file_system.startswith("fuse.")


def file_system_of(path: PurePath, mounts: str) -> str | None:
    """Look up the type of the file system that holds a real path, in a table as in proc_pid_mountinfo(5)."""
    found, depth = None, -1
    for line in mounts.splitlines():
        mount, separator, source = line.partition(" - ")
        fields = mount.split(" ")
        if not separator or len(fields) < 5:
            continue
        place = PurePath(_ESCAPE.sub(lambda match: chr(int(match[1], 8)), fields[4]))
        # With >=, because a later mount at the same place hides an earlier one.
        if path.is_relative_to(place) and len(place.parts) >= depth:
            found, depth = source.split(" ")[0], len(place.parts)
    return found


def remote_file_system(root: Path) -> str | None:
    """Return the type of the file system that holds `root` if it is remote. Systems without a mount table give None."""
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    name = file_system_of(root.resolve(), mounts)
    return name if name is not None and is_remote(name) else None
