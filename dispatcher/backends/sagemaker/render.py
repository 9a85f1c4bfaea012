"""One portable job becomes the exact body of CreateTrainingJob: pure, offline, checked by the vendor's model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatcher import limits
from dispatcher.backends import code, environment, labels, merging, rules, runtime, vendor_model
from dispatcher.backends.base import Operation, Request, Submission
from dispatcher.backends.context import Context
from dispatcher.backends.findings import Findings
from dispatcher.backends.sagemaker import image, overrides, secret
from dispatcher.placement.selection import choose

if TYPE_CHECKING:
    from dispatcher.contract import AwsZone
    from dispatcher.job import Job
    from dispatcher.placement.catalog import Hardware
    from dispatcher.queue import Queue

OPERATION = "CreateTrainingJob"
MODEL = Path(__file__).parent / "data" / "create_training_job.json"

# Where SageMaker mounts things in a container (developer guide, "How SageMaker AI Provides Training Information").
INPUT_DIR = "/opt/ml/input/data"
MODEL_DIR = "/opt/ml/model"
CHECKPOINT_DIR = "/opt/ml/checkpoints"
FIRST_HOST = "algo-1"

DEFAULT_VOLUME_GB = 30
"""Size of the EBS volume when a job does not say: the default of AWS's own SageMaker Python SDK."""
KEEP_ALIVE = 3600
"""Seconds that a warm instance waits for the next job; the developer guide's maximum, below the model's 21600."""


def render(job: Job, queue: Queue, submission: Submission, context: Context[AwsZone]) -> Request:
    """Build the request. Raises SpecError or PolicyRefusal with everything that is wrong, each with its remedy."""
    zone, findings = context.zone, Findings()
    hardware = findings.attempt(lambda: choose(job, queue, zone))
    rules.check_limits(job, queue, zone, findings)
    runtime.check(job, "aws", findings)
    isolated = overrides.isolated(zone, queue)
    vpc_registry = overrides.vpc_registry(queue)
    reference = image.resolve(job.image, zone, regime=context.regime, vpc_registry=vpc_registry, findings=findings)
    body: dict[str, Any] = {
        "TrainingJobName": submission.name,
        "RoleArn": zone.identities.execution,
        "AlgorithmSpecification": _algorithm(job, reference, findings),
        "OutputDataConfig": {
            "S3OutputPath": zone.buckets.output.uri,
            "KmsKeyId": zone.keys.data,
            "CompressionType": "GZIP",
        },
        "StoppingCondition": _stopping(job, findings),
        "Environment": _environment(job, submission, hardware, zone, isolated, findings),
        "Tags": _tags(job, queue, submission, context, findings),
        "EnableNetworkIsolation": zone.controls.network_isolation,
        "EnableInterContainerTrafficEncryption": True,
        "EnableManagedSpotTraining": job.spot,
    }
    if hardware is not None:
        body["ResourceConfig"] = _resources(job, queue, hardware, zone, findings)
    if channels := _channels(job, zone, findings):
        body["InputDataConfig"] = channels
    if zone.network.ids.subnets:
        ids = zone.network.ids
        body["VpcConfig"] = {"SecurityGroupIds": list(ids.security_groups), "Subnets": list(ids.subnets)}
    if job.checkpoint:
        uri = f"{zone.buckets.checkpoints.uri}/{submission.checkpoints}"
        body["CheckpointConfig"] = {"S3Uri": uri, "LocalPath": CHECKPOINT_DIR}
    code.check(job, findings, isolated=isolated)
    body = overrides.apply(body, queue, zone, findings)
    if body.get("ResourceConfig", {}).get("KeepAlivePeriodInSeconds") and job.spot:
        findings.refuse(
            "overrides", f"queue {queue.name} keeps spot instances warm", "SageMaker takes one or the other"
        )
    _check_model(body, queue, findings)
    findings.settle()
    return Request(
        "aws",
        submission.name,
        (Operation(OPERATION, body),),
        tuple(findings.warnings),
        uploads=code.uploads(job, zone.buckets.data.uri),
    )


