"""A job's results from its bucket: archives are unpacked safely, loose files saved as they are."""

from __future__ import annotations

import gzip
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dispatcher.backends import saving
from dispatcher.errors import NotFoundError, UsageError

_CHUNK = 1024 * 1024
_ARCHIVE = ".tar.gz"
_MODEL = "model"
"""What SageMaker calls its copy of /opt/ml/model."""


def fetch(client: Any, uri: str, job: str, target: Path) -> list[Path]:
    """Bring everything below `<uri>/<job>/output/` into `target` and return the files written, sorted.

    What the job wrote to DISPATCH_OUTPUT_DIR (`model.tar.gz`) lies in `target` itself, as on every cloud, and what
    `output.tar.gz` holds in its directory `output`; with compression off SageMaker writes two directories instead.
    Raises NotFoundError when there is nothing yet, UsageError when
    `target` cannot be written or an archive holds a member that would land outside it.
    """
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    below = f"{prefix.rstrip('/')}/{job}/output/".lstrip("/")
    written: list[Path] = []
    with saving.writing(target):
        for key in _keys(client, bucket, below):
            name = key.removeprefix(below)
            if name and not name.endswith("/"):
                written += _save(client, bucket, key, name, target)
    if not written:
        raise NotFoundError(
            f"job {job} has no outputs at s3://{bucket}/{below}",
            "SageMaker writes them when a job ends; a checkpoint is written while it runs",
        )
    return sorted(written)


def _keys(client: Any, bucket: str, prefix: str) -> Iterator[str]:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        yield from (item["Key"] for item in page.get("Contents", ()))


def _save(client: Any, bucket: str, key: str, name: str, target: Path) -> list[Path]:
    body = client.get_object(Bucket=bucket, Key=key)["Body"]
    if name.endswith(_ARCHIVE) and "/" not in name:
        named = name.removesuffix(_ARCHIVE)
        directory = target if named == _MODEL else target / named
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile() as whole:
            for chunk in body.iter_chunks(_CHUNK):
                whole.write(chunk)
            whole.seek(0)
            return _unpack(whole, directory, key)
    path = saving.below(target, name.removeprefix(f"{_MODEL}/"), f"s3://{bucket}/{key}")
    with path.open("wb") as file:
        for chunk in body.iter_chunks(_CHUNK):
            file.write(chunk)
    return [path]


def _unpack(archive: Any, directory: Path, key: str) -> list[Path]:
    """Unpack with the standard library's `data` filter: no path, link or device may leave the directory.

    All members are judged before the first is written, and again while they are (links count by then).
    """
    try:
        with tarfile.open(fileobj=archive, mode="r:gz") as tar:
            members = [tarfile.data_filter(member, str(directory)) for member in tar.getmembers()]
            tar.extractall(directory, filter="data")
    except tarfile.FilterError as error:
        raise UsageError(f"{key} holds a member that leaves its directory: {error}", saving.LEAVES) from error
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UsageError(f"{key} is not a readable archive: {error}") from error
    return [directory / member.name for member in members if member is not None and member.isfile()]
