"""Zones of other shapes than the stacks in stacks/: two in one account, everything adopted, NAT, durable."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.census import census
from tests.engine.ground import Ground, views, zones
from tests.engine.life import inspect
from tests.engine.project import stack_settings

pytestmark = pytest.mark.engine

REGION = "us-east-1"


def _zone(**settings: Any) -> dict[str, Any]:
    (zone,) = stack_settings("local", "aws")["launchway:zones"]
    return {**zone, **settings}


def _settings(*found: dict[str, Any]) -> dict[str, Any]:
    return {**stack_settings("local", "aws"), "launchway:zones": list(found)}


def test_two_zones_of_one_account_share_what_an_account_has_once(own: Ground) -> None:
    federation = {
        "issuer": "token.actions.githubusercontent.com",
        "subjects": ["repo:acme/ml:ref:refs/heads/main"],
    }
    first = _zone(name="first", federation=federation)
    second = _zone(name="second", region="eu-central-1", network={"cidr": "10.1.0.0/16"})
    project = own.project("two", _settings(first, second))
    project.up()
    assert project.preview("--expect-no-changes").changes == {}
    assert set(zones(project)) == {"first", "second"}
    once = [
        kind
        for kind, _ in project.export()
        if kind.startswith("aws:") and kind.endswith((":Trail", ":OpenIdConnectProvider"))
    ]
    assert sorted(once) == [
        "aws:cloudtrail/trail:Trail",
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
    ]
    assert len({zone.identities.agent for zone in zones(project).values()}) == 2
    assert len({zone.identities.federation for zone in zones(project).values()}) == 1
    project.destroy()
    assert census(own.cloud, "aws", "us-east-1") | census(own.cloud, "aws", "eu-central-1") == {}


def test_a_zone_with_nat_reaches_out_from_private_subnets_only(own: Ground) -> None:
    project = own.project("nat", _settings(_zone(network={"egress": "nat"})))
    project.up()
    assert project.preview("--expect-no-changes").changes == {}
    (view,) = views(own, project)
    assert view.zone.network.egress == "nat"
    jobs = set(view.zone.network.ids.subnets)
    behind_jobs = [
        route
        for table in view.route_tables
        if jobs & {association.get("SubnetId") for association in table["Associations"]}
        for route in table["Routes"]
    ]
    assert any(route.get("NatGatewayId") for route in behind_jobs)
    assert {name: said for name, said in inspect(own, project).items() if said} == {}
    project.destroy()
    assert census(own.cloud, "aws", REGION) == {}


def test_a_durable_zone_refuses_destroy_with_the_command_that_lifts_the_protection(own: Ground) -> None:
    project = own.project("durable", _settings(_zone(lifetime="durable")))
    project.up()
    before = census(own.cloud, "aws", REGION)
    refused = project.destroy(check=False)
    assert refused.code != 0
    assert "protect" in refused.message
    assert "pulumi state unprotect" in refused.message
    assert census(own.cloud, "aws", REGION)["s3.Buckets"] == before["s3.Buckets"]
    assert census(own.cloud, "aws", REGION)["kms.Keys"] == before["kms.Keys"]
    protected = {found.type for found in project.export().values() if found.protect}
    assert {"aws:s3/bucket:Bucket", "aws:kms/key:Key", "aws:ecr/repository:Repository"} <= protected

    # Without protection everything goes but what still holds something: the access logs have to be emptied by
    # hand.
    project.command("state", "unprotect", "--all", "--yes")
    stopped = project.destroy("--continue-on-error", check=False)
    assert "BucketNotEmpty" in stopped.message
    (logs,) = census(own.cloud, "aws", REGION)["s3.Buckets"]
    assert "-logs-" in logs
    versions = own.cloud.client("s3", REGION).list_object_versions(Bucket=logs)["Versions"]
    for version in versions:
        own.cloud.client("s3", REGION).delete_object(
            Bucket=logs, Key=version["Key"], VersionId=version["VersionId"]
        )
    project.destroy()
    assert census(own.cloud, "aws", REGION) == {}
