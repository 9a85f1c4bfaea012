"""The rules of CreateTrainingJob that no model states: each a small function, each with its source.

Texts marked (U) are ours: what the service says word for word is not known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from localcloud.aws.sagemaker.account import Account, services_trusted
from localcloud.aws.sagemaker.errors import ServiceError, invalid, unsupported
from localcloud.aws.sagemaker.record import DEFAULT_RUNTIME
from localcloud.place import ACCOUNT

MAX_RUNTIME = 2_419_200
"""28 days in seconds (StoppingCondition, `MaxRuntimeInSeconds`)."""

_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/"
    r"(?P<repository>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)
_URI = re.compile(r"s3://(?P<bucket>[^/]+)/?(?P<key>.*)")

Request = Mapping[str, Any]
Rule = Callable[[Request, Account, str], None]


def check(request: Request, account: Account, region: str, *, images: bool = True) -> None:
    """Raise the first refusal of a request that the model accepts. `images` False leaves ECR unasked."""
    for rule in (*_SHAPE, *_WORLD, *((_image_exists,) if images else ())):
        rule(request, account, region)


def _algorithm(request: Request, account: Account, region: str) -> None:
    """TrainingImage and AlgorithmName exclude each other; marketplace ones are not here."""
    algorithm = request.get("AlgorithmSpecification")
    if not algorithm or not (algorithm.get("TrainingImage") or algorithm.get("AlgorithmName")):
        raise invalid("You must specify either TrainingImage or AlgorithmName in AlgorithmSpecification.")  # (U)
    if algorithm.get("TrainingImage") and algorithm.get("AlgorithmName"):
        raise invalid("TrainingImage and AlgorithmName are mutually exclusive.")  # (U)
    if algorithm.get("AlgorithmName"):
        raise unsupported("marketplace algorithms (AlgorithmName)")


def _resources(request: Request, account: Account, region: str) -> None:
    """One way to choose instances (ResourceConfig); EBS-only types need a volume, NVMe types take no key."""
    resources = request.get("ResourceConfig") or {}
    if resources.get("InstanceGroups"):
        raise unsupported("heterogeneous clusters (InstanceGroups)")
    if resources.get("InstancePreferences"):
        if resources.get("InstanceType") or request.get("EnableManagedSpotTraining"):
            raise invalid(
                "InstancePreferences cannot be used with InstanceType, InstanceGroups, InstancePlacementConfig or "
                "EnableManagedSpotTraining."
            )  # (U)
        raise unsupported("a choice of instance types (InstancePreferences)")
    instance = resources.get("InstanceType")
    if not instance or not resources.get("InstanceCount"):
        raise invalid("InstanceType and an InstanceCount of at least 1 are required in ResourceConfig.")  # (U)
    storage = account.local_storage(str(instance).removeprefix("ml."))
    if storage and resources.get("VolumeKmsKeyId"):
        raise invalid(
            f"VolumeKmsKeyId is not supported for {instance}: you can't request a VolumeKmsKeyId when using an "
            "instance type with local storage."
        )
    if storage is False and not resources.get("VolumeSizeInGB"):
        raise invalid(f"VolumeSizeInGB is required for {instance}, which has no local storage.")  # (U)


def _spot_and_time(request: Request, account: Account, region: str) -> None:
    """MaxWait is for spot and covers MaxRuntime (StoppingCondition); warm pools are not for spot."""
    condition = request.get("StoppingCondition") or {}
    runtime = condition.get("MaxRuntimeInSeconds", DEFAULT_RUNTIME)
    wait = condition.get("MaxWaitTimeInSeconds")
    if runtime > MAX_RUNTIME:
        raise invalid(f"MaxRuntimeInSeconds must not be greater than {MAX_RUNTIME}.")  # (U)
    if not request.get("EnableManagedSpotTraining"):
        if wait:
            raise invalid("MaxWaitTimeInSeconds above 0 requires EnableManagedSpotTraining.")  # (U)
        return
    if wait is None or wait < runtime:
        raise invalid(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds"
        )
    if (request.get("ResourceConfig") or {}).get("KeepAlivePeriodInSeconds"):
        raise invalid("KeepAlivePeriodInSeconds is not supported with EnableManagedSpotTraining.")  # (U)


def _tags(request: Request, account: Account, region: str) -> None:
    """Keys are unique, and `aws:` is AWS's own (Tag)."""
    keys = [tag["Key"] for tag in request.get("Tags") or []]
    if any(key.lower().startswith("aws:") for key in keys):
        raise invalid("aws: prefixed tag key names are not allowed for external use.")
    if len(set(keys)) < len(keys):
        raise invalid("Duplicate tag keys found. Please note that tag keys are case insensitive.")


def _channels(request: Request, account: Account, region: str) -> None:
    """Channel names are unique; what cannot be read here is said to be unsupported."""
    names = [channel["ChannelName"] for channel in request.get("InputDataConfig") or []]
    if len(set(names)) < len(names):
        raise invalid("Channel names must be unique.")  # (U)
    default = (request.get("AlgorithmSpecification") or {}).get("TrainingInputMode")
    for channel in request.get("InputDataConfig") or []:
        source = channel["DataSource"].get("S3DataSource")
        if source is None:
            raise unsupported("input from file systems and data sets (only S3DataSource)")
        if channel.get("InputMode", default) == "Pipe":
            raise unsupported("Pipe mode")
        if source["S3DataType"] not in ("S3Prefix", "ManifestFile"):
            raise unsupported(f"S3DataType {source['S3DataType']}")


