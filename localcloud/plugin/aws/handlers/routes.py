"""Route tables, their routes and associations."""

from __future__ import annotations

import zlib
from typing import Any

from localcloud.plugin.aws.handlers.network import one, retag, tagged
from localcloud.plugin.aws.resource import asked, given, tags
from localcloud.plugin.aws.session import Aws
from localcloud.plugin.handling import Resource
from localcloud.plugin.provider import ProviderError
from localcloud.plugin.values import Properties

GONE = ("InvalidRouteTableID.NotFound", "InvalidRoute.NotFound", "InvalidAssociationID.NotFound")
DESTINATIONS = {
    "destinationCidrBlock": "DestinationCidrBlock",
    "destinationIpv6CidrBlock": "DestinationIpv6CidrBlock",
    "destinationPrefixListId": "DestinationPrefixListId",
}
TARGETS = {
    "carrierGatewayId": "CarrierGatewayId",
    "coreNetworkArn": "CoreNetworkArn",
    "egressOnlyGatewayId": "EgressOnlyInternetGatewayId",
    "gatewayId": "GatewayId",
    "localGatewayId": "LocalGatewayId",
    "natGatewayId": "NatGatewayId",
    "networkInterfaceId": "NetworkInterfaceId",
    "odbNetworkArn": "OdbNetworkArn",
    "transitGatewayId": "TransitGatewayId",
    "vpcEndpointId": "VpcEndpointId",
    "vpcPeeringConnectionId": "VpcPeeringConnectionId",
}


def _table(aws: Aws, id: str) -> dict[str, Any] | None:
    return one(aws, "describe_route_tables", "RouteTables", GONE[0], RouteTableIds=[id])


def create_table(aws: Aws, inputs: Properties) -> str:
    if inputs.get("routes") or inputs.get("propagatingVgws"):
        raise ProviderError("routes, propagatingVgws: the stand-in plugin does not serve them; use aws.ec2.Route")
    made = aws.client("ec2").create_route_table(VpcId=inputs["vpcId"], **tagged("route-table", inputs))
    return str(made["RouteTable"]["RouteTableId"])


def read_table(aws: Aws, id: str, known: Properties) -> Properties | None:
    found = _table(aws, id)
    if found is None:
        return None
    return {
        "arn": aws.arn("ec2", f"route-table/{id}"),
        "ownerId": found.get("OwnerId") or aws.account,
        "propagatingVgws": [],
        "routes": [_inline(route) for route in found["Routes"] if _shown(route)],
        "tags": tags(found.get("Tags")),
        "vpcId": found["VpcId"],
    }


def _shown(route: dict[str, Any]) -> bool:
    """Neither the local route nor what a gateway endpoint puts in: the provider leaves both out."""
    target = route.get("GatewayId") or ""
    return target != "local" and not target.startswith("vpce-") and not route.get("DestinationPrefixListId")


def _inline(route: dict[str, Any]) -> Properties:
    places = {"cidrBlock": "DestinationCidrBlock", "ipv6CidrBlock": "DestinationIpv6CidrBlock"}
    both = places | {"destinationPrefixListId": "DestinationPrefixListId"} | TARGETS
    return {ours: route.get(theirs, "") for ours, theirs in both.items()}


def delete_table(aws: Aws, id: str, state: Properties) -> None:
    asked(lambda: aws.client("ec2").delete_route_table(RouteTableId=id), *GONE)


def create_route(aws: Aws, inputs: Properties) -> str:
    destination = {theirs: inputs[ours] for ours, theirs in DESTINATIONS.items() if inputs.get(ours)}
    text = next(iter(destination.values()))
    id = f"r-{inputs['routeTableId']}{zlib.crc32(text.encode())}"  # as the provider makes it
    if read_route(aws, id, inputs):
        raise ProviderError(
            f"api error RouteAlreadyExists: Route in Route Table ({inputs['routeTableId']}) "
            f"with destination ({text}) already exists"
        )
    target = {theirs: inputs[ours] for ours, theirs in TARGETS.items() if inputs.get(ours)}
    aws.client("ec2").create_route(RouteTableId=inputs["routeTableId"], **destination, **target)
    return id


