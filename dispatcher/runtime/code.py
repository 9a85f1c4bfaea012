"""The job's own programs: a tarball that came with it, checked against its digest and unpacked to run from."""

from __future__ import annotations

import os

from . import CODE, CODE_SHA256
from .bounds import ARCHIVE_BYTES
from .fault import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def unpack(environ: Mapping[str, str]) -> str:
    """Unpack what `DISPATCH_CODE` names into a new private directory and return that, "" when the job has none.

    Raises Fault when it is not the archive that the job was submitted with, or holds what no packed folder does:
    a path that leads out, a device, more than `bounds` allows. Nothing of such an archive is left behind.
    """
    path = environ.get(CODE)
    if not path:
        return ""
    archive = _checked(path, environ.get(CODE_SHA256, ""))
    import tempfile

    from . import unpacking

    target = os.path.realpath(tempfile.mkdtemp(prefix="dispatch-code-"))
    try:
        unpacking.unpack(archive, target)
    except ValueError as error:
        remove(target)
        raise Fault(f"the code of the job, {path}, cannot be unpacked: {error}") from error
    except BaseException:  # a stop of the job too
        remove(target)
        raise
    return target


def remove(directory: str) -> None:
    """Take away what was unpacked, as far as that can be; "" is nothing."""
    if directory:
        import shutil

        try:
            shutil.rmtree(directory, ignore_errors=True)
        except RecursionError:  # thousands of folders, each in another
            pass


def variables(environ: Mapping[str, str], directory: str) -> dict[str, str]:
    """Return the environment that has Python find modules in `directory` first."""
    before = environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join(filter(None, [directory, before]))}


def _checked(path: str, wanted: str) -> bytes:
    """Return the archive, read once: what is unpacked is what was checked, whatever happens to the file."""
    import hashlib

    if not wanted:
        raise Fault(f"{CODE} names {path}, and {CODE_SHA256} does not say what it must be", "submit the job anew")
    try:
        with open(path, "rb") as file:
            archive = file.read(ARCHIVE_BYTES + 1)
    except OSError as error:
        raise Fault(
            f"the code of the job, {path}, cannot be read: {error.strerror}",
            "it is in the zone's data bucket, under code/: submit the job anew if somebody deleted it",
        ) from error
    if len(archive) > ARCHIVE_BYTES:
        raise Fault(f"the code of the job, {path}, has more than {ARCHIVE_BYTES:,} bytes")
    digest = hashlib.sha256(archive).hexdigest()
    if digest != wanted:
        raise Fault(
            f"the code of the job, {path}, is not what was submitted: sha256 {digest}, not {wanted}",
            "have somebody who may delete in that bucket remove it, then submit the job anew",
        )
    return archive
