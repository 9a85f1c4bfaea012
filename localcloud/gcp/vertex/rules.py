"""The rules of CreateCustomJob that its type does not state: each a small function, each with its source.

All problems are reported at once, by field, as the service does ("List of found errors"). Texts marked (U) are
ours: what the service says word for word is not known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from dispatcher.backends.image_reference import public
from localcloud.gcp.errors import GoogleError, invalid, unsupported
from localcloud.gcp.vertex import facts
from localcloud.gcp.vertex.record import DEFAULT_TIMEOUT, CustomJob
from localcloud.gcp.vertex.world import World, bucket_of
from localcloud.place import NUMBER

MAX_POOLS = 4
MAX_ENV = 100
MAX_LABELS = 64
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DISKS = ("", "pd-ssd", "pd-standard", "hyperdisk-balanced")
_IMAGE = re.compile(
    r"(?:(?P<host>[^/]+[.:][^/]*|localhost)/)?(?P<path>[a-z0-9][^:@\s]*)(?::[\w.-]+)?(?:@sha256:[0-9a-f]{64})?"
)
_REGISTRY = re.compile(r"(?P<location>[a-z0-9-]+)-docker\.pkg\.dev")
_CONTAINER_REGISTRY = re.compile(r"(?:(?:us|eu|asia)\.)?gcr\.io")

Problem = tuple[str, str]
"""The field, in the spelling of the type, and what is wrong with it."""

Rule = Callable[[CustomJob, World], Iterator[Problem]]
_SPEC = "custom_job.job_spec"


def check(job: CustomJob, world: World, *, images: bool = True) -> None:
    """Raise the refusal of a job that its type accepts. `images` False leaves Artifact Registry unasked."""
    problems = [problem for rule in _SHAPE for problem in rule(job, world)]
    if not problems:
        problems = [problem for rule in _WORLD for problem in rule(job, world)]
        problems += list(_images(job, world, ask=images)) if not problems else []
    if problems:
        found = "\t".join(f"{n}.Field: {field}; Message: {text}" for n, (field, text) in enumerate(problems, 1))
        raise invalid(f"List of found errors:\t{found}\t")


def _pools(job: CustomJob) -> Iterator[tuple[str, Any]]:
    """The pools in use, with their fields' names; an empty one is skipped (WorkerPoolSpec)."""
    for index, pool in enumerate(job.spec.worker_pool_specs):
        if pool.ByteSize():
            yield f"{_SPEC}.worker_pool_specs[{index}]", pool


def _names(job: CustomJob, world: World) -> Iterator[Problem]:
    """CustomJob: display_name of 1 to 128 characters; labels of a-z, 0-9, _ and -, at most 64."""
    if not 1 <= len(job.message.display_name) <= 128:
        yield "custom_job.display_name", "The display name must be 1 to 128 characters long."  # (U)
    labels = job.message.labels
    if len(labels) > MAX_LABELS:
        yield "custom_job.labels", f"There can be no more than {MAX_LABELS} labels."  # (U)
    for key, value in labels.items():
        if not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
            yield (
                "custom_job.labels",
                f'Label "{key}: {value}" has characters or a length that are not allowed.',
            )  # (U)


def _replicas(job: CustomJob, world: World) -> Iterator[Problem]:
    """Distributed training: pool 0 is the one primary replica; four pools at most."""
    pools = job.spec.worker_pool_specs
    if not pools or not pools[0].ByteSize():
        yield f"{_SPEC}.worker_pool_specs", "At least one worker pool should be specified."
    if len(pools) > MAX_POOLS:
        yield f"{_SPEC}.worker_pool_specs", f"There can be no more than {MAX_POOLS} worker pools."  # (U)
    for index, (field, pool) in enumerate(_pools(job)):
        if pool.replica_count < 1:
            yield f"{field}.replica_count", "Replica count must be positive."  # (U)
        elif index == 0 and pool.replica_count != 1:
            yield f"{field}.replica_count", "Replica count must be 1 for the first worker pool."  # (U)


