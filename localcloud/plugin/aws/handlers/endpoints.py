"""VPC endpoints: gateway and interface."""

from __future__ import annotations

from typing import Any

from localcloud.plugin.aws.handlers.network import COMMON, filters, one, retag, single, tagged
from localcloud.plugin.aws.resource import asked, document, given, tags
from localcloud.plugin.aws.session import Aws
from localcloud.plugin.handling import Invoke, Resource
from localcloud.plugin.values import Properties

GONE = ("InvalidVpcEndpointId.NotFound", "InvalidVpcEndpoint.NotFound")
OPEN = '{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}],"Version":"2008-10-17"}'


def create(aws: Aws, inputs: Properties) -> str:
    made = aws.client("ec2").create_vpc_endpoint(
        **given(
            VpcId=inputs["vpcId"],
            ServiceName=inputs.get("serviceName"),
            VpcEndpointType=inputs.get("vpcEndpointType"),
            PolicyDocument=inputs.get("policy"),
            PrivateDnsEnabled=bool(inputs.get("privateDnsEnabled")),
            RouteTableIds=inputs.get("routeTableIds"),
            SecurityGroupIds=inputs.get("securityGroupIds"),
            SubnetIds=inputs.get("subnetIds"),
            IpAddressType=inputs.get("ipAddressType"),
            ServiceRegion=inputs.get("serviceRegion"),
            DnsOptions=_dns(inputs.get("dnsOptions")),
        ),
        **tagged("vpc-endpoint", inputs),
    )
    return str(made["VpcEndpoint"]["VpcEndpointId"])


def _dns(options: Properties | None) -> dict[str, Any] | None:
    return options and given(
        DnsRecordIpType=options.get("dnsRecordIpType"),
        PrivateDnsOnlyForInboundResolverEndpoint=options.get("privateDnsOnlyForInboundResolverEndpoint"),
    )


def _find(aws: Aws, id: str) -> dict[str, Any] | None:
    found = one(aws, "describe_vpc_endpoints", "VpcEndpoints", "InvalidVpcEndpoint*", VpcEndpointIds=[id])
    return None if found is None or found["State"].lower() in ("deleted", "deleting") else found


def read(aws: Aws, id: str, known: Properties) -> Properties | None:
    found = _find(aws, id)
    if found is None:
        return None
    prefix = None
    if found["VpcEndpointType"] == "Gateway":
        wanted = [{"Name": "prefix-list-name", "Values": [found["ServiceName"]]}]
        lists = aws.client("ec2").describe_managed_prefix_lists(Filters=wanted)["PrefixLists"]
        prefix = lists[0]["PrefixListId"] if lists else None
    subnets = sorted(found.get("SubnetIds", []))
    options = found.get("DnsOptions") or {}
    kept = known.get("dnsOptions")
    return {
        "arn": aws.arn("ec2", f"vpc-endpoint/{id}"),
        "cidrBlocks": [],
        "dnsEntries": [
            {"dnsName": entry.get("DnsName", ""), "hostedZoneId": entry.get("HostedZoneId", "")}
            for entry in found.get("DnsEntries", [])
        ],
        "dnsOptions": {"dnsRecordIpType": options["DnsRecordIpType"], **(kept or {})} if options else kept,
        "ipAddressType": found.get("IpAddressType") or known.get("ipAddressType") or "",
        "networkInterfaceIds": sorted(found.get("NetworkInterfaceIds", [])),
        "ownerId": found.get("OwnerId") or aws.account,
        "policy": document(found.get("PolicyDocument") or OPEN),
        "prefixListId": prefix,
        "privateDnsEnabled": bool(found.get("PrivateDnsEnabled")),
        "requesterManaged": bool(found.get("RequesterManaged")),
        "resourceConfigurationArn": "",
        "routeTableIds": sorted(found.get("RouteTableIds", [])),
        "securityGroupIds": sorted(group["GroupId"] for group in found.get("Groups", [])),
        "serviceName": found["ServiceName"],
        "serviceNetworkArn": "",
        "serviceRegion": "",
        "state": found["State"].lower(),
        "subnetConfigurations": _addresses(aws, found),
        "subnetIds": subnets,
        "tags": tags(found.get("Tags")),
        "vpcEndpointType": found["VpcEndpointType"],
        "vpcId": found["VpcId"],
    }


def _addresses(aws: Aws, found: dict[str, Any]) -> list[Properties]:
    """One entry per subnet with the address of the endpoint's interface there."""
    interfaces = found.get("NetworkInterfaceIds", [])
    if not interfaces:
        return []
    listed = aws.client("ec2").describe_network_interfaces(NetworkInterfaceIds=interfaces)["NetworkInterfaces"]
    return sorted(
        ({"ipv4": each.get("PrivateIpAddress", ""), "ipv6": "", "subnetId": each["SubnetId"]} for each in listed),
        key=lambda entry: str(entry["subnetId"]),
    )


LISTS = {"routeTableIds": "RouteTableIds", "subnetIds": "SubnetIds", "securityGroupIds": "SecurityGroupIds"}


def update(aws: Aws, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    arguments: dict[str, Any] = {}
    for ours, theirs in LISTS.items():
        before, after = set(old.get(ours) or ()), set(new.get(ours) or ())
        if ours in names:
            arguments |= given(
                **{f"Add{theirs}": sorted(after - before), f"Remove{theirs}": sorted(before - after)}
            )
    if "policy" in names:
        arguments |= {"PolicyDocument": new["policy"]} if new.get("policy") else {"ResetPolicy": True}
    if "privateDnsEnabled" in names:
        arguments["PrivateDnsEnabled"] = bool(new.get("privateDnsEnabled"))
    if "dnsOptions" in names:
        arguments |= given(DnsOptions=_dns(new.get("dnsOptions")))
    if "ipAddressType" in names:
        arguments |= given(IpAddressType=new.get("ipAddressType"))
    if arguments:
        aws.client("ec2").modify_vpc_endpoint(VpcEndpointId=id, **arguments)
    retag(aws, id, old, new, names)


def delete(aws: Aws, id: str, state: Properties) -> None:
    asked(lambda: aws.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[id]), *GONE)


def get_endpoint(aws: Aws, arguments: Properties) -> Properties:
    names = {
        "serviceName": "service-name",
        "serviceRegion": "service-region",
        "state": "vpc-endpoint-state",
        "vpcEndpointType": "vpc-endpoint-type",
        "vpcId": "vpc-id",
    }
    wanted = given(
        VpcEndpointIds=[arguments["id"]] if arguments.get("id") else None, Filters=filters(arguments, names)
    )
    listed = asked(lambda: aws.client("ec2").describe_vpc_endpoints(**wanted)["VpcEndpoints"], *GONE) or []
    live = [each for each in listed if each["State"].lower() not in ("deleted", "deleting")]
    id = single(live, "EC2 VPC Endpoint")["VpcEndpointId"]
    found = read(aws, id, {}) or {}
    found["dnsOptions"] = [found["dnsOptions"]] if found.get("dnsOptions") else []
    for name in ("resourceConfigurationArn", "serviceNetworkArn", "subnetConfigurations"):
        found.pop(name)
    return {"id": id, "region": aws.region, "filters": arguments.get("filters"), **found}


RESOURCES = {"aws:ec2/vpcEndpoint:VpcEndpoint": Resource("EC2 VPC Endpoint", create, read, update, delete)}
LOOKUP = COMMON | {"serviceName", "serviceRegion", "state", "vpcEndpointType", "vpcId"}
INVOKES = {"aws:ec2/getVpcEndpoint:getVpcEndpoint": Invoke(LOOKUP, get_endpoint)}
