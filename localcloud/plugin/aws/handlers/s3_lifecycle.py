"""S3 lifecycle configurations: their rules between the provider's shapes and the API's."""

from __future__ import annotations

from typing import Any

from localcloud.plugin.aws.resource import asked, given, pairs
from localcloud.plugin.aws.session import Aws
from localcloud.plugin.handling import Resource
from localcloud.plugin.values import Properties

GONE = ("NoSuchBucket", "NoSuchLifecycleConfiguration")
MINIMUM = "all_storage_classes_128K"  # what S3 answers when nobody chose
AGES = {
    "days": "Days",
    "date": "Date",
    "storageClass": "StorageClass",
    "expiredObjectDeleteMarker": "ExpiredObjectDeleteMarker",
}
OLD_AGES = {
    "noncurrentDays": "NoncurrentDays",
    "newerNoncurrentVersions": "NewerNoncurrentVersions",
    "storageClass": "StorageClass",
}
SIZES = {"objectSizeGreaterThan": "ObjectSizeGreaterThan", "objectSizeLessThan": "ObjectSizeLessThan"}


def put(aws: Aws, inputs: Properties) -> str:
    rules = [_to_api(rule) for rule in inputs.get("rules") or []]
    aws.client("s3").put_bucket_lifecycle_configuration(
        Bucket=inputs["bucket"],
        LifecycleConfiguration={"Rules": rules},
        **given(TransitionDefaultMinimumObjectSize=inputs.get("transitionDefaultMinimumObjectSize")),
    )
    return str(inputs["bucket"])


def _names(value: Properties | None, names: dict[str, str]) -> dict[str, Any]:
    return {
        theirs: value[ours] for ours, theirs in names.items() if value and value.get(ours) not in (None, "", 0)
    }


def _to_api(rule: Properties) -> dict[str, Any]:
    out: dict[str, Any] = {"ID": rule["id"], "Status": rule["status"]}
    out["Filter"] = _filter_to_api(rule.get("filter"), rule.get("prefix"))
    if rule.get("expiration"):
        out["Expiration"] = _names(rule["expiration"], AGES)
    if rule.get("noncurrentVersionExpiration"):
        out["NoncurrentVersionExpiration"] = _names(rule["noncurrentVersionExpiration"], OLD_AGES)
    if rule.get("transitions"):
        out["Transitions"] = [_names(one, AGES) for one in rule["transitions"]]
    if rule.get("noncurrentVersionTransitions"):
        out["NoncurrentVersionTransitions"] = [
            _names(one, OLD_AGES) for one in rule["noncurrentVersionTransitions"]
        ]
    if rule.get("abortIncompleteMultipartUpload"):
        days = rule["abortIncompleteMultipartUpload"]["daysAfterInitiation"]
        out["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": days}
    return out


def _filter_to_api(wanted: Properties | None, prefix: str | None) -> dict[str, Any]:
    wanted = wanted or {}
    if both := wanted.get("and"):
        return {"And": given(Prefix=both.get("prefix"), Tags=pairs(both.get("tags"))) | _names(both, SIZES)}
    if tag := wanted.get("tag"):
        return {"Tag": {"Key": tag["key"], "Value": tag["value"]}}
    return _names(wanted, SIZES) or {"Prefix": wanted.get("prefix") or prefix or ""}


def read(aws: Aws, id: str, known: Properties) -> Properties | None:
    answer = asked(lambda: aws.client("s3").get_bucket_lifecycle_configuration(Bucket=id), *GONE)
    if answer is None:
        return None
    chosen = answer.get("TransitionDefaultMinimumObjectSize") or known.get("transitionDefaultMinimumObjectSize")
    ours = {rule["id"]: rule for rule in known.get("rules") or []}
    order = list(ours)
    rules = [_as_given(_from_api(rule), ours.get(rule["ID"])) for rule in answer["Rules"]]
    rules.sort(key=lambda rule: order.index(rule["id"]) if rule["id"] in order else len(order))
    return {
        "bucket": id,
        "expectedBucketOwner": known.get("expectedBucketOwner") or "",
        "rules": rules,
        "transitionDefaultMinimumObjectSize": chosen or MINIMUM,
    }


def _as_given(rule: Properties, ours: Properties | None) -> Properties:
    """S3 answers the empty prefix for a rule that came without a filter; the provider keeps it without one."""
    if ours and not ours.get("filter") and rule.get("filter") == {"prefix": ""}:
        return {name: value for name, value in rule.items() if name != "filter"}
    return rule


def _back(value: dict[str, Any], names: dict[str, str]) -> Properties:
    back = {ours: value[theirs] for ours, theirs in names.items() if value.get(theirs) is not None}
    if "date" in back:
        back["date"] = back["date"].strftime("%Y-%m-%dT%H:%M:%SZ")
    return back


def _from_api(rule: dict[str, Any]) -> Properties:
    out: Properties = {"id": rule["ID"], "status": rule["Status"], "prefix": rule.get("Prefix", "")}
    found = rule.get("Filter")
    if found is not None:
        out["filter"] = _filter_from_api(found)
    if rule.get("Expiration"):
        out["expiration"] = {"expiredObjectDeleteMarker": False, "days": 0} | _back(rule["Expiration"], AGES)
    if rule.get("NoncurrentVersionExpiration"):
        out["noncurrentVersionExpiration"] = _back(rule["NoncurrentVersionExpiration"], OLD_AGES)
    out["transitions"] = [_back(one, AGES) for one in rule.get("Transitions", [])]
    old = rule.get("NoncurrentVersionTransitions", [])
    out["noncurrentVersionTransitions"] = [_back(one, OLD_AGES) for one in old]
    if rule.get("AbortIncompleteMultipartUpload"):
        days = rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]
        out["abortIncompleteMultipartUpload"] = {"daysAfterInitiation": days}
    return out


def _filter_from_api(found: dict[str, Any]) -> Properties:
    if both := found.get("And"):
        tags = {tag["Key"]: tag["Value"] for tag in both.get("Tags", [])}
        return {"and": {"prefix": both.get("Prefix", ""), **({"tags": tags} if tags else {})} | _back(both, SIZES)}
    if tag := found.get("Tag"):
        return {"tag": {"key": tag["Key"], "value": tag["Value"]}}
    return _back(found, SIZES) or {"prefix": found.get("Prefix", "")}


def update(aws: Aws, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    put(aws, new)


def delete(aws: Aws, id: str, state: Properties) -> None:
    asked(lambda: aws.client("s3").delete_bucket_lifecycle(Bucket=id), *GONE)


RESOURCES = {
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Resource(
        "S3 Bucket Lifecycle Configuration", put, read, update, delete
    )
}
