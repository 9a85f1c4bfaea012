"""ECR repositories with their lifecycle and access policies."""

from __future__ import annotations

from localcloud.plugin.aws.handlers.iam import never
from localcloud.plugin.aws.resource import asked, document, given, pairs, tag_changes, tags
from localcloud.plugin.aws.session import Aws
from localcloud.plugin.handling import Invoke, Resource
from localcloud.plugin.provider import ProviderError
from localcloud.plugin.values import Properties

GONE = "RepositoryNotFoundException"


def create(aws: Aws, inputs: Properties) -> str:
    encryption = inputs.get("encryptionConfigurations") or []
    scanning = inputs.get("imageScanningConfiguration")
    aws.client("ecr").create_repository(
        **given(
            repositoryName=inputs["name"],
            imageTagMutability=inputs.get("imageTagMutability"),
            imageTagMutabilityExclusionFilters=_filters(inputs),
            imageScanningConfiguration=scanning and {"scanOnPush": scanning["scanOnPush"]},
            encryptionConfiguration=_encryption(encryption[0]) if encryption else None,
            tags=pairs(inputs.get("tags")),
        )
    )
    return str(inputs["name"])


def _encryption(wanted: Properties) -> Properties:
    return given(encryptionType=wanted.get("encryptionType"), kmsKey=wanted.get("kmsKey"))


def _filters(inputs: Properties) -> list[dict[str, str]]:
    found = inputs.get("imageTagMutabilityExclusionFilters") or []
    return [{"filter": one["filter"], "filterType": one["filterType"]} for one in found]


def read(aws: Aws, id: str, known: Properties) -> Properties | None:
    client = aws.client("ecr")
    answer = asked(lambda: client.describe_repositories(repositoryNames=[id]), GONE)
    if answer is None:
        return None
    found = answer["repositories"][0]
    encryption = found.get("encryptionConfiguration") or {"encryptionType": "AES256"}
    return {
        "arn": found["repositoryArn"],
        "encryptionConfigurations": [
            {"encryptionType": encryption["encryptionType"], "kmsKey": encryption.get("kmsKey", "")}
        ],
        "imageScanningConfiguration": {
            "scanOnPush": bool(found.get("imageScanningConfiguration", {}).get("scanOnPush"))
        },
        "imageTagMutability": found["imageTagMutability"],
        "imageTagMutabilityExclusionFilters": [
            {"filter": one["filter"], "filterType": one["filterType"]}
            for one in found.get("imageTagMutabilityExclusionFilters") or _filters(known)  # moto keeps none
        ],
        "name": found["repositoryName"],
        "registryId": found["registryId"],
        "repositoryUrl": f"{found['registryId']}.dkr.ecr.{aws.region}.{aws.suffix}/{found['repositoryName']}",
        "tags": tags(client.list_tags_for_resource(resourceArn=found["repositoryArn"])["tags"]),
    }


def update(aws: Aws, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    client = aws.client("ecr")
    if names & {"imageTagMutability", "imageTagMutabilityExclusionFilters"}:
        client.put_image_tag_mutability(
            repositoryName=id,
            imageTagMutability=new.get("imageTagMutability") or "MUTABLE",
            **given(imageTagMutabilityExclusionFilters=_filters(new)),
        )
    if "imageScanningConfiguration" in names:
        scan = bool((new.get("imageScanningConfiguration") or {}).get("scanOnPush"))
        client.put_image_scanning_configuration(repositoryName=id, imageScanningConfiguration={"scanOnPush": scan})
    if "tags" in names:
        removed, added = tag_changes(old, new)
        if removed:
            client.untag_resource(resourceArn=old["arn"], tagKeys=removed)
        if added:
            client.tag_resource(resourceArn=old["arn"], tags=pairs(added))


def delete(aws: Aws, id: str, state: Properties) -> None:
    force = bool(state.get("forceDelete"))
    asked(lambda: aws.client("ecr").delete_repository(repositoryName=id, force=force), GONE)


def put_lifecycle(aws: Aws, inputs: Properties) -> str:
    text = document(inputs["policy"])
    aws.client("ecr").put_lifecycle_policy(repositoryName=inputs["repository"], lifecyclePolicyText=text)
    return str(inputs["repository"])


def read_lifecycle(aws: Aws, id: str, known: Properties) -> Properties | None:
    client = aws.client("ecr")
    answer = asked(
        lambda: client.get_lifecycle_policy(repositoryName=id), GONE, "LifecyclePolicyNotFoundException"
    )
    if answer is None:
        return None
    return {
        "repository": id,
        "registryId": answer["registryId"],
        "policy": document(answer["lifecyclePolicyText"]),
    }


def delete_lifecycle(aws: Aws, id: str, state: Properties) -> None:
    client = aws.client("ecr")
    asked(lambda: client.delete_lifecycle_policy(repositoryName=id), GONE, "LifecyclePolicyNotFoundException")


def put_policy(aws: Aws, inputs: Properties) -> str:
    aws.client("ecr").set_repository_policy(repositoryName=inputs["repository"], policyText=inputs["policy"])
    return str(inputs["repository"])


def read_policy(aws: Aws, id: str, known: Properties) -> Properties | None:
    client = aws.client("ecr")
    answer = asked(
        lambda: client.get_repository_policy(repositoryName=id), GONE, "RepositoryPolicyNotFoundException"
    )
    if answer is None:
        return None
    return {"repository": id, "registryId": answer["registryId"], "policy": document(answer["policyText"])}


def update_policy(aws: Aws, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    put_policy(aws, new)


def delete_policy(aws: Aws, id: str, state: Properties) -> None:
    client = aws.client("ecr")
    asked(lambda: client.delete_repository_policy(repositoryName=id), GONE, "RepositoryPolicyNotFoundException")


def get_repository(aws: Aws, arguments: Properties) -> Properties:
    found = read(aws, arguments["name"], {})
    if found is None:
        raise ProviderError(f"reading ECR Repository ({arguments['name']}): couldn't find resource")
    found["imageScanningConfigurations"] = [found.pop("imageScanningConfiguration")]
    return {"id": arguments["name"], "region": aws.region, "mostRecentImageTags": []} | found


RESOURCES = {
    "aws:ecr/repository:Repository": Resource("ECR Repository", create, read, update, delete),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": Resource(
        "ECR Lifecycle Policy", put_lifecycle, read_lifecycle, never, delete_lifecycle
    ),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": Resource(
        "ECR Repository Policy", put_policy, read_policy, update_policy, delete_policy
    ),
}
INVOKES = {
    "aws:ecr/getRepository:getRepository": Invoke(
        frozenset({"name", "registryId", "region", "tags"}), get_repository
    )
}
