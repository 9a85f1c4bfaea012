"""VPCs, subnets and flow logs, and what every EC2 handler shares: tags and finding one thing by id."""

from __future__ import annotations

from typing import Any

from localcloud.plugin.aws.resource import asked, given, pairs, tag_changes, tags
from localcloud.plugin.aws.session import Aws
from localcloud.plugin.handling import Invoke, Resource
from localcloud.plugin.provider import ProviderError
from localcloud.plugin.values import Properties


def tagged(kind: str, inputs: Properties) -> dict[str, Any]:
    """The argument that tags a new thing of the kind."""
    wanted = pairs(inputs.get("tags"))
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": wanted}]} if wanted else {}


def retag(aws: Aws, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    """Brings the tags of an EC2 resource to the inputs'."""
    if "tags" not in names:
        return
    removed, added = tag_changes(old, new)
    if removed:
        aws.client("ec2").delete_tags(Resources=[id], Tags=[{"Key": key} for key in removed])
    if added:
        aws.client("ec2").create_tags(Resources=[id], Tags=pairs(added))


def one(aws: Aws, call: str, key: str, gone: str, **arguments: Any) -> dict[str, Any] | None:
    """The first thing of an EC2 describe call, None when there is none; `gone` is its not-found code."""
    answer = asked(lambda: getattr(aws.client("ec2"), call)(**arguments), gone)
    found = (answer or {}).get(key) or [None]
    return dict(found[0]) if found[0] else None


def filters(arguments: Properties, names: dict[str, str]) -> list[dict[str, Any]]:
    """EC2 filters out of a lookup's arguments: the named ones, its own `filters`, and its tags."""
    out = [
        {"Name": theirs, "Values": [_text(arguments[ours])]}
        for ours, theirs in names.items()
        if arguments.get(ours)
    ]
    out += [{"Name": each["name"], "Values": each["values"]} for each in arguments.get("filters") or []]
    return out + [
        {"Name": f"tag:{key}", "Values": [value]} for key, value in (arguments.get("tags") or {}).items()
    ]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def single(found: list[dict[str, Any]], what: str) -> dict[str, Any]:
    """The only match of a lookup; the provider refuses none and more than one."""
    if len(found) != 1:
        how = "no matching" if not found else "multiple"
        raise ProviderError(
            f"reading {what}: {how} {what} found" + ("; use additional constraints" if found else "")
        )
    return found[0]


VPC_SWITCHES = {
    "enableDnsSupport": "EnableDnsSupport",
    "enableDnsHostnames": "EnableDnsHostnames",
    "enableNetworkAddressUsageMetrics": "EnableNetworkAddressUsageMetrics",
}


def create_vpc(aws: Aws, inputs: Properties) -> str:
    made = aws.client("ec2").create_vpc(
        **given(CidrBlock=inputs.get("cidrBlock"), InstanceTenancy=inputs.get("instanceTenancy")),
        **tagged("vpc", inputs),
    )["Vpc"]["VpcId"]
    _switch_vpc(aws, made, inputs, frozenset(VPC_SWITCHES))
    return str(made)


def _switch_vpc(aws: Aws, id: str, inputs: Properties, names: frozenset[str]) -> None:
    for name in sorted(names & VPC_SWITCHES.keys()):
        if name in inputs:
            switch = {VPC_SWITCHES[name]: {"Value": inputs[name]}}
            aws.client("ec2").modify_vpc_attribute(VpcId=id, **switch)


def read_vpc(aws: Aws, id: str, known: Properties) -> Properties | None:
    client = aws.client("ec2")
    vpc = one(aws, "describe_vpcs", "Vpcs", "InvalidVpcID.NotFound", VpcIds=[id])
    if vpc is None:
        return None
    mine = [{"Name": "vpc-id", "Values": [id]}]
    main = client.describe_route_tables(Filters=[*mine, {"Name": "association.main", "Values": ["true"]}])[
        "RouteTables"
    ]
    default = [{"Name": "group-name", "Values": ["default"]}]
    groups = client.describe_security_groups(Filters=[*mine, *default])["SecurityGroups"]
    acls = client.describe_network_acls(Filters=[*mine, {"Name": "default", "Values": ["true"]}])["NetworkAcls"]
    table = main[0]["RouteTableId"] if main else ""
    return {
        "arn": aws.arn("ec2", f"vpc/{id}"),
        "assignGeneratedIpv6CidrBlock": bool(known.get("assignGeneratedIpv6CidrBlock")),
        "cidrBlock": vpc["CidrBlock"],
        "defaultNetworkAclId": acls[0]["NetworkAclId"] if acls else "",
        "defaultRouteTableId": table,
        "defaultSecurityGroupId": groups[0]["GroupId"] if groups else "",
        "dhcpOptionsId": vpc.get("DhcpOptionsId", ""),
        **{ours: _vpc_switch(client, id, ours, theirs) for ours, theirs in VPC_SWITCHES.items()},
        "instanceTenancy": vpc["InstanceTenancy"],
        "ipv6AssociationId": "",
        "ipv6CidrBlock": "",
        "ipv6CidrBlockNetworkBorderGroup": "",
        "ipv6IpamPoolId": "",
        "ipv6NetmaskLength": 0,
        "mainRouteTableId": table,
        "ownerId": vpc["OwnerId"],
        "tags": tags(vpc.get("Tags")),
    }


def _vpc_switch(client: Any, id: str, ours: str, theirs: str) -> bool:
    answer = client.describe_vpc_attribute(VpcId=id, Attribute=ours)
    return bool(answer[theirs]["Value"])


def update_vpc(aws: Aws, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    _switch_vpc(aws, id, {**dict.fromkeys(VPC_SWITCHES, False), **new}, names)
    if "instanceTenancy" in names:
        aws.client("ec2").modify_vpc_tenancy(VpcId=id, InstanceTenancy=new["instanceTenancy"])
    retag(aws, id, old, new, names)


def delete_vpc(aws: Aws, id: str, state: Properties) -> None:
    asked(lambda: aws.client("ec2").delete_vpc(VpcId=id), "InvalidVpcID.NotFound")


def get_vpc(aws: Aws, arguments: Properties) -> Properties:
    names = {"cidrBlock": "cidr", "dhcpOptionsId": "dhcp-options-id", "default": "isDefault", "state": "state"}
    wanted = given(VpcIds=[arguments["id"]] if arguments.get("id") else None, Filters=filters(arguments, names))
    vpc = single(
        asked(lambda: aws.client("ec2").describe_vpcs(**wanted)["Vpcs"], "InvalidVpcID.NotFound") or [], "EC2 VPC"
    )
    found = read_vpc(aws, vpc["VpcId"], {}) or {}
    names_out = (
        "arn", "cidrBlock", "dhcpOptionsId", "enableDnsHostnames", "enableDnsSupport",
        "enableNetworkAddressUsageMetrics", "instanceTenancy", "mainRouteTableId", "ownerId", "tags",
    )  # fmt: skip
    blocks = [
        {
            "associationId": each["AssociationId"],
            "cidrBlock": each["CidrBlock"],
            "state": each["CidrBlockState"]["State"],
        }
        for each in vpc.get("CidrBlockAssociationSet", [])
    ]
    return {
        "id": vpc["VpcId"],
        "default": vpc["IsDefault"],
        "state": vpc["State"],
        "region": aws.region,
        "cidrBlockAssociations": blocks,
        "filters": arguments.get("filters"),
        "ipv6CidrBlockAssociations": [],
        "ipv6AssociationId": "",
        "ipv6CidrBlock": "",
        **{name: found[name] for name in names_out},
    }


SUBNET_SWITCHES = {
    # property: (attribute of the API, its request form)
    "mapPublicIpOnLaunch": ("MapPublicIpOnLaunch", "MapPublicIpOnLaunch"),
    "assignIpv6AddressOnCreation": ("AssignIpv6AddressOnCreation", "AssignIpv6AddressOnCreation"),
}


def create_subnet(aws: Aws, inputs: Properties) -> str:
    made = aws.client("ec2").create_subnet(
        **given(
            VpcId=inputs["vpcId"],
            CidrBlock=inputs.get("cidrBlock"),
            AvailabilityZone=inputs.get("availabilityZone"),
            AvailabilityZoneId=inputs.get("availabilityZoneId"),
            Ipv6CidrBlock=inputs.get("ipv6CidrBlock"),
            OutpostArn=inputs.get("outpostArn"),
        ),
        **tagged("subnet", inputs),
    )["Subnet"]["SubnetId"]
    _switch_subnet(aws, made, inputs, frozenset(name for name in SUBNET_SWITCHES if inputs.get(name)))
    return str(made)


def _switch_subnet(aws: Aws, id: str, inputs: Properties, names: frozenset[str]) -> None:
    for name in sorted(names & SUBNET_SWITCHES.keys()):
        switch = {SUBNET_SWITCHES[name][1]: {"Value": bool(inputs.get(name))}}
        aws.client("ec2").modify_subnet_attribute(SubnetId=id, **switch)


def read_subnet(aws: Aws, id: str, known: Properties) -> Properties | None:
    subnet = one(aws, "describe_subnets", "Subnets", "InvalidSubnetID.NotFound", SubnetIds=[id])
    if subnet is None:
        return None
    return {
        "arn": subnet.get("SubnetArn") or aws.arn("ec2", f"subnet/{id}"),
        "availabilityZone": subnet["AvailabilityZone"],
        "availabilityZoneId": subnet["AvailabilityZoneId"],
        "cidrBlock": subnet["CidrBlock"],
        "customerOwnedIpv4Pool": subnet.get("CustomerOwnedIpv4Pool", ""),
        "enableDns64": bool(subnet.get("EnableDns64")),
        "enableLniAtDeviceIndex": 0,
        "enableResourceNameDnsARecordOnLaunch": False,
        "enableResourceNameDnsAaaaRecordOnLaunch": False,
        "ipv6CidrBlock": "",
        "ipv6CidrBlockAssociationId": "",
        "ipv6Native": bool(subnet.get("Ipv6Native")),
        "mapCustomerOwnedIpOnLaunch": bool(subnet.get("MapCustomerOwnedIpOnLaunch")),
        **{ours: bool(subnet.get(theirs[0])) for ours, theirs in SUBNET_SWITCHES.items()},
        "outpostArn": subnet.get("OutpostArn", ""),
        "ownerId": subnet["OwnerId"],
        "privateDnsHostnameTypeOnLaunch": "ip-name",
        "tags": tags(subnet.get("Tags")),
        "vpcId": subnet["VpcId"],
    }


def update_subnet(aws: Aws, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    _switch_subnet(aws, id, new, names)
    retag(aws, id, old, new, names)


def delete_subnet(aws: Aws, id: str, state: Properties) -> None:
    asked(lambda: aws.client("ec2").delete_subnet(SubnetId=id), "InvalidSubnetID.NotFound")


def get_subnet(aws: Aws, arguments: Properties) -> Properties:
    names = {
        "availabilityZone": "availabilityZone", "availabilityZoneId": "availabilityZoneId",
        "cidrBlock": "cidrBlock", "defaultForAz": "defaultForAz", "state": "state", "vpcId": "vpc-id",
    }  # fmt: skip
    wanted = given(SubnetIds=[arguments["id"]] if arguments.get("id") else None, Filters=filters(arguments, names))
    call = asked(lambda: aws.client("ec2").describe_subnets(**wanted)["Subnets"], "InvalidSubnetID.NotFound")
    subnet = single(call or [], "EC2 Subnet")
    found = read_subnet(aws, subnet["SubnetId"], {}) or {}
    skip = ("ipv6CidrBlockAssociationId",)
    return {
        "id": subnet["SubnetId"],
        "region": aws.region,
        "availableIpAddressCount": subnet["AvailableIpAddressCount"],
        "defaultForAz": subnet["DefaultForAz"],
        "filters": arguments.get("filters"),
        "state": subnet["State"],
        "ipv6CidrBlockAssociationId": "",
        **{name: value for name, value in found.items() if name not in skip},
    }


def get_subnets(aws: Aws, arguments: Properties) -> Properties:
    found = aws.client("ec2").describe_subnets(**given(Filters=filters(arguments, {})))["Subnets"]
    ids = [subnet["SubnetId"] for subnet in found]
    asked_for = {name: arguments.get(name) for name in ("filters", "tags")}
    return {"id": aws.region, "ids": ids, "region": aws.region} | asked_for


RESOURCES = {
    "aws:ec2/vpc:Vpc": Resource("EC2 VPC", create_vpc, read_vpc, update_vpc, delete_vpc),
    "aws:ec2/subnet:Subnet": Resource("EC2 Subnet", create_subnet, read_subnet, update_subnet, delete_subnet),
}
COMMON = frozenset({"id", "filters", "region", "tags"})
INVOKES = {
    "aws:ec2/getVpc:getVpc": Invoke(COMMON | {"cidrBlock", "default", "dhcpOptionsId", "state"}, get_vpc),
    "aws:ec2/getSubnet:getSubnet": Invoke(
        COMMON
        | {
            "availabilityZone",
            "availabilityZoneId",
            "cidrBlock",
            "defaultForAz",
            "ipv6CidrBlock",
            "state",
            "vpcId",
        },
        get_subnet,
    ),
    "aws:ec2/getSubnets:getSubnets": Invoke(frozenset({"filters", "region", "tags"}), get_subnets),
}