def _algorithm(job: Job, reference: str, findings: Findings) -> dict[str, Any]:
    spec: dict[str, Any] = {"TrainingImage": reference, "TrainingInputMode": "File"}
    if not job.command and not job.runtime:
        findings.warn(
            "the job has no command: SageMaker runs the image with the single argument `train` in place of "
            "its CMD, so only an image made for SageMaker, or one with an exec-form ENTRYPOINT, starts"
        )
        return spec
    spec["ContainerEntrypoint"] = runtime.entry(job)
    if job.command[1:]:
        spec["ContainerArguments"] = list(job.command[1:])
    return spec


def _resources(job: Job, queue: Queue, hardware: Hardware, zone: AwsZone, findings: Findings) -> dict[str, Any]:
    config: dict[str, Any] = {"InstanceType": hardware.instance, "InstanceCount": job.resources.nodes}
    if hardware.local_storage is False:
        # A type with its own disks rejects the key, and what it does with a size is not documented.
        config["VolumeSizeInGB"] = job.resources.disk or DEFAULT_VOLUME_GB
        config["VolumeKmsKeyId"] = zone.keys.data
    elif job.resources.disk:
        size = (
            f"{hardware.local_storage_gb} GB of them" if hardware.local_storage_gb else "of a size we do not know"
        )
        findings.warn(
            f"resources.disk is left out: {hardware.instance} has its own disks, {size}, and takes no volume"
        )
    if queue.min_warm and job.spot:
        findings.warn(f"queue {queue.name} keeps instances warm, which SageMaker does not do for spot jobs")
    elif queue.min_warm:
        config["KeepAlivePeriodInSeconds"] = KEEP_ALIVE
    rules.warn_of_age(hardware, findings)
    rules.warn_of_nodes(job, hardware, "EFA", findings)
    return config


def _channels(job: Job, zone: AwsZone, findings: Findings) -> list[dict[str, Any]]:
    own = {zone.buckets.data.name, zone.buckets.output.name, zone.buckets.checkpoints.name}
    channels = []
    for name, uri in job.inputs.items():
        bucket = uri.removeprefix("s3://").partition("/")[0]
        if not uri.startswith("s3://") or not bucket:
            example = f"{zone.buckets.data.uri}/..."
            findings.problem(f"inputs.{name}", f"{uri!r} is not an s3:// location", f"copy it there: {example}")
            continue  # the model would only say the same again, in its own words
        if bucket not in own:
            findings.warn(
                f"inputs.{name} is in {bucket}, which is not of this zone: its execution role may not read it"
            )
        channels.append(_channel(name, uri))
    if job.code is not None:
        channels.append(_channel(code.INPUT, f"{zone.buckets.data.uri}/{code.key(job)}"))
    return channels


def _channel(name: str, uri: str) -> dict[str, Any]:
    """Return a channel; all that begins with `uri` lies below the directory of its name, each by its last part."""
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, "InputMode": "File"}


def _stopping(job: Job, findings: Findings) -> dict[str, int]:
    condition = {"MaxRuntimeInSeconds": job.max_runtime}
    if job.max_runtime > limits.RUNTIME_MAX:
        findings.problem(
            "max_runtime", f"is {job.max_runtime} s, SageMaker runs a job at most 28 days", "lower it"
        )
    if job.spot:
        wait = min(2 * job.max_runtime, limits.WAIT_MAX) if job.max_wait is None else job.max_wait
        if wait < job.max_runtime:
            rule = f"max_wait ({wait} s) bounds waiting and running together, and is below max_runtime"
            findings.problem("max_wait", rule, f"set it to at least {job.max_runtime} s")
        elif wait > limits.WAIT_MAX:
            findings.problem("max_wait", f"is {wait} s, SageMaker allows {limits.WAIT_MAX} s", "lower it")
        condition["MaxWaitTimeInSeconds"] = wait
    elif job.max_wait is not None:
        findings.warn("max_wait is left out: SageMaker bounds waiting for spot jobs only")
    return condition


