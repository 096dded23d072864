"""File systems that do not tell of every change: what another machine writes makes no event here."""

import re
from pathlib import Path, PurePath

_MOUNTS = Path("/proc/self/mountinfo")
_REMOTE = {
    *("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "lustre", "glusterfs", "gfs2", "ocfs2", "beegfs", "gpfs"),
    *("9p", "virtiofs", "vboxsf", "vmhgfs", "prl_fs", "drvfs", "fakeowner"),  # folders of the host of a virtual machine
}
_ESCAPE = re.compile(r"\\([0-7]{3})")


def is_remote(file_system: str) -> bool:
    """Whether changes may come from outside of this kernel. What FUSE serves mostly is remote, and never tells."""
    return file_system in _REMOTE or file_system.startswith("fuse.")


def file_system_of(path: PurePath, mounts: str) -> str | None:
    """The type of the file system that a real path lies on; None if the table does not say.

    Args:
        mounts: lines as proc_pid_mountinfo(5) describes them. Of two mounts at one place, the later hides the earlier.
    """
    found, depth = None, -1
    for line in mounts.splitlines():
        mount, separator, source = line.partition(" - ")
        fields = mount.split(" ")
        if not separator or len(fields) < 5:
            continue
        place = PurePath(_ESCAPE.sub(lambda match: chr(int(match[1], 8)), fields[4]))
        if path.is_relative_to(place) and len(place.parts) >= depth:
            found, depth = source.split(" ")[0], len(place.parts)
    return found


def remote_file_system(root: Path) -> str | None:
    """The type of the file system under `root`, where it is a remote one. On systems without such a table, None."""
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    name = file_system_of(root.resolve(), mounts)
    return name if name is not None and is_remote(name) else None
