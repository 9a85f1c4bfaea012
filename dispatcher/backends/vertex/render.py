"""One portable job becomes the exact body of CreateCustomJob: pure, offline, checked by the vendor's own model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dispatcher import limits
from dispatcher.backends import code, environment, labels, rules, runtime, vendor_model
from dispatcher.backends.base import Operation, Request, Submission
from dispatcher.backends.context import Context
from dispatcher.backends.findings import Findings
from dispatcher.backends.vertex import image, overrides, place, scheduling, secret, tpu
from dispatcher.contract import CODE_FOLDER
from dispatcher.placement.selection import choose

if TYPE_CHECKING:
    from dispatcher.contract import GcpZone
    from dispatcher.job import Job
    from dispatcher.placement.catalog import Hardware
    from dispatcher.queue import Queue

OPERATION = "CreateCustomJob"

MODEL_DIR = "model"
"""Directory below baseOutputDirectory that Vertex calls AIP_MODEL_DIR (CustomJobSpec.base_output_directory)."""
DISK_MIN, DISK_MAX = 100, 64_000
"""GB of a boot disk (serverless training guide, "Configure compute resources": DiskSpec)."""


def render(job: Job, queue: Queue, submission: Submission, context: Context[GcpZone]) -> Request:
    """Build the request. Raises SpecError or PolicyRefusal with everything that is wrong, each with its remedy."""
    zone, findings = context.zone, Findings()
    hardware = findings.attempt(lambda: choose(job, queue, zone))
    rules.check_limits(job, queue, zone, findings)
    place.check(zone, findings)
    runtime.check(job, "gcp", findings)
    raw = overrides.read(queue, findings)
    reference = image.resolve(job.image, zone, regime=context.regime, findings=findings)
    output = f"{overrides.output_base(raw, zone)}/{submission.name}"
    env = _environment(job, submission, hardware, output, zone, findings)
    body: dict[str, Any] = {
        "displayName": submission.name,
        "jobSpec": {
            "workerPoolSpecs": _pools(job, hardware, _container(job, reference), env, findings),
            "scheduling": scheduling.render(job),
            "serviceAccount": zone.identities.execution,
            **place.network(zone, findings),
            "baseOutputDirectory": {"outputUriPrefix": zone.buckets.output.uri},
        },
        "labels": _labels(job, queue, submission, context, findings),
        "encryptionSpec": {"kmsKeyName": zone.keys.data},
    }
    code.check(job, findings, isolated=zone.controls.network_isolation)
    body = overrides.apply(body, raw, queue, zone, findings)
    body = _finished(body, raw, job, output, findings)
    scheduling.check(body["jobSpec"], raw.get("jobSpec") or {}, job, queue, hardware, findings)
    if hardware is not None:
        tpu.check(body["jobSpec"], job, queue, hardware, zone, findings)
    _check_model(body, raw, queue, findings)
    findings.settle()
    machines = tpu.machines(body["jobSpec"], hardware) if hardware is not None else None
    return Request(
        "gcp",
        submission.name,
        (Operation(OPERATION, body),),
        tuple(findings.warnings),
        machines,
        code.uploads(job, zone.buckets.data.uri),
    )


def checkpoint_uri(submission: Submission, zone: GcpZone) -> str:
    """Return where all attempts of a submission keep their checkpoints."""
    return f"{zone.buckets.checkpoints.uri}/{submission.checkpoints}"


def _finished(
    body: Mapping[str, Any], raw: Mapping[str, Any], job: Job, output: str, findings: Findings
) -> dict[str, Any]:
    """Return the merged body with what follows from it: each attempt writes below a name that is used once."""
    spec, own = body["jobSpec"], raw.get("jobSpec")
    merged, asked = spec.get("scheduling"), own.get("scheduling") if isinstance(own, Mapping) else None
    if isinstance(merged, Mapping):
        asked = asked if isinstance(asked, Mapping) else {}
        spec = {**spec, "scheduling": scheduling.finish(merged, asked, job, findings)}
    return {**body, "jobSpec": {**spec, "baseOutputDirectory": {"outputUriPrefix": output}}}


def _pools(
    job: Job, hardware: Hardware | None, container: dict[str, Any], env: Mapping[str, str], findings: Findings
) -> list[dict[str, Any]]:
    """Return pool 0 with the one replica Vertex allows it, and pool 1 with the rest; each has the whole env."""
    disk = _disk(job, hardware, findings)
    pools = []
    for rank, count in enumerate(filter(None, (1, job.resources.nodes - 1))):
        pool: dict[str, Any] = {"machineSpec": _machine(hardware)} if hardware is not None else {}
        pool["replicaCount"] = str(count)
        if disk:
            pool["diskSpec"] = disk
        # A pool of one knows its rank here; in a larger one each node reads it from CLUSTER_SPEC.
        known = {**env, "DISPATCH_NODE_RANK": str(rank)} if count == 1 else env
        variables = [{"name": name, "value": literal(value)} for name, value in known.items()]
        pool["containerSpec"] = {**container, "env": variables}
        pools.append(pool)
    if hardware is not None:
        rules.warn_of_age(hardware, findings)
        if hardware.accelerator == "gpu":
            rules.warn_of_nodes(job, hardware, "GPUDirect", findings)
    return pools


def _machine(hardware: Hardware) -> dict[str, Any]:
    spec: dict[str, Any] = {"machineType": hardware.machine or hardware.instance}
    if hardware.accelerator_type:
        spec |= {"acceleratorType": hardware.accelerator_type, "acceleratorCount": hardware.gpus}
    elif hardware.tpu_topologies:
        spec["tpuTopology"] = next(iter(hardware.tpu_topologies))
    return spec


def _disk(job: Job, hardware: Hardware | None, findings: Findings) -> dict[str, Any]:
    size, spec = job.resources.disk, {}
    if hardware is not None and hardware.boot_disk:
        spec["bootDiskType"] = hardware.boot_disk
    if not size:
        return spec
    if size > DISK_MAX:
        findings.problem("resources.disk", f"is {size} GB, Vertex AI allows {DISK_MAX} GB", "ask for less")
        return spec
    if size < DISK_MIN:
        findings.warn(f"resources.disk is raised to {DISK_MIN} GB, the smallest boot disk of Vertex AI")
    return {**spec, "bootDiskSizeGb": max(size, DISK_MIN)}


def _container(job: Job, reference: str) -> dict[str, Any]:
    """Return what runs; without a command it is the image's own, as Docker would run it."""
    spec: dict[str, Any] = {"imageUri": reference}
    if job.command:
        spec["command"] = runtime.entry(job)
    if job.command[1:]:
        spec["args"] = list(job.command[1:])
    return spec


