"""Lines of a node in CloudWatch Logs: one stream per node, as SageMaker names them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from localcloud.jobs.logs import Line, Stream

GROUP = "/aws/sagemaker/TrainingJobs"
# PutLogEvents: at most 10,000 events and 1,048,576 bytes, each event counted with 26 bytes more.
_MAX_EVENTS = 10_000
_MAX_BYTES = 1_048_576
_OVERHEAD = 26


def stream(logs: Any, name: str) -> Stream:
    """A log stream of that name; `logs` is a boto3 client."""

    def send(lines: Sequence[Line]) -> None:
        for batch in _batches(lines):
            logs.put_log_events(logGroupName=GROUP, logStreamName=name, logEvents=batch)

    return Stream(send)


def open_stream(logs: Any, name: str) -> Stream:
    """Make the group and the stream, either of which may be there already."""
    _made(logs.create_log_group, logGroupName=GROUP)
    _made(logs.create_log_stream, logGroupName=GROUP, logStreamName=name)
    return stream(logs, name)


def _made(create: Callable[..., object], **named: str) -> None:
    from botocore.exceptions import ClientError

    try:
        create(**named)
    except ClientError as error:
        # By its code: two threads that first need a client's own classes at once may each get others.
        if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
            raise


def _batches(lines: Sequence[Line]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    size = 0
    for seconds, text in lines:
        weight = len(text.encode()) + _OVERHEAD
        if batch and (len(batch) == _MAX_EVENTS or size + weight > _MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append({"timestamp": int(seconds * 1000), "message": text})
        size += weight
    if batch:
        yield batch