def _registry(request: Request, account: Account, region: str) -> None:
    """A private registry other than ECR needs TrainingImageConfig with Vpc access, and a VPC."""
    algorithm = request["AlgorithmSpecification"]
    mode = (algorithm.get("TrainingImageConfig") or {}).get("TrainingRepositoryAccessMode", "Platform")
    if mode == "Vpc":
        if not request.get("VpcConfig"):
            raise invalid("TrainingRepositoryAccessMode Vpc requires VpcConfig.")  # (U)
    elif not _IMAGE.fullmatch(algorithm["TrainingImage"]):
        raise invalid(
            f"Invalid image URI {algorithm['TrainingImage']}. Please provide a valid Amazon Elastic Container "
            "Registry path of the training image."
        )  # (U)


def _role(request: Request, account: Account, region: str) -> None:
    """The role must exist and trust SageMaker; its permissions and conditions are not evaluated."""
    arn = request["RoleArn"]
    trust = account.trust(arn)
    if trust is None or "sagemaker.amazonaws.com" not in services_trusted(trust):
        raise untrusted(arn)


def untrusted(arn: str) -> ServiceError:
    """The refusal of a role that SageMaker cannot assume, or not yet."""
    return invalid(
        f"Could not assume role {arn}. Please ensure that the role exists and allows principal "
        "'sagemaker.amazonaws.com' to assume the role."
    )


def _buckets(request: Request, account: Account, region: str) -> None:
    """Outputs need a bucket in this region; every channel needs at least one object."""
    targets = [request["OutputDataConfig"]["S3OutputPath"]]
    if checkpoint := request.get("CheckpointConfig"):
        targets.append(checkpoint["S3Uri"])
    for uri in targets:
        found = _URI.fullmatch(uri)
        if found is None:
            raise invalid(f"{uri} is not an S3 URI that starts with s3://.")  # (U)
        if account.bucket_region(found["bucket"]) != region:
            raise invalid(f"The S3 bucket {found['bucket']} of {uri} does not exist in region {region}.")  # (U)
    for uri in _inputs(request):
        found = _URI.fullmatch(uri)
        bucket, key = (found["bucket"], found["key"]) if found else ("", "")
        if account.bucket_region(bucket) != region or not account.has_objects(bucket, key):
            raise invalid(
                f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the '
                f"bucket exists in the selected region ({region}), that objects exist under that S3 prefix, and "
                f'that the role "{request["RoleArn"]}" has "s3:ListBucket" permissions on bucket "{bucket}".'
            )


def _inputs(request: Request) -> Iterator[str]:
    for channel in request.get("InputDataConfig") or []:
        yield channel["DataSource"]["S3DataSource"]["S3Uri"]


def _keys(request: Request, account: Account, region: str) -> None:
    """Named KMS keys must exist and be enabled; key policies are not evaluated."""
    wanted = {
        "OutputDataConfig.KmsKeyId": request["OutputDataConfig"].get("KmsKeyId"),
        "ResourceConfig.VolumeKmsKeyId": request["ResourceConfig"].get("VolumeKmsKeyId"),
    }
    for field, key in wanted.items():
        if key and (state := account.key_state(key, region)) != "Enabled":
            problem = "does not exist" if state is None else f"is {state}"
            raise invalid(f"The KMS key {key} in {field} {problem}.")  # (U)


def _network(request: Request, account: Account, region: str) -> None:
    """Subnets and security groups must exist, in one VPC."""
    vpc = request.get("VpcConfig")
    if not vpc:
        return
    places = {subnet: account.subnet_vpc(subnet, region) for subnet in vpc["Subnets"]}
    places |= {group: account.group_vpc(group, region) for group in vpc["SecurityGroupIds"]}
    for name, place in places.items():
        if place is None:
            kind = "subnet" if name in vpc["Subnets"] else "security group"
            raise invalid(f"The {kind} ID '{name}' does not exist")  # (U)
    if len(set(places.values())) > 1:
        raise invalid("The subnets and security groups of VpcConfig must belong to the same VPC.")  # (U)


def _image_exists(request: Request, account: Account, region: str) -> None:
    """The repository must exist in the account; whether the tag does is not asked, images are not pulled."""
    found = _IMAGE.fullmatch(request["AlgorithmSpecification"]["TrainingImage"])
    if found is None or found["account"] != ACCOUNT:
        return
    if not account.has_repository(found["repository"], found["region"]):
        raise invalid(
            f"Cannot find repository: {found['repository']} in registry ID: {found['account']} Please check if "
            f"your ECR repository exists and role {request['RoleArn']} has proper pull permissions for SageMaker: "
            "ecr:BatchCheckLayerAvailability, ecr:BatchGetImage, ecr:GetDownloadUrlForLayer"
        )


_SHAPE: tuple[Rule, ...] = (_algorithm, _resources, _spot_and_time, _tags, _channels, _registry)
_WORLD: tuple[Rule, ...] = (_role, _buckets, _keys, _network)


def quota(request: Request) -> ServiceError:
    """ResourceLimitExceeded in the service's words for the instances a request asks for."""
    resources = request.get("ResourceConfig") or {}
    use = "spot training job usage" if request.get("EnableManagedSpotTraining") else "training job usage"
    return ServiceError(
        "ResourceLimitExceeded",
        f"The account-level service limit '{resources.get('InstanceType')} for {use}' is 0 Instances, with "
        "current utilization of 0 Instances and a request delta of "
        f"{resources.get('InstanceCount', 1)} Instances. "
        "Please use AWS Service Quotas to request an increase for this quota. If AWS Service Quotas is not "
        "available, contact AWS support to request an increase for this quota.",
    )