def _containers(job: CustomJob, world: World) -> Iterator[Problem]:
    """WorkerPoolSpec.task and ContainerSpec: an image; at most 100 variables with C names (EnvVar)."""
    for field, pool in _pools(job):
        if pool.WhichOneof("task") == "python_package_spec":
            raise unsupported("Python packages (pythonPackageSpec); only containerSpec")
        container = pool.container_spec
        if not container.image_uri:
            yield f"{field}.container_spec.image_uri", "Required field is not set."
        if len(container.env) > MAX_ENV:
            yield (
                f"{field}.container_spec.env",
                f"There can be no more than {MAX_ENV} environment variables.",
            )  # (U)
        names = [variable.name for variable in container.env]
        for name in names:
            if not _ENV_NAME.fullmatch(name):
                yield f"{field}.container_spec.env", f'"{name}" is not a valid C identifier.'  # (U)
        if len(set(names)) < len(names):
            yield f"{field}.container_spec.env", "Environment variable names must be unique."  # (U)
        if pool.nfs_mounts or pool.lustre_mounts:
            raise unsupported("NFS and Lustre mounts")


def _machines(job: CustomJob, world: World) -> Iterator[Problem]:
    """Machine types and the accelerators they may have (Configure compute resources)."""
    for field, pool in _pools(job):
        spec = pool.machine_spec
        name = f"{field}.machine_spec"
        allowed = facts.machines().get(spec.machine_type)
        if not spec.machine_type:
            yield f"{name}.machine_type", "Required field is not set."
            continue
        if allowed is None:
            yield f"{name}.machine_type", f'Machine type "{spec.machine_type}" is not supported.'
            continue
        kind = _accelerator(spec)
        if bool(kind) != bool(spec.accelerator_count):
            yield name, "accelerator_type and accelerator_count must be set together."  # (U)
        elif (kind, spec.accelerator_count) not in allowed:
            asked = f'{spec.accelerator_count} accelerators of type "{kind or "none"}"'
            yield name, f'Machine type "{spec.machine_type}" does not support {asked}.'  # (U)
        sizes = facts.topologies().get(spec.machine_type, {})
        if spec.tpu_topology and spec.tpu_topology not in sizes:
            yield f"{name}.tpu_topology", f'"{spec.tpu_topology}" is not a topology of {spec.machine_type}.'  # (U)
        disk = pool.disk_spec
        if disk.boot_disk_type not in _DISKS:
            yield (
                f"{field}.disk_spec.boot_disk_type",
                f'Boot disk type "{disk.boot_disk_type}" is not supported.',
            )  # (U)
        if disk.boot_disk_size_gb and not 100 <= disk.boot_disk_size_gb <= 64_000:
            yield f"{field}.disk_spec.boot_disk_size_gb", "Boot disk size must be from 100 to 64000 GB."  # (U)


def _accelerator(spec: Any) -> str:
    if not spec.accelerator_type:
        return ""
    kind = spec.DESCRIPTOR.fields_by_name["accelerator_type"].enum_type
    return str(kind.values_by_number[spec.accelerator_type].name)


def _scheduling(job: CustomJob, world: World) -> Iterator[Problem]:
    """Scheduling, and the page on scheduling by resource availability for FLEX_START."""
    field = f"{_SPEC}.scheduling"
    flexible = job.strategy == "FLEX_START"
    if job.timeout <= 0:
        yield f"{field}.timeout", "The timeout must be positive."  # (U)
    if job.spec.scheduling.HasField("max_wait_duration") and not flexible:
        yield f"{field}.max_wait_duration", "max_wait_duration is only for the FLEX_START strategy."  # (U)
    pools = [pool for _, pool in _pools(job)]
    if job.strategy == "SPOT":
        for pool in pools:
            machines = facts.topologies().get(pool.machine_spec.machine_type, {})
            if machines.get(pool.machine_spec.tpu_topology, 1) > 1:
                yield f"{field}.strategy", "Using Spot VMs with TPU Pods isn't supported."
    if not flexible:
        return
    if job.timeout > DEFAULT_TIMEOUT:
        yield f"{field}.timeout", "The timeout of a FLEX_START job must be 7 days or less."  # (U)
    for pool in pools:
        if _accelerator(pool.machine_spec) not in facts.table("scheduling")["flex_start"]["accelerators"]:
            yield f"{field}.strategy", f"FLEX_START does not support {pool.machine_spec.machine_type}."  # (U)
    if len({pool.machine_spec.SerializeToString(deterministic=True) for pool in pools}) > 1:
        yield f"{field}.strategy", "FLEX_START needs the same machine configuration for all worker pools."  # (U)