def read_route(aws: Aws, id: str, known: Properties) -> Properties | None:
    if not known.get("routeTableId"):  # an import: TABLE_DESTINATION
        table_id, _, text = id.partition("_")
        name = "destinationPrefixListId" if text.startswith("pl-") else "destinationCidrBlock"
        known = {"routeTableId": table_id, "destinationIpv6CidrBlock" if ":" in text else name: text}
    table = _table(aws, known["routeTableId"])
    wanted = {theirs: known[ours] for ours, theirs in DESTINATIONS.items() if known.get(ours)}
    for route in (table or {}).get("Routes", []):
        if all(route.get(theirs) == value for theirs, value in wanted.items()):
            names = DESTINATIONS | TARGETS
            found = {ours: route.get(theirs, "") for ours, theirs in names.items()}
            text = next(iter(wanted.values()))
            return found | {
                "id": f"r-{known['routeTableId']}{zlib.crc32(text.encode())}",
                "instanceId": route.get("InstanceId", ""),
                "instanceOwnerId": route.get("InstanceOwnerId", ""),
                "origin": route.get("Origin", "CreateRoute"),
                "routeTableId": known["routeTableId"],
                "state": route.get("State", "active"),
            }
    return None


def update_route(aws: Aws, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    both = DESTINATIONS | TARGETS
    arguments = {theirs: new[ours] for ours, theirs in both.items() if new.get(ours)}
    aws.client("ec2").replace_route(RouteTableId=new["routeTableId"], **arguments)


def delete_route(aws: Aws, id: str, state: Properties) -> None:
    destination = {theirs: state[ours] for ours, theirs in DESTINATIONS.items() if state.get(ours)}
    asked(lambda: aws.client("ec2").delete_route(RouteTableId=state["routeTableId"], **destination), *GONE)


def create_association(aws: Aws, inputs: Properties) -> str:
    arguments = given(SubnetId=inputs.get("subnetId"), GatewayId=inputs.get("gatewayId"))
    made = aws.client("ec2").associate_route_table(RouteTableId=inputs["routeTableId"], **arguments)
    return str(made["AssociationId"])


def read_association(aws: Aws, id: str, known: Properties) -> Properties | None:
    wanted = [{"Name": "association.route-table-association-id", "Values": [id]}]
    if "/" in id:  # an import: SUBNET/TABLE
        wanted = [{"Name": "association.subnet-id", "Values": [id.split("/")[0]]}]
    for table in aws.client("ec2").describe_route_tables(Filters=wanted)["RouteTables"]:
        for found in table["Associations"]:
            if id in (found["RouteTableAssociationId"], f"{found.get('SubnetId')}/{table['RouteTableId']}"):
                return {
                    "id": found["RouteTableAssociationId"],
                    "gatewayId": found.get("GatewayId", ""),
                    "routeTableId": table["RouteTableId"],
                    "subnetId": found.get("SubnetId", ""),
                }
    return None


def update_association(aws: Aws, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    aws.client("ec2").replace_route_table_association(AssociationId=id, RouteTableId=new["routeTableId"])


def delete_association(aws: Aws, id: str, state: Properties) -> None:
    asked(lambda: aws.client("ec2").disassociate_route_table(AssociationId=id), *GONE)


RESOURCES = {
    "aws:ec2/routeTable:RouteTable": Resource("EC2 Route Table", create_table, read_table, retag, delete_table),
    "aws:ec2/route:Route": Resource("EC2 Route", create_route, read_route, update_route, delete_route),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": Resource(
        "EC2 Route Table Association", create_association, read_association, update_association, delete_association
    ),
}
