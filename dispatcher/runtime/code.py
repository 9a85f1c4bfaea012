"""The job's own programs: a tarball that came with it, checked against its digest and unpacked to run from."""

from __future__ import annotations

import os

from . import CODE, CODE_SHA256
from .bounds import ARCHIVE_BYTES, FILES, UNPACKED_BYTES
from .fault import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from tarfile import TarFile, TarInfo

_BLOCK = 1 << 20


def unpack(environ: Mapping[str, str]) -> str:
    """Unpack what `DISPATCH_CODE` names into a new private directory and return that, "" when the job has none.

    Raises Fault when it is not the archive that the job was submitted with, or holds what no packed folder does:
    a path that leads out, a device, more than `bounds` allows. Nothing of such an archive is left behind to run.
    """
    path = environ.get(CODE)
    if not path:
        return ""
    _check(path, environ.get(CODE_SHA256, ""))
    import shutil
    import tarfile
    import tempfile

    target = os.path.realpath(tempfile.mkdtemp(prefix="dispatch-code-"))
    try:
        with tarfile.open(path, "r:gz") as archive:
            _extract(archive, target)
    except Fault:
        shutil.rmtree(target, ignore_errors=True)
        raise
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        shutil.rmtree(target, ignore_errors=True)
        raise Fault(f"the code of the job, {path}, cannot be unpacked: {error}") from error
    return target


def variables(environ: Mapping[str, str], directory: str) -> dict[str, str]:
    """Return the environment that has Python find modules in `directory` first."""
    before = environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join(filter(None, [directory, before]))}


def _check(path: str, wanted: str) -> None:
    import hashlib

    if not wanted:
        raise Fault(f"{CODE} names {path}, and {CODE_SHA256} does not say what it must be", "submit the job anew")
    digest, size = hashlib.sha256(), 0
    try:
        with open(path, "rb") as file:
            for block in iter(lambda: file.read(_BLOCK), b""):
                digest.update(block)
                size += len(block)
                if size > ARCHIVE_BYTES:
                    raise Fault(f"the code of the job, {path}, has more than {ARCHIVE_BYTES:,} bytes")
    except OSError as error:
        raise Fault(
            f"the code of the job, {path}, cannot be read: {error.strerror}",
            "it is in the zone's data bucket, under code/: submit the job anew if somebody deleted it",
        ) from error
    if digest.hexdigest() != wanted:
        raise Fault(
            f"the code of the job, {path}, is not what was submitted: sha256 {digest.hexdigest()}, not {wanted}",
            "somebody changed it in the bucket: submit the job anew",
        )


def _extract(archive: TarFile, target: str) -> None:
    """Write what the archive holds: directories, files, and links at last, so that none is written through."""
    links: list[tuple[str, str]] = []
    files, size = 0, 0
    for member in archive:
        name = os.path.join(target, _inside(member))
        files, size = files + 1, size + max(member.size, 0)
        if files > FILES or size > UNPACKED_BYTES:
            most = f"{FILES:,} files or {UNPACKED_BYTES:,} bytes"
            raise Fault(f"the code of the job unpacks to more than {most}", "data and models belong into inputs")
        if member.isdir():
            os.makedirs(name, exist_ok=True)
        elif member.isreg():
            os.makedirs(os.path.dirname(name), exist_ok=True)
            _copy(archive, member, name)
        elif member.issym():
            links.append((member.linkname, name))
        else:
            raise Fault(f"the code of the job holds {member.name}, neither file, directory nor symbolic link")
    for text, name in links:
        os.makedirs(os.path.dirname(name), exist_ok=True)
        os.symlink(text, name)
    for _, name in links:  # when all are there: one may lead out only through another
        if not (os.path.realpath(name) + os.sep).startswith(target + os.sep):
            raise Fault(f"the code of the job holds a link that leads out of it: {os.path.relpath(name, target)}")


def _inside(member: TarInfo) -> str:
    name = os.path.normpath(member.name)
    if os.path.isabs(member.name) or name == os.pardir or name.startswith(os.pardir + os.sep):
        raise Fault(f"the code of the job holds {member.name}, a path that leads out of it")
    return name


def _copy(archive: TarFile, member: TarInfo, name: str) -> None:
    source = archive.extractfile(member)
    assert source is not None, "a regular file has content"
    mode = 0o755 if member.mode & 0o100 else 0o644
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with source, open(descriptor, "wb") as file:
        for block in iter(lambda: source.read(_BLOCK), b""):
            file.write(block)
