"""S3 buckets themselves; what hangs on a bucket is in s3_settings and s3_lifecycle."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from localcloud.plugin.aws.resource import asked, pairs, tag_changes, tags
from localcloud.plugin.aws.session import Aws
from localcloud.plugin.handling import Invoke, Resource
from localcloud.plugin.provider import ProviderError
from localcloud.plugin.values import Properties

GONE = ("NoSuchBucket", "404")
REFUSED = (
    "accelerationStatus", "acl", "bucketPrefix", "corsRules", "grants", "lifecycleRules", "logging",
    "objectLockConfiguration", "policy", "replicationConfiguration", "requestPayer",
    "serverSideEncryptionConfiguration", "versioning", "website",
)  # fmt: skip
"""Arguments that have resources of their own (deprecated ones all); the stand-in refuses them."""


@cache
def hosted_zones() -> dict[str, str]:
    """Region -> Route 53 zone of its S3 websites."""
    return dict(json.loads((Path(__file__).parent.parent / "data" / "s3.json").read_text())["hosted_zones"])


def create(aws: Aws, inputs: Properties) -> str:
    from botocore.exceptions import ClientError

    name, client = inputs["bucket"], aws.client("s3")
    if refused := [name for name in REFUSED if inputs.get(name)]:
        raise ProviderError(
            f"{refused[0]}: the stand-in plugin does not serve this argument; use its own resource"
        )
    arguments: dict[str, Any] = {"Bucket": name}
    if aws.region != "us-east-1":
        arguments["CreateBucketConfiguration"] = {"LocationConstraint": aws.region}
    if inputs.get("objectLockEnabled"):
        arguments["ObjectLockEnabledForBucket"] = True
    # us-east-1 answers a second creation by its owner with success; the provider looks first.
    if asked(lambda: client.head_bucket(Bucket=name), *GONE) is not None:
        raise ClientError(
            {"Error": {"Code": "BucketAlreadyExists", "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": 409}},
            "CreateBucket",
        )
    client.create_bucket(**arguments)
    if inputs.get("tags"):
        client.put_bucket_tagging(Bucket=name, Tagging={"TagSet": pairs(inputs["tags"])})
    return str(name)


def read(aws: Aws, id: str, known: Properties) -> Properties | None:
    client = aws.client("s3")
    head = asked(lambda: client.head_bucket(Bucket=id), *GONE)
    if head is None:
        return None
    region = head["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region") or aws.region
    tagging = asked(lambda: client.get_bucket_tagging(Bucket=id), "NoSuchTagSet*")
    lock = asked(lambda: client.get_object_lock_configuration(Bucket=id), "ObjectLockConfigurationNotFoundError")
    policy = asked(lambda: client.get_bucket_policy(Bucket=id), "NoSuchBucketPolicy")
    versioning = client.get_bucket_versioning(Bucket=id)
    return {
        "bucket": id,
        "arn": f"arn:{aws.partition}:s3:::{id}",
        "bucketDomainName": f"{id}.s3.{aws.suffix}",
        "bucketNamespace": "global",
        "bucketPrefix": "",
        "bucketRegion": region,
        "bucketRegionalDomainName": f"{id}.s3.{region}.{aws.suffix}",
        "hostedZoneId": hosted_zones().get(region),
        "objectLockEnabled": bool(lock) and lock["ObjectLockConfiguration"].get("ObjectLockEnabled") == "Enabled",
        "policy": policy["Policy"] if policy else "",
        "grants": [_grant(one) for one in client.get_bucket_acl(Bucket=id)["Grants"]],
        "versioning": {
            "enabled": versioning.get("Status") == "Enabled",
            "mfaDelete": versioning.get("MFADelete") == "Enabled",
        },
        "accelerationStatus": "",
        "requestPayer": "",
        "forceDestroy": bool(known.get("forceDestroy")),
        "tags": tags(tagging["TagSet"]) if tagging else {},
    }


def _grant(grant: Any) -> Properties:
    who = grant["Grantee"]
    return {
        "id": who.get("ID", ""),
        "permissions": [grant["Permission"]],
        "type": who["Type"],
        "uri": who.get("URI", ""),
    }


def update(aws: Aws, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    if "tags" not in names:
        return  # force_destroy is the provider's own
    client = aws.client("s3")
    tagging = asked(lambda: client.get_bucket_tagging(Bucket=id), "NoSuchTagSet*")
    removed, added = tag_changes(old, new)
    present = {tag["Key"]: tag["Value"] for tag in (tagging or {}).get("TagSet", [])}
    wanted = {key: value for key, value in present.items() if key not in removed} | added
    if wanted:
        client.put_bucket_tagging(Bucket=id, Tagging={"TagSet": pairs(wanted)})
    else:
        client.delete_bucket_tagging(Bucket=id)


def delete(aws: Aws, id: str, state: Properties) -> None:
    client = aws.client("s3")
    if state.get("forceDestroy"):
        asked(lambda: _empty(client, id), *GONE)
    asked(lambda: client.delete_bucket(Bucket=id), *GONE)


def _empty(client: Any, bucket: str) -> bool:
    """Removes every version and marker; lists again until nothing is left, because deleting shifts the pages."""
    while True:
        page = client.list_object_versions(Bucket=bucket, MaxKeys=1000)
        found = [
            {"Key": one["Key"], "VersionId": one["VersionId"]}
            for kind in ("Versions", "DeleteMarkers")
            for one in page.get(kind, [])
        ]
        if not found:
            return True
        failed = client.delete_objects(Bucket=bucket, Delete={"Objects": found, "Quiet": True}).get("Errors")
        if failed:
            raise ProviderError(
                f"deleting S3 Bucket ({bucket}) objects: {failed[0]['Code']}: {failed[0]['Message']}"
            )


def get_bucket(aws: Aws, arguments: Properties) -> Properties:
    found = read(aws, arguments["bucket"], {})
    if found is None:
        raise ProviderError(f"reading S3 Bucket ({arguments['bucket']}): couldn't find resource")
    names = ("arn", "bucket", "bucketDomainName", "bucketRegion", "bucketRegionalDomainName", "hostedZoneId")
    nothing = {"websiteDomain": "", "websiteEndpoint": ""}
    return {"id": arguments["bucket"], "region": aws.region, **nothing, **{name: found[name] for name in names}}


RESOURCES = {"aws:s3/bucket:Bucket": Resource("S3 Bucket", create, read, update, delete)}
INVOKES = {"aws:s3/getBucket:getBucket": Invoke(frozenset({"bucket", "region"}), get_bucket)}