def _account(job: CustomJob, world: World) -> Iterator[Problem]:
    """CustomJobSpec.service_account: it must exist; whether the caller may act as it is not evaluated."""
    email = job.spec.service_account
    if email and not world.account(email):
        yield f"{_SPEC}.service_account", f"Service account {email} does not exist."  # (U)


def _output(job: CustomJob, world: World) -> Iterator[Problem]:
    """CustomJobSpec.base_output_directory: a gs:// prefix in a bucket that is there."""
    uri = job.spec.base_output_directory.output_uri_prefix
    field = f"{_SPEC}.base_output_directory.output_uri_prefix"
    if job.spec.HasField("base_output_directory"):
        bucket = bucket_of(uri)
        if bucket is None:
            yield field, f'Invalid Cloud Storage URI "{uri}".'  # (U)
        elif not world.bucket(bucket):
            yield field, f"The Cloud Storage bucket {bucket} does not exist."  # (U)


def _key(job: CustomJob, world: World) -> Iterator[Problem]:
    """EncryptionSpec: a key in the job's region, with which the service agent may encrypt."""
    key = job.message.encryption_spec.kms_key_name
    if key and (problem := world.key_problem(key, job.location)):
        yield "custom_job.encryption_spec.kms_key_name", problem


def _network(job: CustomJob, world: World) -> Iterator[Problem]:
    """CustomJobSpec.network by project number; PscInterfaceConfig by a network attachment of the region."""
    network, psc = job.spec.network, job.spec.psc_interface_config
    if network:
        found = re.fullmatch(r"projects/(\d+)/global/networks/([^/]+)", network)
        if found is None:
            yield f"{_SPEC}.network", f"{network} is not projects/PROJECT_NUMBER/global/networks/NETWORK."  # (U)
        elif found[1] == NUMBER and not world.network(found[2]):
            yield f"{_SPEC}.network", f"The network {network} does not exist."  # (U)
    if network and job.spec.HasField("psc_interface_config"):
        yield f"{_SPEC}.psc_interface_config", "network and psc_interface_config exclude each other."  # (U)
    if psc.network_attachment:
        parts = psc.network_attachment.split("/")
        name, region = parts[-1], parts[3] if len(parts) == 6 else job.location
        field = f"{_SPEC}.psc_interface_config.network_attachment"
        if region != job.location:
            yield field, f"The network attachment must be in {job.location}."  # (U)
        elif not world.attachment(region, name):
            yield field, f"The network attachment {psc.network_attachment} does not exist."  # (U)


def _images(job: CustomJob, world: World, *, ask: bool) -> Iterator[Problem]:
    """ContainerSpec.image_uri: Artifact Registry, or a registry that asks nobody to sign in; nothing is pulled."""
    known = facts.table("registries")
    for name, pool in _pools(job):
        uri, field = pool.container_spec.image_uri, f"{name}.container_spec.image_uri"
        found = _IMAGE.fullmatch(uri)
        if found is None:
            yield field, f'"{uri}" is not an image.'  # (U)
            continue
        host = found["host"] or "docker.io"
        registry = _REGISTRY.fullmatch(host)
        if registry:
            project, _, rest = found["path"].partition("/")
            repository = rest.partition("/")[0]
            there = project in known["google"] or world.repository(registry["location"], project, repository)
            if ask and there is False:
                yield field, f'Image "{uri}" not found: there is no repository {repository} in {project}.'  # (U)
        elif not _CONTAINER_REGISTRY.fullmatch(host) and not public(host):
            yield field, f'Image "{uri}" is in a registry that Vertex AI cannot read.'  # (U)


_SHAPE: tuple[Rule, ...] = (_names, _replicas, _containers, _machines, _scheduling)
_WORLD: tuple[Rule, ...] = (_account, _output, _key, _network)


def place(location: str) -> None:
    """Refuse a location without custom training, such as `global` (the SDK's list of regions).

    Raises GoogleError.
    """
    if location not in facts.regions():
        raise GoogleError("INVALID_ARGUMENT", f"Location {location} is not supported for custom jobs.")  # (U)
