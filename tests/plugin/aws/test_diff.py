"""What counts as a change, what a change replaces, and in which order."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.plugin.aws.provider import table
from localcloud.plugin.diff import Difference, canonical, difference, equal
from localcloud.plugin.values import UNKNOWN, show

BUCKET = "aws:s3/bucket:Bucket"
POLICY = "aws:iam/policy:Policy"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
REPOSITORY = "aws:ecr/repository:Repository"
BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"


def compare(token: str, state: dict[str, Any], news: dict[str, Any]) -> Difference:
    return difference(table()[token], state, news)


def told(found: Difference) -> list[tuple[str, str, bool]]:
    return [(show(change.path), change.kind, change.replace) for change in found.changes]


def test_the_same_document_in_another_order_is_no_change() -> None:
    ours = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["s3:Get*", "s3:Put*"], "Resource": ["*"]}],
    }
    theirs = {
        "Statement": {"Resource": "*", "Action": ["s3:Put*", "s3:Get*"], "Effect": "Allow"},
        "Version": "2012-10-17",
    }
    state = {"name": "p", "policy": json.dumps(theirs)}
    assert told(compare(POLICY, state, {"name": "p", "policy": json.dumps(ours)})) == []


def test_another_document_is_a_change_in_place() -> None:
    state = {"name": "p", "policy": '{"Statement": []}'}
    assert told(compare(POLICY, state, {"name": "p", "policy": '{"Statement": [{}]}'})) == [
        ("policy", "update", False)
    ]


def test_sets_have_no_order_and_lists_have() -> None:
    state = {"vpcId": "v", "subnetIds": ["a", "b"], "vpcEndpointType": "Interface"}
    assert told(compare(ENDPOINT, state, {**state, "subnetIds": ["b", "a"]})) == []
    cors = [{"allowedMethods": ["GET", "PUT"], "allowedOrigins": ["*"]}]
    other = [{"allowedMethods": ["PUT", "GET"], "allowedOrigins": ["*"]}]
    assert [path for path, _, _ in told(compare(BUCKET, {"corsRules": cors}, {"corsRules": other}))] == [
        "corsRules[0].allowedMethods[0]",
        "corsRules[0].allowedMethods[1]",
    ]


def test_one_more_and_one_less_in_a_set_are_named() -> None:
    state = {"vpcId": "v", "routeTableIds": ["a", "b"], "vpcEndpointType": "Gateway"}
    found = told(compare(ENDPOINT, state, {**state, "routeTableIds": ["c", "b"]}))
    assert found == [("routeTableIds[0]", "add", False), ("routeTableIds[0]", "delete", False)]


def test_a_tag_that_came_from_elsewhere_is_taken_away() -> None:
    state = {"bucket": "b", "tags": {"a": "1", "drift": "x"}}
    assert told(compare(BUCKET, state, {"bucket": "b", "tags": {"a": "2"}})) == [
        ("tags.a", "update", False),
        ("tags.drift", "delete", False),
    ]


@pytest.mark.parametrize("empty", [None, "", False, [], {}])
def test_empty_is_the_same_as_absent(empty: Any) -> None:
    assert told(compare(BUCKET, {"bucket": "b", "forceDestroy": empty, "tags": {}}, {"bucket": "b"})) == []


def test_false_is_not_the_same_as_a_default_of_true() -> None:
    state = {"cidrBlock": "10.0.0.0/16", "enableDnsSupport": True}
    found = told(compare("aws:ec2/vpc:Vpc", state, {"cidrBlock": "10.0.0.0/16", "enableDnsSupport": False}))
    assert found == [("enableDnsSupport", "update", False)]


def test_what_the_provider_computes_is_not_taken_away_by_saying_nothing() -> None:
    state = {"vpcId": "v", "policy": "{}", "vpcEndpointType": "Gateway"}
    assert told(compare(ENDPOINT, state, {"vpcId": "v", "vpcEndpointType": "Gateway"})) == []


def test_a_block_that_may_be_left_out_stays() -> None:
    state = {"name": "r", "encryptionConfigurations": [{"encryptionType": "AES256", "kmsKey": ""}]}
    assert told(compare(REPOSITORY, state, {"name": "r"})) == []


def test_drift_to_less_security_is_a_change() -> None:
    wanted = {"bucket": "b", "blockPublicAcls": True}
    assert told(compare(BLOCK, {**wanted, "blockPublicAcls": False}, wanted)) == [
        ("blockPublicAcls", "add", False)
    ]


def test_a_value_that_is_not_known_yet_is_a_change() -> None:
    found = told(compare(BLOCK, {"bucket": "b"}, {"bucket": UNKNOWN}))
    assert found == [("bucket", "update", True)]


def test_a_change_inside_a_block_that_cannot_change_replaces() -> None:
    state = {"name": "r", "encryptionConfigurations": [{"encryptionType": "AES256"}]}
    wanted = {"name": "r", "encryptionConfigurations": [{"encryptionType": "KMS"}]}
    assert told(compare(REPOSITORY, state, wanted)) == [
        ("encryptionConfigurations[0].encryptionType", "update", True)
    ]


def test_another_region_replaces() -> None:
    state = {"bucket": "b", "region": "eu-central-1"}
    assert told(compare(BUCKET, state, {"bucket": "b", "region": "eu-west-1"})) == [("region", "update", True)]


def test_a_replacement_of_what_was_given_a_name_deletes_first() -> None:
    state = {"name": "r", "encryptionConfigurations": [{"encryptionType": "AES256"}]}
    wanted = {"name": "r", "encryptionConfigurations": [{"encryptionType": "KMS"}]}
    assert compare(REPOSITORY, state, wanted).delete_first
    assert not compare(REPOSITORY, state, {**wanted, "__defaults": ["name"]}).delete_first
    assert compare(REPOSITORY, state, {**wanted, "name": "s"}).delete_first


def test_ignored_paths_are_no_change() -> None:
    state = {"bucket": "b", "tags": {"a": "1"}}
    assert difference(table()[BUCKET], state, {"bucket": "b", "tags": {"a": "2"}}, ["tags.a"]).changes == ()


documents = st.recursive(
    st.text(max_size=3) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(documents)
def test_a_document_is_the_same_as_itself_shuffled(document: Any) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: shuffled(value[key]) for key in reversed(list(value))}
        return [shuffled(inner) for inner in reversed(value)] if isinstance(value, list) else value

    assert canonical(shuffled(document)) == canonical(document)


def test_a_block_that_is_gone_differs_from_the_one_that_was_asked_for() -> None:
    prop = table()[ENDPOINT]["properties"]["dnsOptions"]
    assert prop["type"] == "object"
    assert not equal(prop, None, {"dnsRecordIpType": "ipv4"})
    assert equal(prop, {"dnsRecordIpType": "ipv4"}, {"dnsRecordIpType": "ipv4"})