def literal(text: str) -> str:
    """Return `text` so that Vertex hands it over as it is: it would expand `$(NAME)` (EnvVar.value).

    Every `$` of a run before `(` is doubled, which is right whether the expansion reads `$$` as an escape only
    before `(`, as its documentation says, or anywhere, as Kubernetes does (not checked against the service).
    """
    return re.sub(r"\$+(?=\()", lambda run: run[0] * 2, text)


def _environment(
    job: Job, submission: Submission, hardware: Hardware | None, output: str, zone: GcpZone, findings: Findings
) -> dict[str, str]:
    instance = hardware.instance if hardware else ""
    added = environment.identity(job, submission, cloud="gcp", region=zone.region, instance=instance)
    added["DISPATCH_OUTPUT_DIR"] = f"{place.mounted(output)}/{MODEL_DIR}"
    if job.checkpoint:
        added["DISPATCH_CHECKPOINT_DIR"] = place.mounted(checkpoint_uri(submission, zone))
    if job.resources.nodes == 1:
        added["MASTER_ADDR"] = "127.0.0.1"  # of several nodes only CLUSTER_SPEC in the container knows it
    added |= environment.inputs(_inputs(job, zone, findings), findings)
    added |= code.variables(job, f"{place.mounted(zone.buckets.data.uri)}/{CODE_FOLDER}")
    isolated = zone.controls.network_isolation
    references = {name: secret.resolve(name, text, zone, findings) for name, text in job.secrets.items()}
    example = f"NAME, the secret {zone.secrets.store}-NAME in Secret Manager"
    known = replace(job, secrets=references)
    added |= environment.secrets(known, {"gcp-sm": example}, isolated=isolated, findings=findings)
    added |= environment.wandb(job, zone, isolated=isolated, findings=findings)
    return environment.merged(job, added, findings)


