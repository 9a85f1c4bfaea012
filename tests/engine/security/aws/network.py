"""The network that jobs and agents live in, as the cloud reports it."""

from __future__ import annotations

from collections.abc import Iterator

from tests.engine.security.aws.view import View, requires, statements, values

# Services that a job or an agent in the network calls (DESIGN of the zone: one interface endpoint each).
_NEEDED = {
    "sagemaker.api",
    "sagemaker.runtime",
    "ecr.api",
    "ecr.dkr",
    "logs",
    "monitoring",
    "sts",
    "kms",
    "secretsmanager",
    "s3",
}


def jobs_have_two_availability_zones(view: View) -> Iterator[str]:
    """A capacity shortage of one zone does not stop everything."""
    zones = {subnet["AvailabilityZone"] for subnet in view.subnets}
    if len(zones) < 2:
        yield f"all subnets are in {zones}"


def jobs_get_no_public_address(view: View) -> Iterator[str]:
    """No subnet of jobs hands out public addresses."""
    for subnet in view.subnets:
        if subnet["MapPublicIpOnLaunch"]:
            yield f"{subnet['SubnetId']} hands out public addresses"


def jobs_reach_the_internet_only_through_declared_egress(view: View) -> Iterator[str]:
    """No internet gateway behind a subnet of jobs, and a NAT only when the contract says so."""
    jobs = set(view.zone.network.ids.subnets)
    for table in view.route_tables:
        if not jobs & {association.get("SubnetId") for association in table["Associations"]}:
            continue
        for route in table["Routes"]:
            if str(route.get("GatewayId", "")).startswith("igw-"):
                yield f"{table['RouteTableId']} leads to the internet"
            if route.get("NatGatewayId") and view.zone.network.egress != "nat":
                yield f"{table['RouteTableId']} leads through a NAT that nobody declared"


def the_default_group_is_empty(view: View) -> Iterator[str]:
    """What is started without a group can talk to nobody."""
    for rule in view.rules:
        if rule["GroupId"] == view.default_group:
            yield f"the default group has {rule['SecurityGroupRuleId']}"


def nothing_is_open_to_the_world(view: View) -> Iterator[str]:
    """No rule of any group lets the internet in."""
    for rule in view.rules:
        if not rule["IsEgress"] and (rule.get("CidrIpv4") == "0.0.0.0/0" or rule.get("CidrIpv6") == "::/0"):
            yield f"{rule['GroupId']} is open to the world"


def job_containers_talk_only_among_themselves(view: View) -> Iterator[str]:
    """The job group takes traffic from itself alone."""
    jobs = set(view.zone.network.ids.security_groups)
    inward = [rule for rule in view.rules if rule["GroupId"] in jobs and not rule["IsEgress"]]
    for rule in inward:
        if rule.get("ReferencedGroupInfo", {}).get("GroupId") not in jobs:
            yield f"{rule['GroupId']} takes traffic from {rule.get('CidrIpv4') or rule}"
    if not inward:
        yield "nodes of one job cannot reach each other"


def every_needed_service_has_an_endpoint(view: View) -> Iterator[str]:
    """Private ways to all services, or to S3 alone beside a NAT; the contract lists them with their real ids."""
    services = {e["ServiceName"].split(f"{view.zone.region}.", 1)[1]: e["VpcEndpointId"] for e in view.endpoints}
    needed = _NEEDED if view.zone.network.egress == "none" else {"s3"}
    if missing := needed - set(services):
        yield f"no endpoint for {sorted(missing)}"
    if (said := dict(view.zone.network.endpoints)) != services:
        yield f"the contract says {said}, the network has {services}"
    for endpoint in view.endpoints:
        if endpoint["VpcEndpointType"] == "Interface" and not endpoint["PrivateDnsEnabled"]:
            yield f"{endpoint['ServiceName']} is not what its public name resolves to"


def endpoints_serve_this_account_only(view: View) -> Iterator[str]:
    """Each endpoint's policy binds callers to the account; images' own layers are the one way out."""
    for endpoint in view.endpoints:
        for statement in statements(endpoint.get("PolicyDocument") or '{"Statement": [{"Effect": "Allow"}]}'):
            layers = all("-starport-layer-bucket/" in one for one in values(statement.get("Resource", "")))
            keys = ("aws:PrincipalAccount", "aws:ResourceAccount")  # a caller with a token has no account yet
            bound = any(requires(statement, key, view.zone.account) for key in keys)
            if statement["Effect"] == "Allow" and not bound and not layers:
                yield f"{endpoint['ServiceName']} serves callers of any account"


def images_can_be_pulled_through_the_endpoint(view: View) -> Iterator[str]:
    """The S3 gateway lets the layers of ECR through, which lie in a bucket of the service's own account."""
    layers = f"arn:{view.zone.partition}:s3:::prod-{view.zone.region}-starport-layer-bucket/*"
    for endpoint in view.endpoints:
        if endpoint["VpcEndpointType"] == "Gateway":
            found = statements(endpoint["PolicyDocument"])
            if not any(layers in values(statement.get("Resource", "")) for statement in found):
                yield "an agent in the network cannot pull image layers"


def traffic_is_recorded(view: View) -> Iterator[str]:
    """Flow logs of all traffic of the network."""
    of = [{"Name": "resource-id", "Values": [view.zone.network.ids.vpc]}]
    found = view.client("ec2").describe_flow_logs(Filters=of)["FlowLogs"]
    if not any(log["TrafficType"] == "ALL" for log in found):
        yield f"flow logs: {found}"
