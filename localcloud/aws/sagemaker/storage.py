"""What moves between a job's directories and its buckets, through the S3 API as SageMaker does."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tarfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_SYNC_SECONDS = 1.0


def split(uri: str) -> tuple[str, str]:
    """Bucket and key of `s3://bucket/key`; no slash at either end of the key."""
    url = urlsplit(uri, allow_fragments=False)
    return url.netloc, url.path.strip("/")


def _objects(s3: Any, bucket: str, prefix: str) -> Iterator[str]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        yield from (entry["Key"] for entry in page.get("Contents", []))


def _fetch(s3: Any, bucket: str, key: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        for chunk in s3.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(1 << 20):
            file.write(chunk)


def channel(s3: Any, description: Mapping[str, Any], directory: Path, rank: int, nodes: int) -> None:
    """Download one channel into `directory`; with ShardedByS3Key only this node's share of the objects.

    A prefix is a key prefix, not a folder: names below its last slash are kept (S3DataSource, `S3Uri`).
    """
    source = description["DataSource"]["S3DataSource"]
    bucket, key = split(source["S3Uri"])
    if source["S3DataType"] == "ManifestFile":
        wanted = _manifest(s3, bucket, key)
    else:
        whole = urlsplit(source["S3Uri"], allow_fragments=False).path.lstrip("/")
        found = [entry for entry in _objects(s3, bucket, whole) if not entry.endswith("/")]
        # A whole folder or object keeps only what is below it; a partial name keeps its own last part.
        folder = whole if not whole or whole.endswith("/") else whole.rpartition("/")[0] + "/"
        if whole and not whole.endswith("/") and all(entry.startswith(whole + "/") for entry in found):
            folder = whole + "/"
        folder = folder.lstrip("/")
        wanted = [(bucket, entry, entry.removeprefix(folder)) for entry in found]
    directory.mkdir(parents=True, exist_ok=True)
    if source.get("S3DataDistributionType") == "ShardedByS3Key":
        wanted = sorted(wanted)[rank::nodes]
    for place, entry, name in wanted:
        _fetch(s3, place, entry, _below(directory, name))


def _manifest(s3: Any, bucket: str, key: str) -> list[tuple[str, str, str]]:
    """Objects of a manifest: `[{"prefix": "s3://bucket/a/"}, "b", "c"]`."""
    first, *names = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    place = urlsplit(first["prefix"], allow_fragments=False)
    return [(place.netloc, place.path.lstrip("/") + name, name) for name in names]


def _below(directory: Path, name: str) -> Path:
    """A path inside the directory, whatever the object's key says."""
    target = (directory / name).resolve()
    if not target.is_relative_to(directory.resolve()):
        raise ValueError(f"the object key {name!r} leads out of {directory}")
    return target


@dataclass
class Checkpoints:
    """Keeps a prefix equal to a directory of each node while the job runs; deletions go along."""

    s3: Any
    uri: str
    directories: Sequence[Path]
    _seen: dict[str, tuple[float, int]] = field(default_factory=dict)
    _end: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def download(self) -> None:
        """Bring what is in the bucket to every node; what came is not sent back."""
        bucket, prefix = split(self.uri)
        folder = f"{prefix}/" if prefix else ""
        for key in _objects(self.s3, bucket, folder):
            for directory in self.directories:
                _fetch(self.s3, bucket, key, _below(directory, key.removeprefix(folder)))
        self._seen = self._files()

    def start(self) -> None:
        """Look about once a second until `finish`."""
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Send what changed last and stop looking."""
        self.abandon()
        self.sync()

    def abandon(self) -> None:
        """Stop looking: the machines are gone, and with them what was not sent yet."""
        self._end.set()
        if self._thread:
            self._thread.join()

    def _watch(self) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        while not self._end.wait(_SYNC_SECONDS):
            # What cannot be sent now is sent at the end, and a refusal there fails the job.
            with contextlib.suppress(BotoCoreError, ClientError):
                self.sync()

    def sync(self) -> None:
        """Upload new and changed files, delete objects whose files are gone."""
        bucket, prefix = split(self.uri)
        found = self._files()
        for name, stamp in found.items():
            if self._seen.get(name) != stamp:
                for directory in self.directories:
                    if (directory / name).is_file():
                        _send(self.s3, bucket, f"{prefix}/{name}".lstrip("/"), directory / name, {})
        for name in self._seen.keys() - found.keys():
            self.s3.delete_object(Bucket=bucket, Key=f"{prefix}/{name}".lstrip("/"))
        self._seen = found

    def _files(self) -> dict[str, tuple[float, int]]:
        found: dict[str, tuple[float, int]] = {}
        for directory in self.directories:
            for path in _walk(directory):
                try:
                    status = path.stat()
                except FileNotFoundError:
                    continue
                stamp = (status.st_mtime, status.st_size)
                name = path.relative_to(directory).as_posix()
                found[name] = max(stamp, found.get(name, stamp))
        return found


def _walk(directory: Path) -> Iterator[Path]:
    for root, _, names in os.walk(directory):
        yield from (Path(root) / name for name in sorted(names))


def _send(s3: Any, bucket: str, key: str, path: Path, extra: Mapping[str, str]) -> None:
    try:
        body = path.read_bytes()
    except FileNotFoundError:
        return
    s3.put_object(Bucket=bucket, Key=key, Body=body, **extra)


def archive(directories: Iterable[Path]) -> bytes:
    """One gzipped tar of the directories of all nodes; of equal names the first node's stays."""
    buffer = io.BytesIO()
    held: set[str] = set()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for directory in directories:
            for path in _walk(directory):
                name = path.relative_to(directory).as_posix()
                if name not in held:
                    held.add(name)
                    tar.add(path, name)
    return buffer.getvalue()


def output(s3: Any, request: Mapping[str, Any], kind: str, directories: Sequence[Path]) -> str:
    """Upload `model` or `output` of all nodes and return its URI: an archive, or a folder when not compressed."""
    target = request["OutputDataConfig"]
    bucket, prefix = split(target["S3OutputPath"])
    base = "/".join(filter(None, [prefix, request["TrainingJobName"], "output"]))
    key = target.get("KmsKeyId")
    extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}
    if target.get("CompressionType") == "NONE":
        folder = f"{base}/{'model' if kind == 'model' else 'data'}/"
        for directory in reversed(directories):
            for path in _walk(directory):
                _send(s3, bucket, folder + path.relative_to(directory).as_posix(), path, extra)
        return f"s3://{bucket}/{folder}"
    s3.put_object(Bucket=bucket, Key=f"{base}/{kind}.tar.gz", Body=archive(directories), **extra)
    return f"s3://{bucket}/{base}/{kind}.tar.gz"