def _inputs(job: Job, zone: GcpZone, findings: Findings) -> dict[str, str]:
    own = {zone.buckets.data.name, zone.buckets.output.name, zone.buckets.checkpoints.name}
    for name, uri in job.inputs.items():
        bucket = uri.removeprefix("gs://").partition("/")[0]
        if not uri.startswith("gs://") or not bucket:
            example = f"{zone.buckets.data.uri}/..."
            findings.problem(f"inputs.{name}", f"{uri!r} is not a gs:// location", f"copy it there: {example}")
        elif bucket not in own:
            findings.warn(
                f"inputs.{name} is in {bucket}, which is not of this zone: its execution account may not read it"
            )
    return {name: place.mounted(uri) for name, uri in job.inputs.items()}


def _labels(
    job: Job, queue: Queue, submission: Submission, context: Context[GcpZone], findings: Findings
) -> dict[str, str]:
    labels.check_free(job, findings)
    if not re.fullmatch(limits.NAME_PATTERN, submission.name):
        rule = f"makes the name {submission.name}, which a label cannot hold"
        findings.problem("name", rule, f"a-z, 0-9 and -, at most {limits.SLUG_MAX} characters")
    own = {**labels.own(job, queue, submission, context), "dispatch-name": submission.name}
    return {**job.labels, **{key: label_value(value) for key, value in own.items()}}


def label_value(text: str) -> str:
    """Return `text` as a label may hold it: lower case, other characters than `a-z0-9_-` as `-`, at most 63."""
    return re.sub(r"[^a-z0-9_-]", "-", text.lower())[:63]


_OF_THE_JOB = {
    "displayName": "name",
    "labels": "labels",
    "jobSpec.scheduling.timeout": "max_runtime",
    "containerSpec.imageUri": "image",
    "containerSpec.command": "command",
    "containerSpec.args": "command",
    "containerSpec.env": "env",
    "diskSpec.bootDiskSizeGb": "resources.disk",
}
"""Field of the request, or of a worker pool, -> key of the job that it was made from."""


def _check_model(body: Mapping[str, Any], raw: Mapping[str, Any], queue: Queue, findings: Findings) -> None:
    """Judge the body by the vendor's model; what is wrong in every pool alike is said once."""
    said: set[tuple[str, str]] = set()
    for wrong in vendor_model.load(overrides.MODEL).check(body):
        of_queue = overrides.touches(raw, wrong.path)
        place_in_pool = re.sub(r"^jobSpec\.workerPoolSpecs\[\d+\]\.", "", wrong.path)
        if (place_in_pool, wrong.rule) in said:
            continue
        said.add((place_in_pool, wrong.rule))
        if of_queue:
            findings.problem(f"overrides.{wrong.path}", wrong.rule, wrong.remedy, source=f"queue {queue.name}")
        else:
            findings.problem(_job_path(place_in_pool, body), wrong.rule, wrong.remedy)


def _job_path(path: str, body: Mapping[str, Any]) -> str:
    field = next((field for field in _OF_THE_JOB if path.startswith(field)), None)
    if field is None:
        return path
    rest = path.removeprefix(field)
    if index := re.match(r"\[(\d+)\]", rest):
        number = int(index[1])
        if field.endswith("args"):
            return f"command[{number + 1}]"  # the first element of `command` is the entrypoint
        if field.endswith("command"):
            return "command[0]"  # what may stand before it is ours
        if field.endswith("env"):
            return f"env.{body['jobSpec']['workerPoolSpecs'][0]['containerSpec']['env'][number]['name']}"
    return _OF_THE_JOB[field] + rest