def _environment(
    job: Job, submission: Submission, hardware: Hardware | None, zone: AwsZone, isolated: bool, findings: Findings
) -> dict[str, str]:
    instance = hardware.instance if hardware else ""
    added = environment.identity(job, submission, cloud="aws", region=zone.region, instance=instance)
    added["DISPATCH_OUTPUT_DIR"] = MODEL_DIR
    if job.checkpoint:
        added["DISPATCH_CHECKPOINT_DIR"] = CHECKPOINT_DIR
    if job.resources.nodes == 1:
        added |= {"DISPATCH_NODE_RANK": "0", "MASTER_ADDR": "127.0.0.1"}
    else:
        added["MASTER_ADDR"] = FIRST_HOST  # its own rank each node reads from resourceconfig.json
    added |= environment.inputs({name: f"{INPUT_DIR}/{name}" for name in job.inputs}, findings)
    added |= code.variables(job, f"{INPUT_DIR}/{code.INPUT}")
    examples = {
        "aws-sm": f"NAME, the secret {zone.secrets.store}/NAME in AWS Secrets Manager",
        "ssm": "/PATH/NAME, a parameter that the role was given",
    }
    references = {name: secret.resolve(name, text, zone, findings) for name, text in job.secrets.items()}
    known = replace(job, secrets=references)
    added |= environment.secrets(known, examples, isolated=isolated, findings=findings)
    added |= environment.wandb(job, zone, isolated=isolated, findings=findings)
    return environment.merged(job, added, findings)


def _tags(
    job: Job, queue: Queue, submission: Submission, context: Context[AwsZone], findings: Findings
) -> list[dict[str, str]]:
    labels.check_free(job, findings, "tag")
    for key in job.labels:
        if key.lower().startswith("aws:"):
            findings.problem(f"labels.{key}", "AWS reserves keys that begin with aws:", "choose another key")
    tags = {**job.labels, **labels.own(job, queue, submission, context)}
    return [{"Key": key, "Value": tag_value(value)} for key, value in tags.items()]


def tag_value(text: str) -> str:
    """Return `text` with every character that a tag may not hold replaced by `-`, at most 256 long."""
    return re.sub(r"[^\w .:/=+\-@]", "-", text)[:256]


_OF_THE_JOB = {
    "TrainingJobName": "name",
    "AlgorithmSpecification.TrainingImage": "image",
    "AlgorithmSpecification.ContainerEntrypoint": "command",
    "AlgorithmSpecification.ContainerArguments": "command",
    "InputDataConfig": "inputs",
    "Environment": "env",
    "Tags": "labels",
    "StoppingCondition.MaxRuntimeInSeconds": "max_runtime",
    "ResourceConfig.InstanceCount": "resources.nodes",
    "ResourceConfig.VolumeSizeInGB": "resources.disk",
}
"""Field of the request -> key of the job that it was made from, so that a message names what the user wrote."""


def _check_model(body: Mapping[str, Any], queue: Queue, findings: Findings) -> None:
    for wrong in vendor_model.load(MODEL).check(body):
        if merging.touches(queue.overrides, wrong.path):
            findings.problem(f"overrides.{wrong.path}", wrong.rule, wrong.remedy, source=f"queue {queue.name}")
            continue
        field = next((field for field in _OF_THE_JOB if wrong.path.startswith(field)), None)
        path = _job_path(wrong.path, field) if field else wrong.path
        findings.problem(path, wrong.rule, wrong.remedy)


def _job_path(path: str, field: str) -> str:
    rest = path.removeprefix(field)
    if field.endswith("ContainerArguments") and (index := re.match(r"\[(\d+)\]", rest)):
        rest = f"[{int(index[1]) + 1}]"  # the first element of `command` is the entrypoint
    elif field.endswith("ContainerEntrypoint") and rest:
        rest = "[0]"  # what may stand before it is ours
    return _OF_THE_JOB[field] + rest
