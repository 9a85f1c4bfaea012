"""Outputs before and after an operation, and the inputs that a refresh finds."""

from __future__ import annotations

from typing import Any

from localcloud.plugin.aws.provider import AwsProvider, table
from localcloud.plugin.handling import same
from localcloud.plugin.outputs import full, planned, refreshed
from localcloud.plugin.values import UNKNOWN

BUCKET = table()["aws:s3/bucket:Bucket"]
VERSIONING = table()["aws:s3/bucketVersioning:BucketVersioning"]
RULE = table()["aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"]


def test_before_a_creation_computed_outputs_are_unknown_and_the_rest_is_known() -> None:
    inputs = {"bucket": "b", "tags": {"a": "b"}, "region": "eu-central-1"}
    found = AwsProvider().foreseen(BUCKET, planned(BUCKET, inputs, {}), inputs)
    assert found["arn"] is UNKNOWN
    assert found["objectLockEnabled"] is UNKNOWN
    assert found["tagsAll"] == {"a": "b"}
    assert found["forceDestroy"] is False
    assert found["region"] == "eu-central-1"


def test_before_a_creation_computed_parts_of_a_block_are_unknown() -> None:
    found = planned(VERSIONING, {"bucket": "b", "versioningConfiguration": {"status": "Enabled"}}, {})
    assert found["versioningConfiguration"] == {"status": "Enabled", "mfaDelete": UNKNOWN}


def test_before_an_update_computed_outputs_stay() -> None:
    inputs: dict[str, Any] = {"bucket": "b", "tags": {}}
    found = planned(BUCKET, inputs, {"arn": "arn:aws:s3:::b", "tags": {"a": "b"}})
    found = AwsProvider().foreseen(BUCKET, found, inputs)
    assert found["arn"] == "arn:aws:s3:::b"
    assert found["tagsAll"] == {}


def test_every_output_of_the_schema_is_there_afterwards() -> None:
    known = {"forceDestroy": True, "region": "eu-central-1"}
    found = full(BUCKET, "b", AwsProvider().completed(BUCKET, {"bucket": "b", "tags": {"a": "b"}}, known), known)
    assert found.keys() == {"id", *BUCKET["properties"]}
    assert found["forceDestroy"] is True
    assert found["tagsAll"] == found["tags"] == {"a": "b"}


def test_types_of_the_newer_framework_leave_out_what_they_have_not() -> None:
    found = full(RULE, "sgr-1", {"cidrIpv4": "10.0.0.0/8", "cidrIpv6": None, "tags": {}}, {})
    assert "cidrIpv6" not in found


def refresh(inputs: dict[str, Any], outputs: dict[str, Any]) -> dict[str, Any]:
    return refreshed(BUCKET, same, inputs, outputs, {"region": "eu-central-1"})


def test_a_refresh_keeps_the_inputs_that_still_hold() -> None:
    inputs = {"__defaults": ["bucket"], "bucket": "b", "tags": {"a": "1"}}
    assert refresh(inputs, {"bucket": "b", "tags": {"a": "1"}, "arn": "x", "region": "eu-central-1"}) == inputs


def test_a_refresh_takes_over_what_drifted() -> None:
    inputs = {"bucket": "b", "tags": {"a": "1"}}
    assert refresh(inputs, {"bucket": "b", "tags": {"a": "2", "c": "3"}})["tags"] == {"a": "2", "c": "3"}
    assert refresh({"bucket": "b"}, {"bucket": "b", "tags": {"c": "3"}})["tags"] == {"c": "3"}


def test_an_import_finds_inputs_without_having_any() -> None:
    found = refresh({}, {"bucket": "b", "tags": {}, "region": "eu-central-1", "forceDestroy": False, "acl": None})
    assert found == {"__defaults": [], "bucket": "b"}
