"""Whether a ledger's file lies on a network file system, where SQLite can neither lock nor share its log.

"All processes using a database must be on the same host computer; WAL does not work over a network filesystem"
(https://www.sqlite.org/wal.html). Two machines that use such a file damage it, or do not see each other's jobs.
"""

from __future__ import annotations

import re
from pathlib import Path

NETWORK = re.compile(
    r"nfs4?|cifs|smb[23]?|smbfs|afs|coda|ncpfs|9p|ceph|lustre|glusterfs|gpfs|beegfs|beegfs_nodev|pvfs2|orangefs|ocfs2"
    r"|gfs2|fuse\.(sshfs|s3fs|gcsfuse|blobfuse2?|rclone|glusterfs|ceph(-fuse)?|goofys|mount-s3|davfs|juicefs)"
)
"""Types of file systems that more than one machine can have mounted, as Linux calls them."""

_MOUNTS = Path("/proc/self/mountinfo")


def network(path: Path, mounts: Path | None = None) -> str | None:
    """The type of the network file system that a path is on; None when it is on none, or nobody can tell.

    `mounts` is Linux's list of what is mounted where (proc(5)); other systems have none, and are not asked.
    """
    try:
        rows = (mounts or _MOUNTS).read_text(errors="surrogateescape").splitlines()
    except OSError:
        return None
    place = path.resolve()
    found, kind = -1, ""
    for row in rows:
        where, _, what = row.partition(" - ")
        try:
            mounted = Path(_unescaped(where.split(" ")[4]))
        except IndexError:
            continue
        if place.is_relative_to(mounted) and len(mounted.parts) >= found:
            found, kind = len(mounted.parts), what.split(" ")[0]
    return kind if NETWORK.fullmatch(kind) else None


def _unescaped(text: str) -> str:
    """A mount point without the octal codes that stand for blanks and their like."""
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), text)


def warning(path: Path, mounts: Path | None = None) -> str | None:
    """What to tell a person whose ledger is there."""
    kind = network(path, mounts)
    if kind is None:
        return None
    return (
        f"the ledger {path} is on a network file system ({kind}): SQLite cannot lock it there, so one machine at a"
        " time may use it; a team shares a ledger in PostgreSQL (docs/postgresql.md)"
    )
